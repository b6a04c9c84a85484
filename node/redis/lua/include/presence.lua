-- What others may know of a user. p: {devices, state, watch}, prefixes of keys that end with the user.
local presence_kept_ms = 7 * 24 * 3600 * 1000 -- status and note, of one who is offline

-- The clock is asked here, as few changes need it.
local function presence_now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A state is {status, devices, in_call (0|1), last seen (ms, 0: not known or here), note}; `shown` is the one that was told last, as text. This is the one that is
-- true now.
local function presence_state(status, devices, seats, note, shown)
  if devices > 0 and status ~= 'invisible' then return {status or 'available', devices, seats > 0 and 1 or 0, 0, note or ''} end
  local last = shown and cmsgpack.unpack(shown) or {'offline', 0, 0, 0, ''}
  return {'offline', 0, 0, last[1] == 'offline' and last[4] or presence_now(), ''}
end

-- Something changed that others may see, or the sessions of the user hold so many seats more (or fewer). If others do see it, it is told once to each node that has
-- watchers. A rev follows the clock, so that it rises over a hash that was forgotten in between, too.
local function presence_tell(p, user, change)
  local key = p.state_prefix .. user
  local f = redis.call('HMGET', key, 'shown', 'rev', 'status', 'note', 'seats')
  local held = tonumber(f[5] or 0)
  local seats = math.max(held + change, 0)
  if change ~= 0 and (seats > 0) == (held > 0) then
    redis.call('HSET', key, 'seats', seats)
    return
  end
  local devices = redis.call('HLEN', p.devices_prefix .. user)
  local state = presence_state(f[3], devices, seats, f[4], f[1])
  local text = cmsgpack.pack(state)
  if text ~= (f[1] or cmsgpack.pack({'offline', 0, 0, 0, ''})) then
    local rev = math.max(tonumber(f[2] or 0) + 1, presence_now())
    redis.call('HSET', key, 'shown', text, 'rev', string.format('%d', rev), 'seats', seats)
    redis.call('SPUBLISH', p.watch_prefix .. user, '\153\1\168presence' .. cmsgpack.pack(user, rev) .. string.sub(text, 2))
  elseif change ~= 0 then
    redis.call('HSET', key, 'seats', seats)
  end
  -- A seat comes and goes while there are devices, and that what is known stays was said when they came.
  if devices == 0 then redis.call('PEXPIRE', key, presence_kept_ms) elseif change == 0 then redis.call('PERSIST', key) end
end

local function presence_changed(p, user)
  presence_tell(p, user, 0)
end

local function presence_seats(p, user, change)
  if change ~= 0 then presence_tell(p, user, change) end
end
