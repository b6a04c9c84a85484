-- Charges a user for a wrong id that a request named, or for one more whom a request rings, on whichever device and node.
-- KEYS 1 limits of the user
-- ARGV 1 most in a minute  2 session  3 request id  4 limit (`wrong_ids`, `starts`)
-- Returns {"ok"}; {"rate_limited", ms}. The same request sent again is not charged twice, as long as no other was charged since.
-- include: now
-- include: bucket
local limits, name = KEYS[1], ARGV[4]
local per_minute, charged = tonumber(ARGV[1]), ARGV[2] .. '=' .. ARGV[3]

if redis.call('HGET', limits, name .. '_last') == charged then return {'ok'} end
local wait = bucket_take(limits, name, per_minute)
if wait > 0 then return {'rate_limited', wait} end
redis.call('HSET', limits, name .. '_last', charged)
return {'ok'}
