-- Two who call each other at once get one call: the first claim stands while it rings (glare, docs/architecture.md).
-- KEYS 1 pair
-- ARGV 1 call id  2 the user who calls  3 a call of the other that is known to be over ("": none)  4 for how many ms (0: nothing is claimed)
-- Returns {"ok"}: go on with this call; {"taken", call}: the other's came first, the youngest if there are several.
-- include: now
local pair = KEYS[1]
local call, user, over, ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local claims = redis.call('HGETALL', pair)
local other, other_until = nil, now
for i = 1, #claims, 2 do
  local ends, caller = string.match(claims[i + 1], '^(%d+):(.*)$')
  if claims[i] == over or tonumber(ends) <= now then
    redis.call('HDEL', pair, claims[i])
  elseif caller ~= user and claims[i] ~= call and tonumber(ends) > other_until then
    other, other_until = claims[i], tonumber(ends)
  end
end
if other and redis.call('HEXISTS', pair, call) == 0 then return {'taken', other} end
if ms == 0 then return {'ok'} end
redis.call('HSET', pair, call, string.format('%d:%s', now + ms, user))
redis.call('PEXPIRE', pair, claims[1] and math.max(ms, redis.call('PTTL', pair)) or ms)
return {'ok'}
