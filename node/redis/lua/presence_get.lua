-- What others may see of a user: presence.watch, and what changed while the bus was cut.
-- KEYS 1 presence  2 blocks
-- ARGV users who want to know
-- Returns {"ok", rev, status, devices, in_call (0|1), last seen (0: not known or here), note, {…}}: the last, for each of those, 0, or 1 for one who is blocked, or when the
-- user was last there for that one (ms).
-- include: now
local presence, blocks = KEYS[1], KEYS[2]

local seen_kept_ms = 7 * 24 * 3600 * 1000 -- as of one who is offline

local f = redis.call('HMGET', presence, 'shown', 'rev')
local marks = redis.call('SMISMEMBER', blocks, unpack(ARGV))
for i, blocked in ipairs(marks) do
  local seen = blocked == 1 and tonumber(redis.call('HGET', presence, 'blocked:' .. ARGV[i]) or 0) or 0
  if seen > now - seen_kept_ms then marks[i] = seen end
end
local s = f[1] and cmsgpack.unpack(f[1]) or {'offline', 0, 0, 0, ''}
return {'ok', f[2] or '0', s[1], s[2], s[3], s[4], s[5], marks}
