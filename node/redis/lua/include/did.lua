-- Who did last what by which request: ";session=request=version;…" (1 KiB), so that the same request sent again changes nothing more and is told the same version.
local function did_before(call, session, request)
  local _, at = string.find(call.done, ';' .. session .. '=' .. request .. '=', 1, true)
  local version = request ~= '0' and at and string.match(call.done, '^(%d+);', at + 1)
  return version and tonumber(version)
end

-- Before call_save, which stores it.
local function did(call, session, request)
  if request ~= '0' then call.did = string.sub(';' .. session .. '=' .. request .. '=' .. call.version .. call.done, 1, 1024) end
end
