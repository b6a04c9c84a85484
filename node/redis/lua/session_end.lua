-- Ends a session: bye, or its grace is over. Its seats are freed by whoever called, one call after the other, then session_forget.
-- KEYS 1 session  2 user's devices  3 timers  4 prefix of users' devices  5 prefix of their presence  6 prefix of their watch channels
-- ARGV 1 session id  2 user  3 epoch (0: only if no socket holds it)  4 ms until the partition's owner goes on in the caller's place
-- Returns {"ok", call, …}: where it may sit. {"stale"} it is held, or by a later attach, or its grace runs on; {"gone"} there is none.
-- include: now
-- include: presence
-- include: session
local session, devices, timers = KEYS[1], KEYS[2], KEYS[3]
local presence = {devices_prefix = KEYS[4], state_prefix = KEYS[5], watch_prefix = KEYS[6]}
local id, user, epoch, retry_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local timer = 'grace:' .. id .. ':' .. user

local s, seatings = session_load(session)
if not s.state then
  redis.call('ZREM', timers, timer)
  return {'gone'}
end
if tonumber(s.epoch) ~= epoch and (s.state == 'attached' or epoch > 0) then
  if epoch == 0 then redis.call('ZREM', timers, timer) end
  return {'stale'}
end
if epoch == 0 and s.state ~= 'ended' and now < tonumber(s['until'] or 0) then
  redis.call('ZADD', timers, s['until'], timer) -- it came back and went again since the timer was taken up
  return {'stale'}
end
if s.channel ~= '' then redis.call('SPUBLISH', s.channel, cmsgpack.pack({1, 'close', id, tonumber(s.epoch), 'ended'})) end
redis.call('HSET', session, 'state', 'ended', 'channel', '')
redis.call('ZADD', timers, now + retry_ms, timer)
if redis.call('HGET', devices, s.device) == id then redis.call('HDEL', devices, s.device) end
local calls = session_calls(seatings)
if s.state ~= 'ended' then
  presence_seats(presence, user, -#calls) -- a session that is over takes no delivery that would say so
  presence_changed(presence, user)
end
return {'ok', unpack(calls)}
