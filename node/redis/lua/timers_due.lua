-- What is due in a partition; each is put off a little, so that it comes again if whoever fires it now does not finish.
-- KEYS 1 timers
-- ARGV 1 how many at most  2 ms until it comes again
-- Returns the names.
-- include: now
local timers = KEYS[1]
local most, again_ms = ARGV[1], tonumber(ARGV[2])

local due = redis.call('ZRANGEBYSCORE', timers, '-inf', now, 'LIMIT', 0, most)
for _, name in ipairs(due) do redis.call('ZADD', timers, now + again_ms, name) end
return due
