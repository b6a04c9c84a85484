-- Brings one session up to date with a call: takes the next version only, drops an older one, and says where it stands when there is a hole.
-- Also keeps the answer to the session's own request, so that the same request sent again gets the same answer.
-- KEYS 1 session  2 mailbox  3 replies  4 timers
-- ARGV 1 session id  2 call id  3 request id (0: none)  4 reply body  5 how many replies are kept  6 most events  7 most bytes
--      then for each version, rising: version, mark, seating, body
-- Marks: `*` enters the call, `+` gets the event, `-` goes along silently, `!` gets the event and is out, `~` is out silently.
-- Returns {"ok"}; {"hole", version it stands at}; {"gone"} there is no such session; {"overrun"} its mailbox was full, it is over.
-- include: mailbox
local session, mailbox, replies, timers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, call, request, reply, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local events_max, bytes_max = tonumber(ARGV[6]), tonumber(ARGV[7])
local field = 'in:' .. call

local f = redis.call('HMGET', session, field, 'out', 'seq', 'acked', 'bytes', 'freed', 'channel', 'state')
if not f[3] then return {'gone'} end
if f[8] == 'overrun' then return {'overrun'} end
if f[8] == 'ended' then return {'gone'} end
local s = {seq = tonumber(f[3]), acked = tonumber(f[4]), bytes = tonumber(f[5]), freed = tonumber(f[6])}
local seating, out, first, bodies = f[1], f[2] or '', s.seq + 1, {}
local _, known = string.find(out, call .. '=', 1, true)
local at = tonumber(seating and string.match(seating, '^%d+') or known and string.match(out, '^%d+', known + 1) or 0)
for i = 8, #ARGV, 4 do
  local version, mark, seats, event = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if version > at then
    if mark == '*' then
      if seating then return {'hole', at} end
    elseif not seating or version ~= at + 1 then
      return {'hole', at}
    end
    if mark == '+' or mark == '!' then
      if not mailbox_put(mailbox, s, event, events_max, bytes_max) then
        mailbox_overrun(session, timers, id)
        return {'overrun'}
      end
      bodies[#bodies + 1] = event
    end
    at = version
    seating = (mark ~= '!' and mark ~= '~') and version .. seats or nil
    if seating then
      redis.call('HSET', session, field, seating, 'seq', s.seq, 'bytes', s.bytes)
    else
      -- The last calls it was in stay known, so that a late word about one of them does not bring it back.
      out = string.match(string.sub(call .. '=' .. version .. ';' .. out, 1, 1024), '^.*;')
      redis.call('HDEL', session, field, 'once:' .. call .. ':1', 'once:' .. call .. ':2', 'once:' .. call .. ':3',
        'once:' .. call .. ':4', 'once:' .. call .. ':5')
      redis.call('HSET', session, 'out', out, 'seq', s.seq, 'bytes', s.bytes)
    end
  end
end
if request ~= '0' and not redis.call('XRANGE', replies, request .. '-0', request .. '-0')[1] then
  local last = redis.call('XREVRANGE', replies, '+', '-', 'COUNT', 1)[1]
  if not last or tonumber(string.match(last[1], '^%d+')) < tonumber(request) then
    redis.call('XADD', replies, 'MAXLEN', kept, request .. '-0', 'b', reply)
  end
end
if f[7] ~= '' then
  redis.call('SPUBLISH', f[7], cmsgpack.pack({1, 'events', id, first, bodies, call .. '=' .. (seating or '')}))
end
return {'ok'}
