-- Reads a call for one of its members, or for somebody who is being rung: call.get, welcome.
-- KEYS 1 call
-- ARGV 1 session  2 user  3 device
-- Returns {"ok", version, state, seats, starter, locked (0|1), privacy, created, members, whether the seat is this session's (0|1), seating, ringing}
-- or {"not_found"} for whoever is neither in it nor invited.
-- include: now
-- include: body
-- include: call
local key = KEYS[1]
local session, user, device = ARGV[1], ARGV[2], ARGV[3]

local call = call_load(key)
if not call then return {'not_found'} end
local own = call_member(call, 'session', session) or call_device(call, user, device)
if not own and not call_invitation(call, user) then return {'not_found', call.version} end
return {'ok', call.version, call.state, call.seats, call.starter, call.locked and 1 or 0, call.privacy, call.created, call_members(call),
  own and own.session == session and 1 or 0, own and call_seating(call) or '', call_ringing(call)}
