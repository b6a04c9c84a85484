-- Suspends a session whose node is dead, with what is left of its grace. Should that node live after all, it hears that this attach is over.
-- KEYS 1 session  2 held (by that node)  3 timers
-- ARGV 1 session id  2 channel of the dead node  3 ms of grace that are left
-- Returns {"ok", epoch, call, …}: whom to tell. {"stale"}: another node holds it, or none, or it is over.
-- include: now
-- include: session
local session, held, timers = KEYS[1], KEYS[2], KEYS[3]
local id, channel, left_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])

redis.call('SREM', held, id)
local s, seatings = session_load(session)
if s.state ~= 'attached' or s.channel ~= channel then return {'stale'} end
redis.call('HSET', session, 'state', 'suspended', 'channel', '', 'until', now + left_ms)
redis.call('ZADD', timers, now + left_ms, 'grace:' .. id .. ':' .. s.user)
redis.call('SPUBLISH', channel, cmsgpack.pack({1, 'close', id, tonumber(s.epoch), 'ended'}))
local result = {'ok', tonumber(s.epoch)}
for _, call in ipairs(session_calls(seatings)) do result[#result + 1] = call end
return result
