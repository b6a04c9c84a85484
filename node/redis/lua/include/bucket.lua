-- Limits of so many a minute that all devices of a user share (after include: now). A field of the user's hash of limits says when that bucket will be full again (ms);
-- a full one holds what a minute brings. The hash goes by itself when all of them are full.
local minute_ms = 60000

-- 0: taken; otherwise in how many ms it could be.
local function bucket_take(limits, name, per_minute)
  local one = minute_ms / per_minute
  local full = math.max(tonumber(redis.call('HGET', limits, name) or 0), now) + one
  local wait = full - now - minute_ms
  if wait >= 1 then return math.ceil(wait) end
  redis.call('HSET', limits, name, string.format('%.3f', full))
  redis.call('PEXPIRE', limits, minute_ms)
  return 0
end
