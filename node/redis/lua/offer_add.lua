-- Keeps early candidates with a waiting offer, once for each request: signal to 0.
-- KEYS 1 call
-- ARGV 1 session  2 request id  3 candidates (msgpack values, end to end)  4 how many  5 the most that may wait  6 the most bytes
-- Returns {"ok"} kept, also when it is sent again after the offer was taken; {"taken", peer, session[, 1: without addresses]} send it to that one; {"not_found"} not the poster's, {"gone"}, {"too_large"}.
-- include: body
-- include: call
-- include: once
local key = KEYS[1]
local session, request, candidates = ARGV[1], ARGV[2], ARGV[3]
local count, count_max, bytes_max = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local call = call_load(key)
if not call or call.starter_session ~= session then return {'not_found'} end
local f = redis.call('HMGET', key, 'candidates', 'candidate_count', 'candidate_once')
local once = once_read(f[3], session)
if not once_take(once, request, '0') then return {'ok'} end
if call.offer == 'taken' then
  local taker = call_member(call, 'session', redis.call('HGET', key, 'taker'))
  if not taker then return {'not_found'} end
  return {'taken', taker.peer, taker.session, call.privacy == 'relay' and 1 or nil}
end
if call.offer ~= 'waiting' then return {call.offer == '' and 'not_found' or 'gone'} end
if f[2] + count > count_max or #f[1] + #candidates > bytes_max then return {'too_large'} end
redis.call('HSET', key, 'candidates', f[1] .. candidates, 'candidate_count', f[2] + count, 'candidate_once', once_text(once))
return {'ok'}
