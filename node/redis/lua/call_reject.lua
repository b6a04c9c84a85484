-- Ends an invitation from the callee's side: call.reject, and its time is over (fired by the partition's owner, any number of times).
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 user  3 reason  4 session that rejects ("": the time is over)  5 request id
-- Returns {"ok", version, entries, fanned}. The same request sent again: the same version. {"not_found"} not invited ever, {"gone"} that is over, {"stale"}
-- it rings on.
-- include: now
-- include: body
-- include: call
-- include: did
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, user, reason, session, request = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local timer = 'ring:' .. id .. ':' .. user

local call = call_load(key)
local inv = call and call_invitation(call, user)
if session == '' and not inv then redis.call('ZREM', timers, timer) end
if not call then return {'not_found'} end
local before = did_before(call, session, request)
if before then return {'ok', before, {}, call.fanned} end
if not inv then return call_allows(call, user) and {'gone'} or {'not_found', call.version} end
if session == '' and now < inv['until'] then
  redis.call('ZADD', timers, inv['until'], timer) -- rung again since the timer was taken up
  return {'stale'}
end
call.id = id
local ring = call_uninvite(call, user, session, session == '' and 'timeout' or 'rejected_elsewhere')
call_settle(call)
call_event(call, 'call.rejected', {'user', user, 'reason', reason}, session == '' and {} or {[session] = 'o'}, ring)
call_end_if_over(call, reason)
did(call, session, request)
call_save(call, log, timers)
return {'ok', call.version, call.entries, call.fanned}
