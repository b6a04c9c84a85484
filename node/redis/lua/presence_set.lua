-- Says what others shall see of a user: presence.set.
-- KEYS 1 session  2 replies  3 prefix of users' devices  4 prefix of their presence  5 prefix of their watch channels
-- ARGV 1 user  2 epoch  3 status  4 note  5 request id  6 reply body  7 how many replies are kept
-- Returns {"ok"}; sent again: has no effect. {"stale"} a later attach has the session, or it is over.
-- include: replies
-- include: presence
local session, replies = KEYS[1], KEYS[2]
local presence = {devices_prefix = KEYS[3], state_prefix = KEYS[4], watch_prefix = KEYS[5]}
local user, epoch, status, note = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local request, reply, kept = ARGV[5], ARGV[6], ARGV[7]

local f = redis.call('HMGET', session, 'state', 'epoch')
if f[1] ~= 'attached' or f[2] ~= epoch then return {'stale'} end
if reply_is_kept(replies, request) then return {'ok'} end
redis.call('HSET', presence.state_prefix .. user, 'status', status, 'note', note)
presence_changed(presence, user)
reply_keep(replies, request, reply, kept)
return {'ok'}
