-- Hands a waiting offer to the one who takes it first: offer.take.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session  3 user  4 device  5 name  6 epoch of the session
-- Returns {"ok", version, entries, fanned, peer, members, offer, candidates, candidate count, poster's user, poster's name[, 1: the offer and
-- its candidates have addresses that must not pass]}. Sent again by the taker: the same. {"not_found", version} no such call (without version), or no offer in it, {"gone"} taken, cancelled or expired, {"forbidden"} not allowed, or locked and not invited, {"conflict"} its own
-- poster, or a device that sits here already, {"stale"}.
-- include: now
-- include: body
-- include: call
-- include: seat
-- include: offer
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, user, device, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local epoch = tonumber(ARGV[6] or '')

local call = call_load(key)
if not call then return {'not_found'} end
call.id = id
local own = call_member(call, 'session', session)
if not (own and redis.call('HGET', key, 'taker') == session) then
  if call.offer ~= 'waiting' then return call.offer == '' and {'not_found', call.version} or {'gone'} end
  if own or call_device(call, user, device) then return {'conflict'} end
  if call.callee ~= '' and call.callee ~= user then return {'forbidden'} end
  if call.locked and not call_invitation(call, user) or not call_allows(call, user) then return {'forbidden'} end
  offer_hand_over(call, session)
  own = call_seat(call, {session = session, user = user, device = device, name = name, epoch = epoch})
  call_save(call, log, timers)
elseif call_is_stale(own, epoch) then
  return {'stale'}
end
return offer_answer(call, own, true)
