-- A device of this user rings for a call, its node says, after the store may have lost that.
-- KEYS 1 call  2 log  3 timers  4 heal
-- ARGV 1 call id  2 user  3 version of the ring
-- Returns {"ok", version, entries, fanned}: all is well, or it is now; version 0: it is noted, and goes on if the call's members come back. {"hole", version, mark,
-- seating, body}: it rings no more, and this makes it stop.
-- include: now
-- include: body
-- include: heal
local key, log, timers, heal = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, user, version = ARGV[1], ARGV[2], tonumber(ARGV[3])
local healed_lately_ms = 15000

-- What stops it stands in the log, and is on its way: it may let one of these devices sit down in the same step.
local function is_stopped_by_log()
  for _, entry in ipairs(redis.call('XRANGE', log, '-', '+')) do
    if tonumber(string.match(entry[1], '^%d+')) > version and string.find(' ' .. entry[2][2], ' x' .. user .. '=', 1, true) then return true end
  end
  return false
end

local call = call_load(key)
if call then
  call.id = id
  local own = call_invitation(call, user)
  if own or is_stopped_by_log() then return {'ok', call.version, {}, call.fanned} end
  local healed = tonumber(redis.call('HGET', key, 'healed') or 0)
  local free = #call.members + #call.invited < call.seats and not call_member(call, 'user', user)
  if call.state ~= 'ended' and now - healed < healed_lately_ms and version < call.version and free then
    local starter = call_member(call, 'user', call.starter)
    call_invite(call, {user}, {user = call.starter, name = starter and starter.name or call.starter}, heal_ring_ms)
    call_settle(call)
    call_event(call, 'call.invited', {'user', user, 'from', call.starter}, {})
    call_save(call, log, timers)
    return {'ok', call.version, call.entries, call.fanned}
  end
  local at = math.max(call.fanned, version + 1) -- what is newer is still brought out, and must not be overtaken
  return {'hole', at, 'x', '', body({'type', 'call.cancelled', 'call', id, 'version', at, 'reason', 'cancelled'})}
end
local b, known = heal_load(heal), false
for _, one in ipairs(b.rings) do known = known or one == user end
if not known then b.rings[#b.rings + 1] = user end
b.version = math.max(b.version, version)
heal_save(b, timers, id)
return {'ok', 0, {}, 0}
