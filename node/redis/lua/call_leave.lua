-- Frees a seat: call.leave, call.remove, a session that ended. The call ends with it when nobody is left to talk to. Who was removed is no guest any more.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session that acts  3 peer to remove (0: the own seat)  4 reason  5 request id (0: none)  6 epoch of the session
--      ("": said on behalf of a session that is over)
-- Returns {"ok", version, entries, fanned}. The same request sent again: the same version, though another may sit there by now.
-- {"not_found"} no such call or seat, {"gone"} ended, {"forbidden"} only the starter removes, {"stale"}.
-- include: now
-- include: body
-- include: acting
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, peer, reason, request = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local epoch = tonumber(ARGV[6] or '')

local call, actor = call_acting(key, id, session, request, epoch)
if not call then return actor end
local leaver = actor
if peer > 0 then
  if actor.user ~= call.starter then return {'forbidden'} end
  leaver = call_member(call, 'peer', peer)
  if not leaver then return {'not_found', call.version} end
end
local _, index = call_member(call, 'session', leaver.session)
table.remove(call.members, index)
if leaver ~= actor then call_unguest(call, leaver.user) end
local marks = {[session] = peer > 0 and '-' or nil}
marks[leaver.session] = (leaver == actor) and '~' or '!'
if leaver.session == call.starter_session and call.offer == 'waiting' then call.offer = 'gone' end
call_settle(call)
call_event(call, 'call.left', {'peer', leaver.peer, 'reason', reason}, marks)
call_end_if_over(call, reason)
did(call, session, request)
call_save(call, log, timers)
return {'ok', call.version, call.entries, call.fanned}
