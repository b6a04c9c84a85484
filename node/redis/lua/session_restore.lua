-- What a node knows of a session whose socket it holds, after the store may have lost it: puts back what is missing, never takes anything back.
-- KEYS 1 session  2 mailbox  3 user's devices  4 held (by that node)  5 holders  6 the user's rings  7 prefix of users' devices  8 prefix of their presence
--      9 prefix of their watch channels  10 prefix of sessions
-- ARGV 1 session id  2 key  3 user  4 device  5 name  6 channel of that node  7 node id  8 epoch  9 the last event that went to the socket
--      10 a missing session is made again (0|1)  then for each call: call, seating or "?" and the version of a ring
-- Returns {"ok", last event, 0 nothing was lost, 1 something or all, 2 the newest events, call, seating, …}. {"stale"} a later attach or session has its place; {"gone"} it is over, or
-- its node was taken for dead.
-- include: now
-- include: presence
-- include: session
-- include: rings
local session, mailbox, devices, held, holders, rings, session_prefix = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[10]
local presence = {devices_prefix = KEYS[7], state_prefix = KEYS[8], watch_prefix = KEYS[9]}
local id, key, user, device, name, channel, node = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local epoch, seq, may_make = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10] == '1'

-- Another session has the device, and lives.
local function device_is_taken()
  local other = redis.call('HGET', devices, device)
  local state = other and other ~= id and redis.call('HGET', session_prefix .. other, 'state')
  return state == 'attached' or state == 'suspended'
end

local s = session_load(session)
local made = not s.state
if made then
  if not may_make or device_is_taken() then return {'gone'} end
  redis.call('HSET', session, 'key', key, 'user', user, 'device', device, 'name', name, 'bytes', 0, 'freed', 0)
  s.seq, s.epoch, s.bytes = -1, 0, 0
elseif tonumber(s.epoch) > epoch or s.state == 'superseded' then
  return {'stale'}
elseif s.state ~= 'attached' and (s.state ~= 'suspended' or tonumber(s.epoch) == epoch) then
  return {'gone'}
end
local behind = not made and tonumber(s.seq) < seq
local lost = made or behind or tonumber(s.epoch) < epoch
if made or behind then
  -- What it had to give again is gone: whoever resumes with less than all begins anew, so that there is no silent hole.
  redis.call('UNLINK', mailbox)
  redis.call('HSET', session, 'seq', seq, 'acked', seq, 'freed', s.bytes)
end
if lost then
  redis.call('HSET', session, 'state', 'attached', 'channel', channel, 'epoch', epoch)
  redis.call('HSET', devices, device, id)
end
redis.call('SADD', held, id)
redis.call('SADD', holders, node)

-- Where the newest events are lost, so are those that were put since, under numbers that the client has had: it stands where its node says, and is told anew.
local seats = 0
for i = 11, #ARGV, 2 do
  local call, text = ARGV[i], ARGV[i + 1]
  local field, ring = 'in:' .. call, 'ring:' .. call
  local version = tonumber(string.match(text, '%d+'))
  local f = redis.call('HMGET', session, field, 'out', ring)
  local _, known = string.find(f[2] or '', call .. '=', 1, true)
  local at = math.max(tonumber(f[1] and string.match(f[1], '^%d+') or 0), tonumber(known and string.match(f[2], '^%d+', known + 1) or 0), tonumber(f[3] or 0))
  if (version > at or behind) and string.sub(text, 1, 1) ~= '?' then
    if not f[1] then seats = seats + 1 end
    redis.call('HSET', session, field, text)
    redis.call('HDEL', session, ring)
    lost = true
  elseif version > at and not f[1] then
    rings_set(rings, call, version, true)
    if redis.call('HGET', rings, call) == tostring(version) then redis.call('HSET', session, ring, version) end
  end
end
presence_seats(presence, user, seats)
if lost then presence_changed(presence, user) end
local after, seatings = session_load(session)
return {'ok', tonumber(after.seq), behind and 2 or lost and 1 or 0, unpack(seatings)}
