-- Opens a call with its starter on seat 1, and rings whom it is for: offer.post, call.start.
-- KEYS 1 call  2 log  3 timers  4 limits of the starter  5 presence of the starter  6 session (all of the starter, whose partition is the call's)
-- ARGV 1 call id  2 session  3 user  4 device  5 name  6 seats  7 allow ("", "*" or "\nuser\nuser\n")  8 open (0|1)
--      9 privacy ("" or "relay")  10 offer (msgpack value or "")  11 candidates (msgpack values, end to end)  12 how many  13 ttl in ms (0: none)
--      14 epoch of the session  15 callees ("" or "user\nuser\n")  16 ring in ms  17 meta (msgpack value or "")
--      18 calls that a user may start in a minute  19 seats that a user may hold (0: not one more)  20 somebody whom it is for can be reached (0|1)
-- Returns {"ok", version, entries, fanned, peer}. Sent again: the same call by its first version, and behind it those who were ever invited ("\nuser\n…"), whoever can be reached by now.
-- {"taken", call}: it crossed with that one and was taken back. {"conflict"}: the id is another session's. {"unreachable"}.
-- {"stale"} a later attach has the session: what that one made of the call since must not be begun again.
-- {"rate_limited", ms, "starts"}, {"rate_limited", ms, "seats"}: nothing was charged or stored.
-- include: now
-- include: body
-- include: call
-- include: bucket
local key, log, timers, limits, presence, attached = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, session, user, device, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local seats, allow, open, privacy = tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]
local sdp, candidates, candidate_count, ttl_ms, epoch = ARGV[10], ARGV[11], ARGV[12], tonumber(ARGV[13]), tonumber(ARGV[14])
local callees, ring_ms, meta = {}, tonumber(ARGV[16]), ARGV[17]
local starts_max, seats_max, seats_retry_ms, reachable = tonumber(ARGV[18]), tonumber(ARGV[19]), 1000, ARGV[20] == '1'
for callee in string.gmatch(ARGV[15], '[^\n]+') do callees[#callees + 1] = callee end

if epoch and tonumber(redis.call('HGET', attached, 'epoch') or 0) > epoch then return {'stale'} end
local there = call_load(key)
if there then
  if there.starter_session ~= session then return {'conflict'} end
  local crossed = there.state == 'ended' and redis.call('HGET', key, 'crossed')
  if crossed then return {'taken', crossed} end
  return {'ok', 1, {}, there.fanned, 1, there.guests}
end
if not reachable then return {'unreachable'} end
if tonumber(redis.call('HGET', presence, 'seats') or 0) >= seats_max then return {'rate_limited', seats_retry_ms, 'seats'} end
local wait = bucket_take(limits, 'starts', starts_max)
if wait > 0 then return {'rate_limited', wait, 'starts'} end
local callee = sdp ~= '' and callees[1] or ''
local also = {'starter', user, 'starter_session', session, 'seats', ARGV[6], 'privacy', privacy, 'allow', allow, 'open', open,
  'created', string.format('%d', now), 'fanned', '0', 'sdp', sdp, 'candidates', candidates, 'candidate_count', candidate_count, 'callee', callee}
if meta ~= '' then also[#also + 1], also[#also + 2] = 'meta', meta end
local due = ttl_ms > 0 and {string.format('%d', now + ttl_ms), 'expire:' .. id} or {}
local call = {key = key, id = id, version = 0, seats = seats, starter = user, locked = false, privacy = privacy, allow = allow, open = open == '1',
  fanned = 0, entries = {}, over = {}, due = due, also = also, invited = {}, guests = '\n', callee = callee, sdp = sdp, meta = meta,
  offer = sdp ~= '' and 'waiting' or '',
  members = {{peer = 1, session = session, user = user, device = device, name = name, state = 'here', mark = (epoch or 0) * 2, since = now}}}
local ring = call_invite(call, callees, {user = user, name = name}, ring_ms)
call_settle(call)
call_event(call, 'call.created', {}, {[session] = '*'}, ring)
call_save(call, log, timers)
return {'ok', call.version, call.entries, 0, 1}
