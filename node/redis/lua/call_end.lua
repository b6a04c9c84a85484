-- Ends a call for everybody, by an operator: `switchboard call end`, which runs it itself. Whoever owns the partition brings it out at its next look.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 reason
-- Returns {"ok", members, rings}: how many sat there, and how many users were being rung. {"not_found"} no such call; {"gone"} it is over.
-- include: now
-- include: body
-- include: call
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, reason = ARGV[1], ARGV[2]

local call = call_load(key)
if not call then return {'not_found'} end
if call.state == 'ended' then return {'gone'} end
call.id = id
local members, rings = #call.members, #call.invited
call_end(call, reason)
call_save(call, log, timers)
redis.call('ZADD', timers, now, 'fanout:' .. id)
return {'ok', members, rings}
