-- What a session's mailbox holds after `seq`, and which calls it is in.
-- KEYS 1 session  2 mailbox
-- ARGV 1 seq  2 how many events at most
-- Returns {"ok", last event, {seq, body, seq, body, …}, call, seating, …}, or {"gone"}.
local session, mailbox = KEYS[1], KEYS[2]
local after, count = tonumber(ARGV[1]), ARGV[2]

local fields = redis.call('HGETALL', session)
local head, result = nil, {}
for i = 1, #fields, 2 do
  if fields[i] == 'seq' then head = tonumber(fields[i + 1]) end
  if string.sub(fields[i], 1, 3) == 'in:' then
    result[#result + 1] = string.sub(fields[i], 4)
    result[#result + 1] = fields[i + 1]
  end
end
if not head then return {'gone'} end
local events = {}
for _, e in ipairs(redis.call('XRANGE', mailbox, (after + 1) .. '-0', '+', 'COUNT', count)) do
  events[#events + 1] = tonumber(string.match(e[1], '^%d+'))
  events[#events + 1] = e[2][2]
end
return {'ok', head, events, unpack(result)}
