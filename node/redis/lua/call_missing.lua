-- A member's session is not there where it should be: the store has lost it. Its seat waits for its node to put it back, and is free when that does not happen.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 the member's session  3 ms for which its seat waits
-- Returns {"ok", version, entries, fanned}; {"not_found"}, {"gone"} it does not sit there any more.
-- include: now
-- include: body
-- include: heal
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, grace_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])

local call = call_load(key)
if not call then return {'not_found'} end
if call.state == 'ended' then return {'gone'} end
call.id = id
local own = call_member(call, 'session', session)
if not own then return {'not_found'} end
if not own.absent then
  own.absent = true
  redis.call('ZADD', timers, 'LT', now + grace_ms, 'heal:' .. id)
  if own.state == 'here' then
    own.state = 'suspended'
    call_event(call, 'call.suspended', {'peer', own.peer}, {})
    call_save(call, log, timers)
  else
    redis.call('HSET', key, 'members', cmsgpack.pack(call.members))
  end
end
return {'ok', call.version, call.entries, call.fanned}
