-- A session's hash as a table, and where it sits: {call, seating, call, seating, …}.
local function session_load(key)
  local fields, session, seatings = redis.call('HGETALL', key), {}, {}
  for i = 1, #fields, 2 do
    session[fields[i]] = fields[i + 1]
    if string.sub(fields[i], 1, 3) == 'in:' then
      seatings[#seatings + 1] = string.sub(fields[i], 4)
      seatings[#seatings + 1] = fields[i + 1]
    end
  end
  return session, seatings
end
