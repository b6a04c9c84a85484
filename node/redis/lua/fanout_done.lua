-- All members' mailboxes are up to `last`: forgets the log up to there, and the timer if nothing is newer.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 first version that was brought out  3 last
-- Returns {"ok"}. A hole before `first` belongs to another node that has not finished: then the timer stays.
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, first, last = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local f = redis.call('HMGET', key, 'version', 'fanned')
if not f[1] then
  redis.call('ZREM', timers, 'fanout:' .. id)
  return {'ok'}
end
local version, fanned = tonumber(f[1]), tonumber(f[2])
if fanned < first - 1 then return {'ok'} end
if last > fanned then
  redis.call('HSET', key, 'fanned', last)
  redis.call('XTRIM', log, 'MINID', (last + 1) .. '-0')
end
if last >= version then redis.call('ZREM', timers, 'fanout:' .. id) end
return {'ok'}
