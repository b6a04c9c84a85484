-- A session's hash as a table, and which calls it is in: {call, seating, call, seating, …}. Where it rings the seating is "?" and the ring's version.
local function session_load(key)
  local fields, session, seatings, rings = redis.call('HGETALL', key), {}, {}, {}
  for i = 1, #fields, 2 do
    session[fields[i]] = fields[i + 1]
    local kind, call = string.match(fields[i], '^(%a+):([%w_-]+)$')
    if kind == 'in' or kind == 'ring' then
      local list = kind == 'in' and seatings or rings
      list[#list + 1] = call
      list[#list + 1] = (kind == 'ring' and '?' or '') .. fields[i + 1]
    end
  end
  for i = 1, #rings do seatings[#seatings + 1] = rings[i] end -- seats first: an answer tells only so many
  return session, seatings
end

-- A hello may wait at its node while Redis is away, and its client come in elsewhere meanwhile: what was asked for first must not take that from it. A time
-- that is still to come was told by another clock, and says nothing. Of what was asked for at about the same moment the later done wins.
local same_moment_ms = 250

local function session_is_late(session, asked, now)
  local last = tonumber(session.asked or 0)
  return asked > 0 and asked < last - same_moment_ms and last <= now
end

-- Of those the calls it may sit in.
local function session_calls(seatings)
  local calls = {}
  for i = 1, #seatings, 2 do
    if string.sub(seatings[i + 1], 1, 1) ~= '?' then calls[#calls + 1] = seatings[i] end
  end
  return calls
end
