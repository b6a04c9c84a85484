-- All members' mailboxes are up to `last`: forgets the log up to there, and the timer if nothing is newer.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 first version that was brought out  3 last
-- Returns {"ok"}. A hole before `first` belongs to another node that has not told yet: this share is kept in `ahead` until it does, and the timer stays.
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, first, last = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local AHEAD_MAX = 64 -- bytes; what has no room there is brought out once more when the timer fires

-- How far all is done when it is done up to `to`, and the shares that are still ahead of that.
local function catch_up(ahead, to)
  local before
  repeat
    before = to
    ahead = string.gsub(ahead, '(%d+)%-(%d+) ', function(from, till)
      if tonumber(from) > to + 1 then return nil end
      to = math.max(to, tonumber(till))
      return ''
    end)
  until to == before
  return to, ahead
end

local f = redis.call('HMGET', key, 'version', 'fanned', 'ahead')
if not f[1] then
  redis.call('ZREM', timers, 'fanout:' .. id)
  return {'ok'}
end
local version, fanned, ahead = tonumber(f[1]), tonumber(f[2]), f[3] or ''
if fanned < first - 1 then
  if #ahead < AHEAD_MAX then redis.call('HSET', key, 'ahead', ahead .. first .. '-' .. last .. ' ') end
  return {'ok'}
end
local to, left = math.max(fanned, last), ahead
if ahead ~= '' then to, left = catch_up(ahead, to) end
if left ~= ahead then redis.call('HSET', key, 'ahead', left) end
if to > fanned then
  redis.call('HSET', key, 'fanned', to)
  redis.call('XTRIM', log, 'MINID', (to + 1) .. '-0')
end
if to >= version then redis.call('ZREM', timers, 'fanout:' .. id) end
return {'ok'}
