-- What a session's mailbox holds after `seq`, which calls it is in, and which of late it was: "-" and the version since which it is out.
-- KEYS 1 session  2 mailbox
-- ARGV 1 seq  2 how many events at most  3 epoch of the attach that asks
-- Returns {"ok", last event, {seq, body, seq, body, …}, call, seating, …}, or {"not_found"}. {"stale"} a later attach or session has its place; {"gone"} if no
-- socket holds it: its node was taken for dead.
-- include: session
local session, mailbox = KEYS[1], KEYS[2]
local after, count, epoch = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local s, seatings = session_load(session)
if not s.seq then return {'not_found'} end
if s.epoch ~= epoch or s.state == 'superseded' then return {'stale'} end
if s.state ~= 'attached' then return {'gone'} end
local events = {}
for _, e in ipairs(redis.call('XRANGE', mailbox, (after + 1) .. '-0', '+', 'COUNT', count)) do
  events[#events + 1] = tonumber(string.match(e[1], '^%d+'))
  events[#events + 1] = e[2][2]
end
for call, version in string.gmatch(s.out or '', '([%w_-]+)=(%d+);') do
  seatings[#seatings + 1] = call
  seatings[#seatings + 1] = '-' .. version
end
return {'ok', tonumber(s.seq), events, unpack(seatings)}
