-- Takes back a call that crossed with another and lost, before anybody was told of it (glare). Its id stays known as that of a call that is over, and which one
-- came in its place.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session that started it  3 the call in its place  4 nobody can have been told by whoever made it (0|1)
-- Returns {"ok"}; {"conflict"} somebody was told, or it has changed: it has to be left as any other.
-- include: now
-- include: body
-- include: call
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, other, untold = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'

local call = call_load(key)
if not call or call.state == 'ended' or call.starter_session ~= session then return {'ok'} end
redis.call('HSET', key, 'crossed', other)
if not untold or call.version > 1 or now >= call.created + fanout_retry_ms then return {'conflict'} end
redis.call('ZREM', timers, 'fanout:' .. id, 'expire:' .. id)
for _, inv in ipairs(call.invited) do redis.call('ZREM', timers, 'ring:' .. id .. ':' .. inv.user) end
redis.call('UNLINK', log)
redis.call('HDEL', key, 'sdp', 'candidates', 'meta', 'invited')
redis.call('HSET', key, 'state', 'ended', 'fanned', call.version, 'members', cmsgpack.pack({}), 'offer', call.offer ~= '' and 'gone' or '')
redis.call('PEXPIRE', key, tombstone_ms)
return {'ok'}
