-- The answers to a session's own requests, so that the same request sent again gets the same answer.
local function reply_is_kept(replies, request)
  return redis.call('XRANGE', replies, request .. '-0', request .. '-0')[1] ~= nil
end

-- Ids rise in a stream: that of a request which was answered before, or of one older than the last, is refused, so there is nothing to look up first.
local function reply_keep(replies, request, reply, kept)
  if request == '0' then return end
  local added = redis.pcall('XADD', replies, 'MAXLEN', kept, request .. '-0', 'b', reply)
  if type(added) == 'table' and not string.find(added.err, 'equal or smaller', 1, true) then error(added.err) end
end
