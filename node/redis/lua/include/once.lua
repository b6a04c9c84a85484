-- Which requests of a sender were taken: "<sender>=<floor>,5,6,8,". All up to the floor count as taken; above it each is listed, because a client that
-- comes back may send its unanswered requests again in any order, and an `ok` for one that was never stored would be a lie.
local function once_read(text, sender)
  if text and string.sub(text, 1, #sender + 1) == sender .. '=' then
    local floor, list = string.match(text, '^(%d+)(,.*)$', #sender + 2)
    return {sender = sender, floor = tonumber(floor), list = list}
  end
  return {sender = sender, floor = 0, list = ','}
end

-- False: this one was taken before.
local function once_take(once, request)
  if tonumber(request) <= once.floor or string.find(once.list, ',' .. request .. ',', 1, true) then return false end
  once.list = once.list .. request .. ','
  if #once.list > 2048 then
    local cut = string.find(once.list, ',', 1024, true)
    once.floor = tonumber(string.match(string.sub(once.list, 1, cut), '(%d+),$'))
    once.list = string.sub(once.list, cut)
  end
  return true
end

local function once_text(once)
  return once.sender .. '=' .. once.floor .. once.list
end
