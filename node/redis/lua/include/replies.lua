-- The answers to a session's own requests, so that the same request sent again gets the same answer.
local function reply_is_kept(replies, request)
  return redis.call('XRANGE', replies, request .. '-0', request .. '-0')[1] ~= nil
end

local function reply_keep(replies, request, reply, kept)
  if request == '0' or reply_is_kept(replies, request) then return end
  local last = redis.call('XREVRANGE', replies, '+', '-', 'COUNT', 1)[1]
  if last and tonumber(string.match(last[1], '^%d+')) >= tonumber(request) then return end
  redis.call('XADD', replies, 'MAXLEN', kept, request .. '-0', 'b', reply)
end
