-- Takes back one invitation, or all of them, a posted offer with them, and the call if nobody joined: call.cancel.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session that acts  3 request id  4 epoch of the session  5 user ("": all)
-- Returns {"ok", version, entries, fanned}. The same request sent again: the same version. {"not_found"} no such call or not in it, {"gone"} ended, or that user
-- does not ring, {"forbidden"} another's invitation and not the starter, {"stale"}.
-- include: now
-- include: body
-- include: acting
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, request, epoch, user = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4] or ''), ARGV[5]

local call, actor = call_acting(key, id, session, request, epoch)
if not call then return actor end
local users = {}
for _, inv in ipairs(call.invited) do
  local may = actor.user == call.starter or actor.user == inv.by
  if inv.user == user and not may then return {'forbidden'} end
  if inv.user == user or (user == '' and may) then users[#users + 1] = inv.user end
end
if user ~= '' and not users[1] then return {'gone'} end
for _, callee in ipairs(users) do
  local ring = call_uninvite(call, callee, '', 'cancelled')
  call_settle(call)
  call_event(call, 'call.rejected', {'user', callee, 'reason', 'cancelled'}, {[session] = '-'}, ring)
end
if user == '' and session == call.starter_session and call_is_posted(call) then
  call.offer = 'gone'
  call.over[#call.over + 1] = 'expire:' .. id
end
if user == '' and #call.members < 2 then call_end(call, 'cancelled') else call_end_if_over(call, 'cancelled') end
did(call, session, request)
call_save(call, log, timers)
return {'ok', call.version, call.entries, call.fanned}
