-- What a node knows of a call that one of its sessions sits in, after the store may have lost it.
-- KEYS 1 call  2 log  3 timers  4 heal
-- ARGV 1 call id  2 session  3 user  4 device  5 name  6 mark of the session (call_mark.lua)  7 seating as the session knows it  8 ms for which a member's seat waits whose node
--      does not speak  9 the session may have lost what the log has (0|1)
-- Returns {"ok", version, entries, fanned}: all is well, or it is now; version 0: it is noted, and the call is put back when the others have spoken or their time is
-- over. {"hole", version, mark, seating, body}: the session has missed what the log has no more; this brings it where the call stands.
-- include: now
-- include: body
-- include: healing
local key, log, timers, heal = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, session, user, device, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local mark, seating, grace_ms = tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])
local forgot = ARGV[9] == '1'
local mine = heal_parse(seating)
local record = {session = session, user = user, device = device, name = name, state = mark % 2 == 0 and 'here' or 'suspended', mark = mark}

local call = call_load(key)
local over = call and call.state == 'ended'
if call then call.id = id end

local function bring(how, version)
  local said = over and {'type', 'call.ended', 'call', id, 'version', version, 'reason', 'lost'} or {'type', 'call.healed', 'call', id, 'version', version}
  if not over then
    for _, value in ipairs(heal_snapshot(call)) do said[#said + 1] = value end
  end
  return {'hole', version, how, how == '=' and call_seating(call) or '', body(said)}
end

if call and (over or mine.version <= call.version) then
  local own = call_member(call, 'session', session)
  local logged = not forgot and mine.version >= call.fanned and mine.version < call.version
  if own and own.absent then
    heal_fill(own, record)
    heal_know(call)
    heal_say(call, {})
    call_save(call, log, timers)
    if not heal_has_absent(call) then redis.call('ZREM', timers, 'heal:' .. id) end
  elseif own and not logged and mine.version < call.version then
    return bring('=', call.version)
  elseif not own and not logged then
    return bring('#', math.max(call.version, mine.version))
  end
  return {'ok', call.version, call.entries, call.fanned}
end

local b = heal_load(heal)
if mine.version > b.version or b.seating == '' then
  b.seating = mine.version >= (b.seating ~= '' and heal_parse(b.seating).version or 0) and seating or b.seating
  b.version = math.max(b.version, mine.version)
end
for i = #b.records, 1, -1 do
  if b.records[i].session == session then table.remove(b.records, i) end
end
b.records[#b.records + 1] = record
if heal_is_whole(call, b) then return healing_finish(call, b, log, timers, id, key, grace_ms) end
heal_save(b, timers, id)
return {'ok', 0, {}, 0}
