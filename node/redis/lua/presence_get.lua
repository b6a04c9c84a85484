-- What others may see of a user: presence.watch, and what changed while the bus was cut.
-- KEYS 1 presence  2 blocks
-- ARGV users who want to know
-- Returns {"ok", rev, status, devices, in_call (0|1), last seen (0: not known or here), note, {0|1, …}}: the last, for each of those, whether they are blocked.
local presence, blocks = KEYS[1], KEYS[2]

local f = redis.call('HMGET', presence, 'shown', 'rev')
local s = f[1] and cmsgpack.unpack(f[1]) or {'offline', 0, 0, 0, ''}
return {'ok', f[2] or '0', s[1], s[2], s[3], s[4], s[5], redis.call('SMISMEMBER', blocks, unpack(ARGV))}
