-- What a session was sent in calls that it has left since: the texts of include/once.lua, "<call>:<peer>=<sender>=5-36,;", last first. It may sit down again while
-- a sender still waits for the answer, and sends that signal once more.
local heard_most, heard_ranges = 1024, 96

-- Of a long text the last ranges: a client that waits for an answer has few requests under way.
local function heard_short(text)
  if #text <= 2 * heard_ranges then return text end
  return string.match(text, '^[^=]*=') .. string.match(text, '[^,]*,(.*)$', #text - heard_ranges)
end

-- On leaving a call: fields of the session to set, and those to delete, behind what stands in the lists.
local function heard_keep(session, call, set, gone)
  local fields = {}
  for peer = 1, 5 do fields[peer] = 'once:' .. call .. ':' .. peer end
  local texts = redis.call('HMGET', session, 'heard', unpack(fields))
  local all = texts[1] or ''
  for peer = 1, 5 do
    local text = texts[peer + 1]
    if text then all = call .. ':' .. peer .. '=' .. heard_short(text) .. ';' .. all end
  end
  if all == (texts[1] or '') then return end
  for _, field in ipairs(fields) do gone[#gone + 1] = field end
  set[#set + 1], set[#set + 2] = 'heard', string.match(string.sub(all, 1, heard_most), '^.*;') or ''
end

-- What of that sender was taken before, if anything is known of it.
local function heard_of(session, call, peer)
  local all = redis.call('HGET', session, 'heard') or ''
  local _, found = string.find(all, call .. ':' .. peer .. '=', 1, true)
  return found and string.match(all, '^[^;]*', found + 1)
end
