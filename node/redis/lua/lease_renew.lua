-- Renews a node's lease, leaves its card beside it, and tells which nodes live, and which have stopped to.
-- KEYS 1 nodes  2 card of the node
-- ARGV 1 node id  2 lease in ms (0: gives it up)  3 for how many ms a dead node is remembered  4 its card ("": it has none)
-- Returns {"new" | "running" | "lapsed", {id, …}, {id, ms since its lease ended, …}, now, µs}: what the own lease was, the living (this one included), the dead,
-- and Redis's time in ms and what it has beyond those in µs.
-- include: now
local nodes, card_key = KEYS[1], KEYS[2]
local id, lease_ms, remembered_ms, card = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local own = tonumber(redis.call('ZSCORE', nodes, id) or nil)
local was = not own and 'new' or own > now and 'running' or 'lapsed'
redis.call('ZADD', nodes, now + lease_ms, id)
if card ~= '' then redis.call('SET', card_key, card, 'PX', lease_ms + remembered_ms) end
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', now - remembered_ms)
local living, dead = {}, {}
local list = redis.call('ZRANGE', nodes, 0, -1, 'WITHSCORES')
for i = 1, #list, 2 do
  local left = tonumber(list[i + 1]) - now
  if left > 0 then
    living[#living + 1] = list[i]
  else
    dead[#dead + 1] = list[i]
    dead[#dead + 1] = -left
  end
end
return {was, living, dead, now, time[2] % 1000}
