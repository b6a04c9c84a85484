-- Appends one event to a session's mailbox; `s` holds seq, acked, bytes, freed as numbers. False: no room, and nothing was stored.
-- Redis writes numbers with %.17g, which is dear: they are handed over as text.
-- An entry carries the bytes put so far, so that an ack knows how many it frees.
local function mailbox_put(mailbox, s, event, events_max, bytes_max)
  if s.seq - s.acked >= events_max or s.bytes - s.freed + #event > bytes_max then return false end
  s.seq, s.bytes = s.seq + 1, s.bytes + #event
  redis.call('XADD', mailbox, string.format('%d-0', s.seq), 'b', event, 'c', string.format('%d', s.bytes))
  return true
end

-- A full mailbox ends its session rather than skip an event.
local function mailbox_overrun(session, timers, id)
  local f = redis.call('HMGET', session, 'user', 'channel', 'epoch')
  local user, channel, epoch = f[1], f[2], f[3]
  redis.call('HSET', session, 'state', 'overrun', 'channel', '', 'until', 0)
  redis.call('ZADD', timers, 0, 'grace:' .. id .. ':' .. user)
  if channel ~= '' then
    redis.call('SPUBLISH', channel, cmsgpack.pack({1, 'close', id, tonumber(epoch), 'overrun'}))
  end
end
