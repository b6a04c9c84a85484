-- Suspends a session whose node is dead, with what is left of its grace.
-- KEYS 1 session  2 held (by that node)  3 timers
-- ARGV 1 session id  2 channel of the dead node  3 ms of grace that are left
-- Returns {"ok", epoch, call, …}: whom to tell. {"stale"}: another node holds it, or none, or it is over.
-- include: now
local session, held, timers = KEYS[1], KEYS[2], KEYS[3]
local id, channel, left_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])

redis.call('SREM', held, id)
local fields = redis.call('HGETALL', session)
local s, result = {}, {'ok'}
for i = 1, #fields, 2 do s[fields[i]] = fields[i + 1] end
if s.state ~= 'attached' or s.channel ~= channel then return {'stale'} end
redis.call('HSET', session, 'state', 'suspended', 'channel', '', 'until', now + left_ms)
redis.call('ZADD', timers, now + left_ms, 'grace:' .. id .. ':' .. s.user)
result[2] = tonumber(s.epoch)
for field in pairs(s) do
  if string.sub(field, 1, 3) == 'in:' then result[#result + 1] = string.sub(field, 4) end
end
return result
