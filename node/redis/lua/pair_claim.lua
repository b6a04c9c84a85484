-- Two who call each other at once get one call: the first claim stands while it rings (glare, design 4).
-- KEYS 1 pair
-- ARGV 1 call id  2 the user who calls  3 a call of the other that is known to be over ("": none)  4 for how many ms
-- Returns {"ok"}: go on with this call; {"taken", call}: the other's came first.
-- A second call in the same direction goes on without a claim.
local pair = KEYS[1]
local call, user, over, ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local f = redis.call('HMGET', pair, 'call', 'user')
if f[1] and f[1] ~= call and f[1] ~= over then
  if f[2] == user then return {'ok'} end
  return {'taken', f[1]}
end
redis.call('HSET', pair, 'call', call, 'user', user)
redis.call('PEXPIRE', pair, ms)
return {'ok'}
