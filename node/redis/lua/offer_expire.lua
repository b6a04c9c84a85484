-- An offer's time is over; fired by the partition's owner, any number of times.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id
-- Returns {"ok", version, entries, fanned}; {"gone"} when there was nothing to expire.
-- include: now
-- include: body
-- include: call
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id = ARGV[1]

redis.call('ZREM', timers, 'expire:' .. id)
local call = call_load(key)
if not call or not call_is_posted(call) then return {'gone'} end
call.id = id
call.offer = 'gone'
if #call.members < 2 and not call_is_expecting(call) then
  call_end(call, 'expired')
  call_save(call, log, timers)
else
  redis.call('HSET', key, 'offer', 'gone')
end
return {'ok', call.version, call.entries, call.fanned}
