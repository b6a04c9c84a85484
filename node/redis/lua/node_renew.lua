-- Renews a node's lease and tells which nodes live.
-- KEYS 1 nodes
-- ARGV 1 node id  2 lease in ms (0: gives it up)
-- Returns the ids of the nodes whose lease runs, this one included.
-- include: now
local nodes = KEYS[1]
local id, lease_ms = ARGV[1], tonumber(ARGV[2])

if lease_ms > 0 then redis.call('ZADD', nodes, now + lease_ms, id) else redis.call('ZREM', nodes, id) end
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', now)
return redis.call('ZRANGE', nodes, 0, -1)
