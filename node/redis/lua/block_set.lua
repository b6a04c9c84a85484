-- Replaces the list of those whom a user has blocked: block.set.
-- KEYS 1 session  2 its replies  3 blocks
-- ARGV 1 epoch of the session  2 request id  3 reply body  4 how many replies are kept  5 users ("" or "user\nuser\n")
-- Returns {"ok"}. The same request sent again changes nothing, though another device has set the list since. {"stale"} said by an older attach, or the session is over.
-- include: replies
local session, replies, blocks = KEYS[1], KEYS[2], KEYS[3]
local epoch, request, reply, kept, users = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if redis.call('HGET', session, 'epoch') ~= epoch then return {'stale'} end
if reply_is_kept(replies, request) then return {'ok'} end
redis.call('DEL', blocks)
for user in string.gmatch(users, '[^\n]+') do redis.call('SADD', blocks, user) end
reply_keep(replies, request, reply, kept)
return {'ok'}
