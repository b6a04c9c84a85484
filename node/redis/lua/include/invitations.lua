-- Who is being rung: call.invited is a list of {user, by, name, ['until'], alerted, offered (an offer rode on it)}. Whatever ends an invitation makes its user's devices stop ringing, in
-- the same change of the call.
--
-- ring: {targets, name, pairs}: users whose devices hear another event than the members do. Targets: `?bob=alice` rings bob's devices for alice;
-- `xbob=<session>` makes them stop, all but that session (none: `xbob=`), which has a mark of its own: `*` it sat down, `o` it stops by itself.
local guests_bytes = 4096 -- of those who were ever invited; the last ones

local function ring_body(call, ring)
  return body_of_call(call, ring.name, ring.pairs, ring.open)
end

local function call_invitation(call, user)
  for i, inv in ipairs(call.invited) do
    if inv.user == user then return inv, i end
  end
end

-- The offer on that user's invitation waits still.
local function call_offers_to(call, user)
  return call.offer == 'waiting' and call.callee == user
end

-- Who is thrown out comes back when invited again, or as `allow` says.
local function call_unguest(call, user)
  local first, last = string.find(call.guests, '\n' .. user .. '\n', 1, true)
  if not first then return end
  call.guests = string.sub(call.guests, 1, first) .. string.sub(call.guests, last + 1)
  call.invited_anew = true
end

-- What a ringing device is told. `in_call` is put behind by the user's partition, which knows.
local function call_incoming(call, inv)
  local p = {'from', inv.by, 'name', inv.name}
  local sdp = call_offers_to(call, inv.user) and (call.sdp or redis.call('HGET', call.key, 'sdp'))
  if sdp then p[5], p[6] = 'offer', {raw = sdp} end
  p[#p + 1], p[#p + 2] = 'members', {raw = call_members(call)}
  p[#p + 1], p[#p + 2] = 'seats', call.seats
  p[#p + 1], p[#p + 2] = 'expires_ms', inv['until']
  local meta = call.meta or redis.call('HGET', call.key, 'meta') or ''
  p[#p + 1], p[#p + 2] = 'meta', {raw = meta ~= '' and meta or '\192'} -- nil
  return {name = 'call.incoming', pairs = p, open = 1}
end

-- by: {user, name}. Returns the ring; call_save arms its timers.
local function call_invite(call, users, by, ring_ms)
  local ring
  local targets = {}
  for _, user in ipairs(users) do
    local inv = {user = user, by = by.user, name = by.name, ['until'] = now + ring_ms,
      offered = call_offers_to(call, user) or nil}
    call.invited[#call.invited + 1] = inv
    if not string.find(call.guests, '\n' .. user .. '\n', 1, true) then 
      call.guests = string.match(string.sub('\n' .. user .. call.guests, 1, guests_bytes), '^.*\n')
    end
    call.due[#call.due + 1] = string.format('%d', inv['until'])
    call.due[#call.due + 1] = 'ring:' .. call.id .. ':' .. user
    ring = ring or call_incoming(call, inv)
    targets[#targets + 1] = '?' .. user .. '=' .. by.user
  end
  call.invited_anew = true
  if ring then ring.targets = targets end
  return ring
end

local function call_stop(call, user, session)
  local inv, i = call_invitation(call, user)
  if not inv then return nil end
  table.remove(call.invited, i)
  call.invited_anew = true
  call.over[#call.over + 1] = 'ring:' .. call.id .. ':' .. user
  if call_offers_to(call, user) then call.offer = 'gone' end
  return 'x' .. user .. '=' .. session
end

-- The invitation of `user` is over because of `session` ('' : nobody's); nil when there is none.
local function call_uninvite(call, user, session, reason)
  local target = call_stop(call, user, session)
  return target and {targets = {target}, name = 'call.cancelled', pairs = {'reason', reason}}
end

local function call_uninvite_all(call, reason)
  local targets = {}
  while #call.invited > 0 do targets[#targets + 1] = call_stop(call, call.invited[1].user, '') end
  return #targets > 0 and {targets = targets, name = 'call.cancelled', pairs = {'reason', reason}} or nil
end

local function call_ringing(call)
  local users = {}
  for i, inv in ipairs(call.invited) do users[i] = cmsgpack.pack(inv.user) end
  return string.char(0x90 + #users) .. table.concat(users)
end
