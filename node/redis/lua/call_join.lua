-- Takes a seat, or takes the own seat back after the device came with a new session: call.join.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session  3 user  4 device  5 name
-- Returns {"ok", version, entries, fanned, peer, members}. Sent again: the same seat.
-- {"not_found"}, {"gone"} ended, {"forbidden"} not allowed or locked, {"call_full"}.
-- include: now
-- include: body
-- include: call
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, user, device, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local call = call_load(key)
if not call then return {'not_found'} end
if call.state == 'ended' then return {'gone'} end
call.id = id
local own = call_member(call, 'session', session)
if not own then
  for _, m in ipairs(call.members) do
    if m.user == user and m.device == device then own = m end
  end
  if own then
    local old = own.session
    own.session, own.name, own.state, own.mark = session, name, 'here', nil
    call_succeed(call, old, session)
    call_event(call, 'call.rejoined', {'peer', own.peer}, {[session] = '*', [old] = '~'})
  else
    if call.locked or not call_allows(call, user) then return {'forbidden'} end
    local kept = call.offer == 'waiting' and 1 or 0
    if #call.members + kept >= call.seats then return {'call_full'} end
    own = {peer = call_free_peer(call), session = session, user = user, device = device, name = name, state = 'here'}
    call.members[#call.members + 1] = own
    call_settle(call)
    call_event(call, 'call.joined', {'peer', own.peer, 'user', user, 'device', device, 'name', name}, {[session] = '*'})
  end
  call_save(call, log, timers)
end
return {'ok', call.version, call.entries, call.fanned, own.peer, call_members(call)}
