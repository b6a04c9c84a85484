-- The last step of a session's end: nothing of it remains.
-- KEYS 1 session  2 mailbox  3 replies  4 timers
-- ARGV 1 session id  2 user
-- Returns {"ok"}.
local session, mailbox, replies, timers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, user = ARGV[1], ARGV[2]

redis.call('UNLINK', session, mailbox, replies)
redis.call('ZREM', timers, 'grace:' .. id .. ':' .. user)
return {'ok'}
