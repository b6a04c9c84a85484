-- What others may know of a user (after include: now). p: {devices, state, watch}, prefixes of keys that end with the user.
local presence_kept_ms = 7 * 24 * 3600 * 1000 -- status and note, of one who is offline

-- A state is {status, devices, in_call (0|1), last seen (ms, 0: not known or here), note}. The one that was told last, and its rev.
local function presence_shown(p, user)
  local f = redis.call('HMGET', p.state_prefix .. user, 'shown', 'rev')
  return f[1] and cmsgpack.unpack(f[1]) or {'offline', 0, 0, 0, ''}, tonumber(f[2] or 0)
end

-- The one that is true now.
local function presence_state(p, user, devices, shown)
  local f = redis.call('HMGET', p.state_prefix .. user, 'status', 'note', 'seats')
  if devices > 0 and f[1] ~= 'invisible' then
    return {f[1] or 'available', devices, tonumber(f[3] or 0) > 0 and 1 or 0, 0, f[2] or ''}
  end
  return {'offline', 0, 0, shown[1] == 'offline' and shown[4] or now, ''}
end

-- Something changed that others may see: if they do, it is told once to each node that has watchers. A rev follows the clock, so that it rises over a hash that
-- was forgotten in between, too.
local function presence_changed(p, user)
  local key, devices = p.state_prefix .. user, redis.call('HLEN', p.devices_prefix .. user)
  local shown, rev = presence_shown(p, user)
  local state = presence_state(p, user, devices, shown)
  local text = cmsgpack.pack(state)
  if text ~= cmsgpack.pack(shown) then
    rev = math.max(rev + 1, now)
    redis.call('HSET', key, 'shown', text, 'rev', string.format('%d', rev))
    redis.call('SPUBLISH', p.watch_prefix .. user, cmsgpack.pack({1, 'presence', user, rev, state[1], state[2], state[3], state[4], state[5]}))
  end
  if devices == 0 then redis.call('PEXPIRE', key, presence_kept_ms) else redis.call('PERSIST', key) end
end

-- The sessions of a user hold so many seats more (or fewer).
local function presence_seats(p, user, change)
  if change == 0 then return end
  local seats = redis.call('HINCRBY', p.state_prefix .. user, 'seats', change)
  if seats < 0 then redis.call('HSET', p.state_prefix .. user, 'seats', 0) end
  if (seats > 0) ~= (seats - change > 0) then presence_changed(p, user) end
end
