-- The invitations that ring a user's devices: call → version of the ring, or "-version:ms" for a while once it is over, so that a late word does not ring again.
local rings_kept_ms, rings_over_ms, rings_many = 180000, 30000, 32

-- True: it is late, that ring is over.
local function rings_set(rings, call, version, rung)
  local known = redis.call('HGET', rings, call)
  if known and tonumber(string.match(known, '%d+')) >= version then return string.sub(known, 1, 1) == '-' end
  local added = redis.call('HSET', rings, call, rung and version or '-' .. version .. ':' .. string.format('%d', now))
  redis.call('PEXPIRE', rings, rings_kept_ms) -- longer than the longest ring
  if added == 0 or redis.call('HLEN', rings) <= rings_many then return false end
  local all = redis.call('HGETALL', rings)
  for i = 1, #all, 2 do
    local over = string.match(all[i + 1], '^-%d+:(%d+)')
    if over and tonumber(over) < now - rings_over_ms then redis.call('HDEL', rings, all[i]) end
  end
  return false
end
