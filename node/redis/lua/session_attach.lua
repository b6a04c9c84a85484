-- Continues a session on another socket, perhaps of another node: resume.
-- KEYS 1 session  2 replies  3 timers  4 held (by the node that holds the socket)  5 holders  6 presence
-- ARGV 1 session id  2 key  3 user  4 device  5 channel of the node that holds the socket  6 the last event the client has
--      7 a name for this attempt, so that it can be taken back if its answer is lost  8 node id  9 when the client asked for it (0: not known)
-- Returns {"ok", epoch, last event, highest request id that was answered with an effect, seats that the user holds, call, seating, …}. {"gone"} the session is over, another's, or
-- can't give every event after that one. {"stale"} what was asked for later was done before.
-- include: now
-- include: session
local session, replies, timers, held, holders, presence = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, key, user, device, channel = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local have, attempt, node, asked = tonumber(ARGV[6]), ARGV[7], ARGV[8], tonumber(ARGV[9])

local s, seatings = session_load(session)
if s.key ~= key or s.user ~= user or s.device ~= device then return {'gone'} end
if s.state ~= 'attached' and s.state ~= 'suspended' then return {'gone'} end
if have > tonumber(s.seq) or have < tonumber(s.acked) then return {'gone'} end

if session_is_late(s, asked, now) then return {'stale'} end

local epoch = tonumber(s.epoch) + 1
if s.state == 'attached' then
  redis.call('SPUBLISH', s.channel, cmsgpack.pack({1, 'close', id, epoch - 1, 'moved'}))
end
redis.call('HSET', session, 'state', 'attached', 'channel', channel, 'epoch', epoch, 'attempt', attempt, 'asked', asked)
redis.call('SADD', held, id)
redis.call('SADD', holders, node)
redis.call('ZREM', timers, 'grace:' .. id .. ':' .. user)
local answered = redis.call('XREVRANGE', replies, '+', '-', 'COUNT', 1)
local highest = answered[1] and tonumber(string.match(answered[1][1], '^%d+')) or 0
local result = {'ok', epoch, tonumber(s.seq), highest, tonumber(redis.call('HGET', presence, 'seats') or 0)}
for i = 1, #seatings do result[#result + 1] = seatings[i] end
return result
