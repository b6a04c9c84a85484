-- A dead node's sessions are swept: forgets that it held any here, unless there are some again.
-- KEYS 1 held  2 holders
-- ARGV 1 node id
-- Returns {"ok"}.
local held, holders = KEYS[1], KEYS[2]
local node = ARGV[1]

if redis.call('EXISTS', held) == 0 then redis.call('SREM', holders, node) end
return {'ok'}
