-- Who sits in a call: call.members is a list of {peer, session, user, device, name, state, mark}.
local function call_member(call, field, value)
  for i, m in ipairs(call.members) do
    if m[field] == value then return m, i end
  end
end

local function call_device(call, user, device)
  for _, m in ipairs(call.members) do
    if m.user == user and m.device == device then return m end
  end
end

-- ";1=session;3=session;": who sits where, as sessions and nodes keep it; ";r;1=…" in a call with relay privacy
local function call_seating(call)
  local parts = {call.privacy == 'relay' and ';r;' or ';'}
  for _, m in ipairs(call.members) do parts[#parts + 1] = m.peer .. '=' .. m.session .. ';' end
  return table.concat(parts)
end

local function call_free_peer(call)
  for peer = 1, call.seats do
    if not call_member(call, 'peer', peer) then return peer end
  end
end

-- The members as a client sees them, one msgpack array.
local function call_members(call)
  local list = {}
  for i, m in ipairs(call.members) do
    list[i] = body({'peer', m.peer, 'user', m.user, 'device', m.device, 'name', m.name, 'state', m.state})
  end
  return string.char(0x90 + #list) .. table.concat(list)
end
