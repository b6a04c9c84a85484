-- Answers an invitation: call.accept; and call.start that crosses with the callee's own (glare).
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session  3 user  4 device  5 name  6 epoch of the session  7 answer (msgpack value or "")  8 the same without addresses
--      9 glare (0|1)  10 the one who crosses wants relay privacy (0|1)
--      11 request id
-- Returns what offer_take.lua does, with an empty offer where none came with the invitation, or whoever made it has left: then the answer goes nowhere. Sent again:
-- the same seat.
-- {"not_found"}, {"gone"} cancelled, timed out, or another device was first, {"call_full"}, {"conflict"} the device sits here, or an answer where no offer came, {"stale"}.
-- Glare: {"not_found"} nothing to cross with; {"gone"} another device of the user has answered this very moment.
-- include: now
-- include: body
-- include: call
-- include: seat
-- include: offer
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, user, device, name, epoch = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6] or '')
local answer, answer_blanked, glare, relay, request = ARGV[7], ARGV[8], ARGV[9] == '1', ARGV[10] == '1', ARGV[11]
local crossing_ms = 3000

local function crosses(call)
  return #call.members == 1 and #call.invited == 1 and call_invitation(call, user) and call.members[1].user ~= user
end

local call = call_load(key)
if not call then return {'not_found'} end
call.id = id
local own = call_member(call, 'session', session)
if own and (own.request == request or not glare) then
  if call_is_stale(own, epoch) then return {'stale'} end
  return offer_answer(call, own, redis.call('HGET', key, 'taker') == session)
end
if glare and not crosses(call) then
  local other = call.state ~= 'ended' and not own and call_member(call, 'user', user)
  return {other and now - (other.since or 0) < crossing_ms and 'gone' or 'not_found'}
end
local inv = call_invitation(call, user)
if not inv then return call_allows(call, user) and {'gone'} or {'not_found', call.version} end
if call_device(call, user, device) then return {'conflict'} end
if not call_free_peer(call) then return {'call_full'} end
local offered = call_offers_to(call, user)
if answer ~= '' and not offered and not inv.offered then return {'conflict'} end
if relay and call.privacy ~= 'relay' then
  call.privacy, call.also = 'relay', {'privacy', 'relay', 'plain', '1'}
end
if offered then offer_hand_over(call, session) end
own = call_seat(call, {session = session, user = user, device = device, name = name, epoch = epoch, request = request},
  offered and answer ~= '' and (call.privacy == 'relay' and answer_blanked or answer) or nil)
call_save(call, log, timers)
return offer_answer(call, own, offered)
