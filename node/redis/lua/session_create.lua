-- A new session for a device; the device's old session, if there is one, is superseded: hello without resume.
-- KEYS 1 session  2 user's devices  3 timers  4 the old session (the new one again if there is none)
--      5 held (by the node that holds the socket)  6 holders  7 the user's rings  8 prefix of users' devices  9 prefix of their presence
--      10 prefix of their watch channels
-- ARGV 1 session id  2 key  3 user  4 device  5 name  6 channel of the node that holds the socket  7 grace in ms
--      8 the old session's id as the caller knows it ("" none)  9 the most devices of a user  10 node id  11 when the client asked for it (0: not known)
-- Returns {"ok", seats that the user holds, call, seating, call, seating, …}: the calls that the old session sits in, and those that ring ("?" and a version in place
-- of a seating). {"conflict", id} another session is the old one: ask again with that; {"stale"} that one was asked for later; {"rate_limited"} too many devices.
-- include: now
-- include: presence
-- include: session
local session, devices, timers, old, held, holders, rings = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local presence = {devices_prefix = KEYS[8], state_prefix = KEYS[9], watch_prefix = KEYS[10]}
local id, key, user, device, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local channel, grace_ms, old_id, devices_max = ARGV[6], tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9])
local node, asked = ARGV[10], tonumber(ARGV[11])

local current = redis.call('HGET', devices, device) or ''
if current ~= old_id and current ~= id then return {'conflict', current} end
if current == '' and redis.call('HLEN', devices) >= devices_max then return {'rate_limited'} end

local result = {'ok', tonumber(redis.call('HGET', presence.state_prefix .. user, 'seats') or 0)}
if old_id ~= '' then
  local there, seatings = session_load(old)
  if current ~= id and session_is_late(there, asked, now) then return {'stale'} end
  for i = 1, #seatings, 2 do
    if string.sub(seatings[i + 1], 1, 1) ~= '?' then
      result[#result + 1] = seatings[i]
      result[#result + 1] = seatings[i + 1]
    end
  end
  if there.state == 'attached' then
    redis.call('SPUBLISH', there.channel, cmsgpack.pack({1, 'close', old_id, tonumber(there.epoch), 'superseded'}))
  end
  if there.state == 'attached' or there.state == 'suspended' then
    redis.call('HSET', old, 'state', 'superseded', 'channel', '', 'until', now + grace_ms)
    redis.call('ZADD', timers, now + grace_ms, 'grace:' .. old_id .. ':' .. user)
  end
end
if redis.call('EXISTS', session) == 0 then
  redis.call('HSET', devices, device, id)
  redis.call('SADD', held, id)
  redis.call('SADD', holders, node)
  redis.call('HSET', session, 'key', key, 'user', user, 'device', device, 'name', name, 'state', 'attached', 'channel', channel,
    'epoch', 1, 'asked', asked, 'seq', 0, 'acked', 0, 'bytes', 0, 'freed', 0)
  presence_changed(presence, user)
end
local ringing = redis.call('HGETALL', rings)
for i = 1, #ringing, 2 do
  local version = ringing[i + 1]
  if string.sub(version, 1, 1) ~= '-' then
    redis.call('HSET', session, 'ring:' .. ringing[i], version)
    result[#result + 1] = ringing[i]
    result[#result + 1] = '?' .. version
  end
end
return result
