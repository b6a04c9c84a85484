-- The socket is gone: the session is suspended, and ends when its grace is over.
-- KEYS 1 session  2 timers  3 held (by the node that says so)
-- ARGV 1 session id  2 user  3 epoch of the attach that ended, or ""  4 grace in ms
--      5 the attempt to attach that may have been made, where the epoch is not known  6 channel of that node
-- Returns {"ok"}, or {"stale"} when a later attach has it or the session is over. Sent again: no longer grace.
-- include: now
local session, timers, held = KEYS[1], KEYS[2], KEYS[3]
local id, user, epoch, grace_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local attempt, channel = ARGV[5], ARGV[6]

local f = redis.call('HMGET', session, 'state', 'epoch', 'attempt', 'channel')
if epoch == '' and attempt == f[3] then epoch = f[2] end
local ours = f[2] == epoch and (f[1] == 'attached' or f[1] == 'suspended')
if ours or f[4] ~= channel then redis.call('SREM', held, id) end -- else a later attach is this node's too
if not ours then return {'stale'} end
if f[1] == 'suspended' then return {'ok'} end
redis.call('HSET', session, 'state', 'suspended', 'channel', '', 'until', now + grace_ms)
redis.call('ZADD', timers, now + grace_ms, 'grace:' .. id .. ':' .. user)
return {'ok'}
