-- One session taking in the changes of one call, each once and in order. As a member it takes the next version only; what rings and stops ringing it takes when it
-- is newer than the last it knows. Marks: docs/state.md, "Calls".
-- include: heard
-- include: mailbox
-- include: presence
-- include: replies
local function deliver_load(key, call)
  local f = redis.call('HMGET', key, 'in:' .. call, 'out', 'seq', 'acked', 'bytes', 'freed', 'channel', 'state', 'ring:' .. call, 'user')
  if not f[3] then return nil end
  local s = {key = key, call = call, seating = f[1] or nil, out = f[2] or '', seq = tonumber(f[3]), acked = tonumber(f[4]), bytes = tonumber(f[5]),
    freed = tonumber(f[6]), channel = f[7], state = f[8], ring = f[9] or nil, user = f[10], bodies = {},
    at = 0, first = 0, sat = false, rang = false, mailbox = false, changed = false} -- set later: a table that grows is dear
  local _, known = string.find(s.out, call .. '=', 1, true)
  local last = known and string.match(s.out, '^%d+', known + 1) or 0
  s.at = math.max(tonumber(s.seating and string.match(s.seating, '^%d+') or 0), tonumber(s.ring or 0), tonumber(last))
  s.first, s.sat, s.rang = s.seq + 1, s.seating ~= nil, s.ring
  return s
end

-- "hole" when an earlier version is missing, "overrun" when the mailbox is full, nil when it was taken or is old.
local function deliver_take(s, version, mark, seats, event, limits)
  local healed = mark == '=' or mark == '#' -- whatever was missed
  if version < s.at or (version == s.at and mark ~= '#') or (mark == '#' and not s.seating) then return nil end
  -- Strangers may ring: their words never fill a mailbox, whose overrun would end the session and its calls.
  if mark == '?' and (2 * (s.seq - s.acked) >= limits.events or 2 * (s.bytes - s.freed + #event) > limits.bytes) then mark = 'o' end
  local rings = mark == '?' or mark == 'x' or mark == 'o'
  if rings and s.seating then return mark == '?' and 'hole' or nil end -- nobody rings who sits there: its `!` is still to come
  if mark == '*' and s.seating then return 'hole' end
  if not rings and not healed and mark ~= '*' and (not s.seating or version ~= s.at + 1) then return 'hole' end
  if mark == '+' or mark == '!' or mark == '?' or healed or (mark == 'x' and s.ring) then
    if not mailbox_put(s.mailbox, s, event, limits.events, limits.bytes) then return 'overrun' end
    s.bodies[#s.bodies + 1] = event
  end
  s.at, s.changed = version, true
  s.ring = mark == '?' and tostring(version) or nil
  s.seating = not rings and mark ~= '!' and mark ~= '~' and mark ~= '#' and version .. seats or nil
  return nil
end

local function deliver_save(s, id, presence)
  if not s.changed then return end
  local call, field, ring = s.call, 'in:' .. s.call, 'ring:' .. s.call
  local seq, bytes = string.format('%d', s.seq), string.format('%d', s.bytes) -- as in include/mailbox.lua
  local set, gone = {'seq', seq, 'bytes', bytes}, {}
  if s.seating then
    set[5], set[6] = field, s.seating
  elseif s.ring then
    set[5], set[6] = ring, s.ring
  else
    -- The last calls it was in stay known, so that a late word about one of them does not bring it back.
    local out = call .. '=' .. s.at .. ';' .. s.out
    if #out > 1024 then out = string.match(string.sub(out, 1, 1024), '^.*;') end
    set[5], set[6] = 'out', out
  end
  if s.rang and not s.ring then gone[1] = ring end
  if s.sat and not s.seating then
    gone[#gone + 1] = field
    heard_keep(s.key, call, set, gone)
  end
  redis.call('HSET', s.key, unpack(set))
  if gone[1] then redis.call('HDEL', s.key, unpack(gone)) end
  if s.sat ~= (s.seating ~= nil) then presence_seats(presence, s.user, s.seating and 1 or -1) end
end

local function deliver_publish(s, id)
  if s.channel == '' or not s.changed then return end
  local where = s.seating or (s.ring and '?' .. s.ring) or ''
  redis.call('SPUBLISH', s.channel, cmsgpack.pack({1, 'events', id, s.first, s.bodies, s.call .. '=' .. where}))
end
