-- Brings all devices of a user up to date with the ringing of a call, one step for one user: rings them, makes them stop, and lets the one that answered sit down.
-- KEYS 1 user's devices  2 rings  3 blocks  4 timers  5 prefix of sessions  6 prefix of mailboxes  7 replies of the acting session (or of none)
--      8 prefix of users' devices  9 prefix of their presence  10 prefix of their watch channels
-- ARGV 1 call id  2 user  3 who calls  4 acting session ("": none)  5 request id (0: none)  6 reply body  7 how many replies are kept  8 most events  9 most bytes
--      then for each version, rising: version, mark (`?` rings, `x` stops), session that is spoken of by name, its mark (or ""), its seating, body
-- The body of `?` lacks its last pair: `in_call`. A session that is named and has no mark here has a share of its own (deliver.lua).
-- Returns {"ok", how many attached devices there are}; {"hole"}: one of them has not been told of what came before, the others are up to date;
-- {"gone"} or {"overrun"}: the acting session is over; {"not_found"}: there is none.
-- include: now
-- include: deliver
-- include: rings
local devices, rings, blocks, timers, session_prefix, mailbox_prefix, replies = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local presence = {devices_prefix = KEYS[8], state_prefix = KEYS[9], watch_prefix = KEYS[10]}
local call, user, caller, actor, request, reply, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local limits = {events = tonumber(ARGV[8]), bytes = tonumber(ARGV[9])}
local holed = false
local in_call, blocked -- known where something rings
local silent = {} -- entries that ring nobody: of a blocked caller, or late

-- One session's share. False: it is over.
local function bring(id)
  local key = session_prefix .. id
  local s = deliver_load(key, call)
  if not s or s.state == 'ended' or s.state == 'overrun' then return false end
  s.mailbox = mailbox_prefix .. id
  local problem
  for i = 10, #ARGV, 6 do
    local version, mark, named, named_mark, seats, event = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
    if id == named then mark = named_mark end
    if mark == '?' then event = event .. in_call end
    problem = mark ~= '' and not silent[i] and deliver_take(s, version, mark, seats, event, limits)
    if problem == 'overrun' then
      mailbox_overrun(key, timers, id)
      return false
    end
    if problem then break end
  end
  holed = holed or problem == 'hole'
  deliver_save(s, id, presence)
  if id == actor and not problem then reply_keep(replies, request, reply, kept) end
  deliver_publish(s, id)
  return true, s.channel ~= ''
end

for i = 10, #ARGV, 6 do
  local rung = ARGV[i + 1] == '?'
  if rung and not in_call then
    in_call = '\167in_call' .. ((tonumber(redis.call('HGET', presence.state_prefix .. user, 'seats') or 0) > 0) and '\195' or '\194')
    blocked = redis.call('SISMEMBER', blocks, caller) == 1
  end
  silent[i] = rung and (blocked or rings_set(rings, call, tonumber(ARGV[i]), true))
  if not rung then rings_set(rings, call, tonumber(ARGV[i]), false) end
end
local attached, acted = 0, actor == ''
for _, id in ipairs(redis.call('HVALS', devices)) do
  local lives, holds = bring(id)
  if holds then attached = attached + 1 end
  acted = acted or (lives and id == actor)
end
if not acted and not bring(actor) and not holed then
  local state = redis.call('HGET', session_prefix .. actor, 'state')
  return {state == 'overrun' and 'overrun' or state and 'gone' or 'not_found'}
end
return {holed and 'hole' or 'ok', attached}
