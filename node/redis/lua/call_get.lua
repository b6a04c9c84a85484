-- Reads a call for one of its members: call.get, welcome.
-- KEYS 1 call
-- ARGV 1 session  2 user  3 device
-- Returns {"ok", version, state, seats, starter, locked (0|1), privacy, created, members, whether the seat is this session's (0|1), seating}
-- or {"not_found"} for whoever is not in it.
-- include: body
-- include: call
local key = KEYS[1]
local session, user, device = ARGV[1], ARGV[2], ARGV[3]

local call = call_load(key)
if not call or call.state == 'ended' then return {'not_found'} end
for _, m in ipairs(call.members) do
  if m.session == session or (m.user == user and m.device == device) then
    return {'ok', call.version, call.state, call.seats, call.starter, call.locked and 1 or 0, call.privacy, call.created,
      call_members(call), m.session == session and 1 or 0, call_seating(call)}
  end
end
return {'not_found'}
