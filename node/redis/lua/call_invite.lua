-- Rings one more user for a call: call.invite.
-- KEYS 1 call  2 log  3 timers
-- ARGV 1 call id  2 session that acts  3 request id  4 epoch of the session  5 user to ring  6 ring in ms  7 who can be reached (0|1)
-- Returns {"ok", version, entries, fanned}. {"not_found"} no such call or not in it, {"gone"} ended, {"forbidden"} the call is locked, {"conflict"} that
-- user sits or rings there already, {"call_full"} with those who are being rung, {"unreachable"}, {"stale"}.
-- include: now
-- include: body
-- include: acting
local key, log, timers = KEYS[1], KEYS[2], KEYS[3]
local id, session, request, epoch, user, ring_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4] or ''), ARGV[5], tonumber(ARGV[6])
local reachable = ARGV[7] == '1'

local call, actor = call_acting(key, id, session, request, epoch)
if not call then return actor end
if call.locked and actor.user ~= call.starter then return {'forbidden'} end
if call_member(call, 'user', user) or call_invitation(call, user) then return {'conflict'} end
if #call.members + #call.invited + (call_is_posted(call) and 1 or 0) >= call.seats then return {'call_full'} end
if not reachable then return {'unreachable'} end
local ring = call_invite(call, {user}, actor, ring_ms)
call_settle(call)
call_event(call, 'call.invited', {'user', user, 'from', actor.user}, {[session] = '-'}, ring)
did(call, session, request)
call_save(call, log, timers)
return {'ok', call.version, call.entries, call.fanned}
