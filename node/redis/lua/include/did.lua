-- Who did last what by which request: ";session=request=version;…" (1 KiB), so that the same request sent again changes nothing more and is told the same version.
local function did_before(key, session, request)
  local done = redis.call('HGET', key, 'done') or ';'
  local _, at = string.find(done, ';' .. session .. '=' .. request .. '=', 1, true)
  local version = request ~= '0' and at and string.match(done, '^(%d+);', at + 1)
  return version and tonumber(version)
end

local function did(key, session, request, version)
  if request == '0' then return end
  local done = redis.call('HGET', key, 'done') or ';'
  redis.call('HSET', key, 'done', string.sub(';' .. session .. '=' .. request .. '=' .. version .. done, 1, 1024))
end
