-- Whether a user can be rung now: call.start, call.invite.
-- KEYS 1 user's devices  2 blocks  3 presence  4 prefix of sessions
-- ARGV 1 who wants to call
-- Returns {"ok", "ringing" | "waiting" | ""}: a device is attached; there is one, but nobody may know or it has lost its socket; there is none, or the
-- user has blocked the caller.
local devices, blocks, presence, session_prefix = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local caller = ARGV[1]

if redis.call('SISMEMBER', blocks, caller) == 1 then return {'ok', ''} end
local word = ''
for _, id in ipairs(redis.call('HVALS', devices)) do
  local state = redis.call('HGET', session_prefix .. id, 'state')
  if state == 'attached' then word = 'ringing' elseif state == 'suspended' and word == '' then word = 'waiting' end
end
if word ~= '' and redis.call('HGET', presence, 'status') == 'invisible' then word = 'waiting' end
return {'ok', word}
