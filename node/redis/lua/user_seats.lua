-- How many seats all sessions of a user hold: before one more is taken in a call whose partition knows nothing of the session (call.join, call.accept, offer.take).
-- KEYS 1 presence of the user  2 session that asks
-- ARGV 1 its epoch
-- Returns {"ok", seats}; {"stale"} a later attach has the session.
local presence, session = KEYS[1], KEYS[2]
local epoch = tonumber(ARGV[1])

if tonumber(redis.call('HGET', session, 'epoch') or 0) > epoch then return {'stale'} end
return {'ok', tonumber(redis.call('HGET', presence, 'seats') or 0)}
