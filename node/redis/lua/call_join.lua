-- Takes a seat, or takes the own seat back after the device came with a new session: call.join.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session  3 user  4 device  5 name  6 epoch of the session  7 request id
-- Returns {"ok", version, entries, fanned, peer, members}. Sent again: the same seat. Who is being rung accepts by it: what call_accept.lua returns.
-- {"not_found"}, {"gone"} ended, {"forbidden"} not allowed or locked, {"call_full"}, {"stale"}, {"conflict"} the device sits here with a session
-- that is not superseded.
-- include: now
-- include: body
-- include: call
-- include: seat
-- include: offer
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, user, device, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local epoch, request = tonumber(ARGV[6] or ''), ARGV[7]

local call = call_load(key)
if not call then return {'not_found'} end
if call.state == 'ended' then return {'gone'} end
call.id = id
local own = call_member(call, 'session', session)
if not own then
  own = call_device(call, user, device)
  if own then
    if (own.mark or 0) < superseded_mark then return {'conflict'} end
    local old = own.session
    own.session, own.name, own.state, own.mark, own.request = session, name, 'here', (epoch or 0) * 2, nil
    call_succeed(call, old, session)
    call_event(call, 'call.rejoined', {'peer', own.peer}, {[session] = '*', [old] = '~'})
  else
    if call.locked and not call_invitation(call, user) or not call_allows(call, user) then return {'forbidden'} end
    -- Seats are kept for whoever takes the posted offer, and for those who are being rung.
    local kept = (call_is_posted(call) and 1 or 0) + #call.invited - (call_invitation(call, user) and 1 or 0)
    if #call.members + kept >= call.seats then return {'call_full'} end
    if call_offers_to(call, user) then offer_hand_over(call, session) end
    own = call_seat(call, {session = session, user = user, device = device, name = name, epoch = epoch, request = request})
  end
  call_save(call, log, timers)
elseif call_is_stale(own, epoch) then
  return {'stale'}
end
if own.request == request and redis.call('HGET', key, 'taker') == session then return offer_answer(call, own, true) end
return {'ok', call.version, call.entries, call.fanned, own.peer, call_members(call)}
