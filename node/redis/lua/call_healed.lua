-- A call's healing has lasted long enough: it is made of what was brought. Fired by the partition's owner, any number of times; once more when the seats of those
-- whose nodes have not spoken are free.
-- KEYS 1 call  2 log  3 timers  4 heal
-- ARGV 1 call id  2 ms for which a member's seat waits whose node does not speak
-- Returns {"ok", version, entries, fanned}; {"gone"} there was nothing to do.
-- include: now
-- include: body
-- include: healing
local key, log, timers, heal = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, grace_ms = ARGV[1], tonumber(ARGV[2])

redis.call('ZREM', timers, 'heal:' .. id)
local call, b = call_load(key), heal_load(heal)
if call then call.id = id end
if b.version > 0 and not (call and call.state == 'ended') then
  return healing_finish(call, b, log, timers, id, key, grace_ms)
end
redis.call('UNLINK', heal)
if not call or not heal_has_absent(call) then return {'gone'} end
for i = #call.members, 1, -1 do
  if call.members[i].absent then
    local lost = table.remove(call.members, i)
    call_settle(call)
    call_event(call, 'call.left', {'peer', lost.peer, 'reason', 'lost'}, {})
  end
end
call_end_if_over(call, 'lost')
call_save(call, log, timers)
return {'ok', call.version, call.entries, call.fanned}
