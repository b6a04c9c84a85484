-- The client has handled its events up to `seq`: the mailbox forgets them.
-- KEYS 1 session  2 mailbox
-- ARGV 1 seq
-- Returns {"ok"}; an older or impossible seq changes nothing.
local session, mailbox = KEYS[1], KEYS[2]
local seq = tonumber(ARGV[1])

local f = redis.call('HMGET', session, 'acked', 'seq')
if not f[1] or seq <= tonumber(f[1]) or seq > tonumber(f[2]) then return {'ok'} end
local entry = redis.call('XRANGE', mailbox, seq .. '-0', seq .. '-0')
redis.call('XTRIM', mailbox, 'MINID', (seq + 1) .. '-0')
redis.call('HSET', session, 'acked', seq, 'freed', entry[1] and entry[1][2][4] or 0)
return {'ok'}
