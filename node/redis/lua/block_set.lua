-- Replaces the list of those whom a user has blocked: block.set.
-- KEYS 1 session  2 its replies  3 blocks  4 the user's watch channel  5 presence
-- ARGV 1 epoch of the session  2 request id  3 reply body  4 how many replies are kept  5 users ("" or "user\nuser\n")  6 the user
-- Returns {"ok"}. The same request sent again changes nothing, though another device has set the list since. {"stale"} said by an older attach, or the session is over.
-- include: now
-- include: replies
local session, replies, blocks, watch, presence = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, request, reply, kept, users, user = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

-- To those who are blocked now the user goes offline at this moment, or did when it looked so last: 1 when nobody knows.
local function seen_last()
  local shown = redis.call('HGET', presence, 'shown')
  local state = shown and cmsgpack.unpack(shown) or {'offline', 0, 0, 0}
  return math.max(state[1] == 'offline' and state[4] or now, 1)
end

-- Watches of those who are blocked now (since when they see nobody), or are so no more (0), see another state from here on; nobody else hears of it.
local function tell(blocked, watchers)
  for i = 1, #watchers, 64 do
    local some = {unpack(watchers, i, math.min(i + 63, #watchers))}
    redis.call('SPUBLISH', watch, cmsgpack.pack({1, 'blocks', user, blocked, some}))
  end
end

if redis.call('HGET', session, 'epoch') ~= epoch then return {'stale'} end
if reply_is_kept(replies, request) then return {'ok'} end
local before, added, freed = {}, {}, {}
for _, other in ipairs(redis.call('SMEMBERS', blocks)) do before[other] = true end
redis.call('DEL', blocks)
for other in string.gmatch(users, '[^\n]+') do
  if redis.call('SADD', blocks, other) == 1 and not before[other] then added[#added + 1] = other end
  before[other] = nil
end
for other in pairs(before) do freed[#freed + 1] = other end
local seen = seen_last()
for _, other in ipairs(added) do redis.call('HSET', presence, 'blocked:' .. other, string.format('%d', seen)) end
for _, other in ipairs(freed) do redis.call('HDEL', presence, 'blocked:' .. other) end
tell(seen, added)
tell(0, freed)
reply_keep(replies, request, reply, kept)
return {'ok'}
