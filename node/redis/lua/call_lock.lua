-- Closes a call to newcomers, or opens it again: call.lock.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session that acts  3 locked (0|1)  4 epoch of the session
-- Returns {"ok", version, entries, fanned}. {"not_found"} no such call or not in it, {"gone"}, {"forbidden"} only the starter locks, {"stale"}.
-- include: now
-- include: body
-- include: acting
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, locked, epoch = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4] or '')

local call, actor = call_acting(key, id, session, '0', epoch)
if not call then return actor end
if actor.user ~= call.starter then return {'forbidden'} end
if call.locked ~= locked then
  call.locked = locked
  call_event(call, 'call.locked', {'locked', locked}, {[session] = '-'})
  call_save(call, log, timers)
end
return {'ok', call.version, call.entries, call.fanned}
