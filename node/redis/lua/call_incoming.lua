-- What a device that comes while its user is being rung is told: `pending` in its welcome.
-- KEYS 1 call
-- ARGV 1 call id  2 user
-- Returns {"ok", call.incoming (a msgpack fixmap that lacks the last pair: `in_call`), candidates, how many}; {"not_found"} it does not ring any more.
-- include: now
-- include: body
-- include: call
local key = KEYS[1]
local id, user = ARGV[1], ARGV[2]

local call = call_load(key)
local inv = call and call_invitation(call, user)
if not inv then return {'not_found'} end
call.id = id
local f = redis.call('HMGET', key, 'candidates', 'candidate_count')
local offered = call_offers_to(call, user)
return {'ok', ring_body(call, call_incoming(call, inv)), offered and f[1] or '', offered and tonumber(f[2]) or 0}
