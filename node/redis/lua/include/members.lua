-- Who sits in a call: call.members is a list of {peer, session, user, device, name, state, mark, since, absent}.
-- absent: put back without a word from its own node (include/heal.lua); no session is told anything there.
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

-- ";52ro;1=session;3=session;": the call's facts (its seats, the starter's peer or 0; flags: r relay, l locked, o open, a anyone may come by its id), then
-- who sits where, as sessions and nodes keep it (node/call/seating.h). A node can put a call back from it.
local function call_seating(call)
  local starter = call.starter ~= '' and call_member(call, 'user', call.starter) or call_member(call, 'session', call.starter_session)
  local parts = {string.char(59, 48 + call.seats, 48 + (starter and starter.peer or 0)) .. (call.privacy == 'relay' and 'r' or '')
    .. (call.locked and 'l' or '') .. (call.open and 'o' or '') .. (call.allow == '*' and 'a;' or ';')}
  for i, m in ipairs(call.members) do parts[i + 1] = string.char(48 + m.peer, 61) .. m.session .. ';' end
  return table.concat(parts)
end

local function call_free_peer(call)
  for peer = 1, call.seats do
    if not call_member(call, 'peer', peer) then return peer end
  end
end

-- The members as a client sees them, one msgpack array; written like include/body.lua.
local function call_members(call)
  local list = {}
  for i, m in ipairs(call.members) do
    list[i] = '\133\164peer' .. string.char(m.peer) .. '\164user' .. cmsgpack.pack(m.user) .. '\166device' .. cmsgpack.pack(m.device)
      .. '\164name' .. cmsgpack.pack(m.name) .. '\165state' .. (m.state == 'here' and '\164here' or cmsgpack.pack(m.state))
  end
  return string.char(0x90 + #list) .. table.concat(list)
end
