-- Relays signals of one sender to one recipient: signal. The hot path: one call a loop turn, sender and recipient.
-- KEYS 1 session of the recipient  2 mailbox  3 timers
-- ARGV 1 recipient's session id  2 call id  3 sender's peer  4 sender's session  5 most events  6 most bytes  7 when the first came off its socket, in µs of
--      Redis's clock (0: not known): it goes to the recipient's node, which measures by it  then for each signal: request id, previous id
--      (include/once.lua), body (a msgpack fixmap of fewer than 15 pairs that lacks the last: `version` is put behind it)
-- Returns {"ok", stored}: how many were new; the others had been stored before. {"not_found", version}: by all that the recipient has been told, up to that version
-- (0: nothing), the sender does not sit in that call, or the recipient does not; {"overrun"}: the mailbox was full, the recipient's session is over.
-- include: heard
-- include: mailbox
-- include: once
local session, mailbox, timers = KEYS[1], KEYS[2], KEYS[3]
local id, call, from, sender = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local events_max, bytes_max, taken_us = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

local f = redis.call('HMGET', session, 'in:' .. call, 'once:' .. call .. ':' .. from, 'seq', 'acked', 'bytes', 'freed', 'channel', 'state')
if f[8] == 'overrun' then return {'overrun'} end
local seating = f[1]
if not seating or not string.find(seating, ';' .. from .. '=' .. sender .. ';', 1, true) then
  local out = not seating and redis.call('HGET', session, 'out') or ''
  local _, known = string.find(out, call .. '=', 1, true)
  return {'not_found', tonumber(string.match(seating or known and string.sub(out, known + 1) or '0', '^%d+'))}
end
local s = {seq = tonumber(f[3]), acked = tonumber(f[4]), bytes = tonumber(f[5]), freed = tonumber(f[6])}
local first, bodies, once = s.seq + 1, {}, once_read(f[2] or heard_of(session, call, from), sender)
local version = '\167version' .. cmsgpack.pack(tonumber(string.match(seating, '^%d+')))
for i = 8, #ARGV, 3 do
  local request, previous, open = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if once_take(once, request, previous) then
    local event = open .. version
    if not mailbox_put(mailbox, s, event, events_max, bytes_max) then
      mailbox_overrun(session, timers, id)
      return {'overrun'}
    end
    bodies[#bodies + 1] = event
  end
end
if #bodies > 0 then
  redis.call('HSET', session, 'seq', string.format('%d', s.seq), 'bytes', string.format('%d', s.bytes), 'once:' .. call .. ':' .. from, once_text(once))
  if f[7] ~= '' then redis.call('SPUBLISH', f[7], cmsgpack.pack({1, 'events', id, first, bodies, '@' .. taken_us})) end
end
return {'ok', #bodies}
