-- Which requests of a sender were taken: "<sender>=5-36,40-90,", ranges of ids in the order in which they came. A range grows when the sender's node vouches
-- that it saw each id between `previous` and this one on the same socket (so none of them will still come); otherwise a new one begins. A client that comes back
-- may send its unanswered requests again in any order, and an `ok` for one that was never stored would be a lie.
-- The end of the last range stands apart, as that is what moves: {ranges = "5-36,40-", last = "90"}.
-- Ids stay strings here: Lua writes a number above 10^14 as 1e+14.
local ranges_max = 256

local function once_read(text, sender)
  local ranges, last
  if text and string.sub(text, 1, #sender + 1) == sender .. '=' then ranges, last = string.match(text, '^(.*%-)(%d+),$', #sender + 2) end
  return {sender = sender, ranges = ranges or '', last = last or ''}
end

local function once_list(once)
  return once.last == '' and '' or once.ranges .. once.last .. ','
end

local function once_knows(once, request)
  local count, cut = 0, 1
  request = tonumber(request)
  for first, last, at in string.gmatch(once_list(once), '(%d+)%-(%d+),()') do
    if request >= tonumber(first) and request <= tonumber(last) then return true end
    count, cut = count + 1, count == 0 and at or cut
  end
  -- More holes than a client's requests under way can make: the oldest range is forgotten.
  if count >= ranges_max then once.ranges = string.sub(once.ranges, cut) end
  return false
end

-- False: this one was taken before. `previous` '0': nothing is vouched for. Where there are several ranges, this one may stand in an earlier one, which
-- another socket made.
local function once_take(once, request, previous)
  local grows = previous == once.last
  if not (grows and not string.find(once.ranges, ',', 1, true)) and once_knows(once, request) then return false end
  if not grows then once.ranges = once_list(once) .. request .. '-' end
  once.last = request
  return true
end

local function once_text(once)
  return once.sender .. '=' .. once_list(once)
end
