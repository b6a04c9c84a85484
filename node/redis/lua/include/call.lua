-- A call's hash as a table, its changes, and the way they go out. See docs/state.md, "Calls".
--
-- A script that changes a call reads it with call_load, says each change with call_event, which raises the version and appends to the log, and
-- ends with call_save, which stores the call (and the fields in call.also) and arms the fan-out timer (and those in call.due: time, name, …) in the same
-- step. Whoever ran the script then brings the members' mailboxes up to the version; if it dies, the partition's owner does.
-- include: members
-- include: invitations
local fanout_retry_ms = 2000
local tombstone_ms = 120000
-- The mark of a member whose session was superseded: the last word about it (SUPERSEDED_EPOCH in node/store/calls.h).
local superseded_mark = 2 ^ 41

local function call_load(key)
  local f = redis.call('HMGET', key, 'state', 'version', 'seats', 'starter', 'starter_session', 'locked', 'privacy', 'allow',
    'open', 'members', 'created', 'offer', 'fanned', 'invited', 'guests', 'callee', 'done')
  if not f[1] then return nil end
  return {key = key, state = f[1], version = tonumber(f[2]), seats = tonumber(f[3]), starter = f[4], starter_session = f[5],
    locked = f[6] == '1', privacy = f[7], allow = f[8], open = f[9] == '1', members = cmsgpack.unpack(f[10]),
    created = tonumber(f[11]), offer = f[12], fanned = tonumber(f[13]), invited = f[14] and cmsgpack.unpack(f[14]) or {},
    guests = f[15] or '\n', callee = f[16] or '', done = f[17] or ';', entries = {}, over = {}, due = {}, also = {}}
end

-- marks: {session = mark}; members who stand in no mark get `+`. ring: what ringing devices hear of it, see include/invitations.lua. whole: {session, pairs}, for
-- the one member who is told these, more than the others.
local function call_event(call, name, pairs_in_order, marks, ring, whole)
  call.version = call.version + 1
  local targets = {}
  for _, m in ipairs(call.members) do
    if not marks[m.session] and not m.absent then targets[#targets + 1] = '+' .. m.session end
  end
  for session, mark in pairs(marks) do targets[#targets + 1] = mark .. session end
  for _, target in ipairs(ring and ring.targets or {}) do targets[#targets + 1] = target end
  local body = body_of_call(call, name, pairs_in_order)
  local entry = {call.version, table.concat(targets, ' '), call_seating(call), body, ring and ring_body(call, ring) or ''}
  if whole then entry[4], entry[6], entry[7] = body_of_call(call, name, whole.pairs), whole.session, body end
  call.entries[#call.entries + 1] = entry
end

-- Marks rise with each attach and loss of a socket (call_mark.lua). What an attach says whose session has gone on since is stale; `epoch` nil: said on
-- behalf of a session that is over.
local function call_is_stale(member, epoch)
  return epoch and (member.mark or 0) > epoch * 2
end

-- Whether the list of those who may come by the call's id has this user on it, or the user was invited. The starter may come with a second device.
local function call_allows(call, user)
  local name = '\n' .. user .. '\n'
  return call.allow == '*' or user == call.starter or string.find(call.allow, name, 1, true) ~= nil or string.find(call.guests, name, 1, true) ~= nil
end

-- waiting: posted, nobody else yet; or an open room with one member.
local function call_settle(call)
  call.state = #call.members >= 2 and 'active' or #call.invited > 0 and 'ringing' or 'waiting'
end

local function call_is_posted(call)
  return call.offer == 'waiting' and call.callee == ''
end

local function call_is_expecting(call)
  return #call.members > 0 and (call_is_posted(call) or call.open or #call.invited > 0)
end

local function call_end(call, reason)
  local marks = {}
  for _, m in ipairs(call.members) do marks[m.session] = '!' end
  local ring = call_uninvite_all(call, reason == 'timeout' and 'timeout' or 'cancelled')
  call.members, call.state, call.offer = {}, 'ended', call.offer ~= '' and 'gone' or ''
  call_event(call, 'call.ended', {'reason', reason}, marks, ring)
end

-- Nobody is left to talk to, and nobody to wait for.
local function call_end_if_over(call, reason)
  if #call.members < 2 and not call_is_expecting(call) then call_end(call, reason) end
end

local function call_save(call, log, timers)
  local f = {'state', call.state, 'version', string.format('%d', call.version), 'locked', call.locked and '1' or '0',
    'members', cmsgpack.pack(call.members), 'offer', call.offer}
  if call.invited_anew then f[11], f[12], f[13], f[14] = 'invited', cmsgpack.pack(call.invited), 'guests', call.guests end
  if call.did then f[#f + 1], f[#f + 2] = 'done', call.did end
  for _, one in ipairs(call.also) do f[#f + 1] = one end
  redis.call('HSET', call.key, unpack(f))
  for _, e in ipairs(call.entries) do
    local f = {'t', e[2], 's', e[3], 'b', e[4], 'r', e[5]}
    if e[6] then f[9], f[10], f[11], f[12] = 'w', e[6], 'o', e[7] end
    redis.call('XADD', log, e[1] .. '-0', unpack(f))
  end
  redis.call('ZADD', timers, string.format('%d', now + fanout_retry_ms), 'fanout:' .. call.id, unpack(call.due))
  if call.state == 'ended' then
    call.over[#call.over + 1] = 'expire:' .. call.id
    redis.call('HDEL', call.key, 'sdp', 'candidates', 'meta')
    redis.call('PEXPIRE', call.key, tombstone_ms)
    redis.call('PEXPIRE', log, tombstone_ms)
  end
  if #call.over > 0 then redis.call('ZREM', timers, unpack(call.over)) end
end
