-- Hands a waiting offer to the one who takes it first: offer.take.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session  3 user  4 device  5 name  6 epoch of the session
-- Returns {"ok", version, entries, fanned, peer, members, offer, candidates, candidate count, poster's user, poster's name}. Sent again by
-- the taker: the same. {"not_found"} no such call, {"gone"} taken, cancelled or expired, {"forbidden"} not allowed or locked, {"conflict"} its own
-- poster, or a device that sits here already, {"stale"}.
-- include: now
-- include: body
-- include: call
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, user, device, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local epoch = tonumber(ARGV[6] or '')

local call = call_load(key)
if not call then return {'not_found'} end
call.id = id
local taker = redis.call('HGET', key, 'taker')
local own = call_member(call, 'session', session)
if not (own and taker == session) then
  if call.offer ~= 'waiting' then return {call.offer == '' and 'not_found' or 'gone'} end
  if own or call_device(call, user, device) then return {'conflict'} end
  if call.locked or not call_allows(call, user) then return {'forbidden'} end
  own = {peer = call_free_peer(call), session = session, user = user, device = device, name = name, state = 'here', mark = (epoch or 0) * 2}
  call.members[#call.members + 1] = own
  call.offer = 'taken'
  call_settle(call)
  call_event(call, 'call.joined', {'peer', own.peer, 'user', user, 'device', device, 'name', name}, {[session] = '*'})
  redis.call('HSET', key, 'taker', session)
  redis.call('ZREM', timers, 'expire:' .. id)
  call_save(call, log, timers)
elseif call_is_stale(own, epoch) then
  return {'stale'}
end
local f = redis.call('HMGET', key, 'sdp', 'candidates', 'candidate_count')
local poster = call_member(call, 'session', call.starter_session)
return {'ok', call.version, call.entries, call.fanned, own.peer, call_members(call), f[1], f[2], tonumber(f[3]), call.starter,
  poster and poster.name or ''}
