-- A device of somebody who is being rung rings audibly: call.alert. Told once.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 user  3 session that rings  4 request id
-- Returns {"ok", version, entries, fanned}. The same request sent again: the same version. {"not_found"} not invited ever, {"gone"} that is over.
-- include: now
-- include: body
-- include: call
-- include: did
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, user, session, request = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local call = call_load(key)
if not call then return {'not_found'} end
local before = did_before(call, session, request)
if before then return {'ok', before, {}, call.fanned} end
call.id = id
local inv = call_invitation(call, user)
if not inv then return call_allows(call, user) and {'gone'} or {'not_found', call.version} end
if not inv.alerted then
  inv.alerted, call.invited_anew = true, true
  call_event(call, 'call.ringing', {'user', user}, {})
  did(call, session, request)
  call_save(call, log, timers)
end
return {'ok', call.version, call.entries, call.fanned}
