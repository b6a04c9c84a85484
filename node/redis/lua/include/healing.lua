-- The end of a call's healing: one change that all members take whatever they missed.
-- include: heal
local function healing_seat(call, b, s)
  local records = heal_records(call, b)
  call.members = {}
  for i, one in ipairs(s.sitting) do
    local r = records[one.session]
    call.members[i] = r and {peer = one.peer, session = r.session, user = r.user, device = r.device, name = r.name, state = r.state, mark = r.mark, since = now}
      or heal_absent(one)
    records[one.session] = nil
    if call.starter_session == '' and one.peer == s.starter then call.starter_session = one.session end
  end
  return records
end

-- Rings go on as if they began now. A callee of two may hold the offer still: so an answer is taken.
local function healing_ring(call, users)
  local starter = call_member(call, 'user', call.starter)
  for _, user in ipairs(users) do
    if not call_member(call, 'user', user) and not call_invitation(call, user) then
      call_invite(call, {user}, {user = call.starter, name = starter and starter.name or call.starter}, heal_ring_ms)
    end
  end
  if call.seats == 2 and #call.invited == 1 and call.offer == '' then
    call.offer, call.callee = 'waiting', call.invited[1].user
    redis.call('HSET', call.key, 'callee', call.callee)
  end
end

local function healing_finish(call, b, log, timers, id, key, grace_ms)
  local s = b.seating ~= '' and heal_parse(b.seating) or {version = 0, seats = 2, starter = 0, sitting = {}}
  local lost = not call
  if call and s.version <= call.version then s = heal_parse(call.version .. call_seating(call)) end -- it has gone on since
  call = call or heal_new(key, log, id, s)
  call.version = math.max(call.version, s.version, b.version)
  if lost then redis.call('HSET', key, 'fanned', call.version) end
  call.fanned = lost and call.version or call.fanned
  local out = s.version > 0 and healing_seat(call, b, s) or {}
  call.locked = s.l or false
  if s.r and call.privacy ~= 'relay' then
    call.privacy = 'relay'
    redis.call('HSET', key, 'privacy', 'relay')
  end
  redis.call('HSET', key, 'healed', now)
  heal_know(call)
  healing_ring(call, b.rings)
  call_settle(call)
  heal_say(call, out)
  call_end_if_over(call, 'lost')
  call_save(call, log, timers)
  redis.call('UNLINK', b.key)
  if heal_has_absent(call) then
    redis.call('ZADD', timers, now + grace_ms, 'heal:' .. id)
  else
    redis.call('ZREM', timers, 'heal:' .. id)
  end
  return {'ok', call.version, call.entries, call.fanned}
end
