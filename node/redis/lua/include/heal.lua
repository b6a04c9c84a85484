-- A call that the store has lost, or knows only as it was: what the nodes of its members bring, and how a call is made of it (docs/decisions/0012-…). `brought` holds the newest
-- seating, the records of members, and the users who ring. Until the call is whole its own key is left alone, so that nobody acts on half a call.
-- include: call
local heal_wait_ms, heal_kept_ms, heal_ring_ms = 3000, 60000, 45000

local function heal_load(key)
  local f = redis.call('HMGET', key, 'seating', 'records', 'rings', 'version')
  return {key = key, seating = f[1] or '', records = f[2] and cmsgpack.unpack(f[2]) or {}, rings = f[3] and cmsgpack.unpack(f[3]) or {},
    version = tonumber(f[4] or 0)}
end

local function heal_save(b, timers, id)
  redis.call('HSET', b.key, 'seating', b.seating, 'records', cmsgpack.pack(b.records), 'rings', cmsgpack.pack(b.rings), 'version', b.version)
  redis.call('PEXPIRE', b.key, heal_kept_ms)
  redis.call('ZADD', timers, 'LT', now + heal_wait_ms, 'heal:' .. id)
end

-- "7;52roal;1=<session>;": see call_seating.
local function heal_parse(text)
  local version, seats, starter, flags = string.match(text, '^(%d+);(%d)(%d)(%a*);')
  local s = {version = tonumber(version), seats = tonumber(seats), starter = tonumber(starter), sitting = {}}
  for flag in string.gmatch(flags, '%a') do s[flag] = true end
  for peer, session in string.gmatch(text, ';(%d)=([^;]+)') do s.sitting[#s.sitting + 1] = {peer = tonumber(peer), session = session} end
  return s
end

-- What is known of members: from the call as it stands, and from their own nodes.
local function heal_records(call, b)
  local records = {}
  for _, r in ipairs(b.records) do records[r.session] = r end
  for _, m in ipairs(call and call.members or {}) do
    if not m.absent then records[m.session] = m end
  end
  return records
end

-- Everybody of the newest seating has been heard of: there is nothing to wait for.
local function heal_is_whole(call, b)
  if b.seating == '' then return false end
  local records, sitting = heal_records(call, b), heal_parse(b.seating).sitting
  for _, one in ipairs(sitting) do
    if not records[one.session] then return false end
  end
  return #sitting >= 2
end

local function heal_new(key, log, id, s)
  redis.call('UNLINK', log)
  redis.call('HSET', key, 'state', 'waiting', 'version', 0, 'seats', s.seats, 'starter', '', 'starter_session', '', 'locked', '0', 'privacy', '',
    'allow', s.a and '*' or '', 'open', s.o and '1' or '0', 'members', cmsgpack.pack({}), 'created', now, 'offer', '', 'fanned', 0, 'sdp', '',
    'candidates', '', 'candidate_count', 0, 'callee', '')
  local call = call_load(key)
  call.id = id
  return call
end

local function heal_snapshot(call)
  return {'state', call.state, 'seats', call.seats, 'members', {raw = call_members(call)}, 'ringing', {raw = call_ringing(call)}, 'starter', call.starter,
    'locked', call.locked, 'privacy', call.privacy == 'relay' and 'relay' or {raw = '\192'}, 'created_ms', call.created}
end

-- Everybody who is there is told where the call stands; `out`: sessions that are not in it any more.
local function heal_say(call, out)
  local marks = {}
  for session in pairs(out) do marks[session] = '#' end
  for _, m in ipairs(call.members) do marks[m.session] = not m.absent and '=' or nil end
  call_event(call, 'call.healed', heal_snapshot(call), marks)
end

-- A member whose node has not spoken sits there as one who is suspended.
local function heal_absent(one)
  return {peer = one.peer, session = one.session, user = '', device = '', name = '', state = 'suspended', mark = 0, absent = true}
end

local function heal_fill(m, r)
  m.user, m.device, m.name, m.state, m.mark, m.absent = r.user, r.device, r.name, r.state, r.mark, nil
end

local function heal_has_absent(call)
  for _, m in ipairs(call.members) do
    if m.absent then return true end
  end
  return false
end

-- Whoever sat there may come again by the call's id; the starter is whoever sits on the starter's seat.
local function heal_know(call)
  for _, m in ipairs(call.members) do
    if m.user ~= '' and not string.find(call.guests, '\n' .. m.user .. '\n', 1, true) then call.guests = call.guests .. m.user .. '\n' end
    if call.starter == '' and m.session == call.starter_session then call.starter = m.user end
  end
  call.invited_anew = true
  redis.call('HSET', call.key, 'starter', call.starter, 'starter_session', call.starter_session)
end
