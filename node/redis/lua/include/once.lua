-- Which requests of a sender were taken: "<sender>=5-36,40-90,", ranges of ids in the order in which they came. A range grows when the sender's node vouches
-- that it saw each id between `previous` and this one on the same socket (so none of them will still come); otherwise a new one begins. A client that comes back
-- may send its unanswered requests again in any order, and an `ok` for one that was never stored would be a lie.
-- Ids stay strings here: Lua writes a number above 10^14 as 1e+14.
local ranges_max = 256

local function once_read(text, sender)
  if not text or string.sub(text, 1, #sender + 1) ~= sender .. '=' then return {sender = sender, list = ''} end
  return {sender = sender, list = string.sub(text, #sender + 2)}
end

local function once_knows(once, request)
  local count, cut = 0, 1
  request = tonumber(request)
  for first, last, at in string.gmatch(once.list, '(%d+)%-(%d+),()') do
    if request >= tonumber(first) and request <= tonumber(last) then return true end
    count, cut = count + 1, count == 0 and at or cut
  end
  -- More holes than a client's requests under way can make: the oldest range is forgotten.
  if count >= ranges_max then once.list = string.sub(once.list, cut) end
  return false
end

-- False: this one was taken before. `previous` '0': nothing is vouched for. Where there are several ranges, this one may stand in an earlier one, which
-- another socket made.
local function once_take(once, request, previous)
  local tail = '-' .. previous .. ','
  local grows = previous ~= '0' and string.sub(once.list, -#tail) == tail
  if not (grows and string.find(once.list, ',', 1, true) == #once.list) and once_knows(once, request) then
    return false
  elseif grows then
    once.list = string.sub(once.list, 1, -#tail - 1) .. '-' .. request .. ','
  else
    once.list = once.list .. request .. '-' .. request .. ','
  end
  return true
end

local function once_text(once)
  return once.sender .. '=' .. once.list
end
