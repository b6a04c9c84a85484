-- Tells a call that a member's socket is gone, or back: call.suspended, call.resumed. The seat stays.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 the member's session  3 epoch of the attach that ended or began  4 suspended (0|1)
-- Returns {"ok", version, entries, fanned}; what a later attach has overtaken changes nothing. {"not_found"}, {"gone"}.
-- include: now
-- include: body
-- include: call
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, epoch, suspended = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local call = call_load(key)
if not call then return {'not_found'} end
if call.state == 'ended' then return {'gone'} end
call.id = id
local own = call_member(call, 'session', session)
if not own then return {'not_found'} end
local mark = epoch * 2 + suspended
local state = suspended == 1 and 'suspended' or 'here'
if mark > (own.mark or 0) then
  own.mark = mark
  if own.state ~= state then
    own.state = state
    call_event(call, suspended == 1 and 'call.suspended' or 'call.resumed', {'peer', own.peer}, {[session] = '-'})
    call_save(call, log, timers)
  else
    redis.call('HSET', key, 'members', cmsgpack.pack(call.members))
  end
end
return {'ok', call.version, call.entries, call.fanned}
