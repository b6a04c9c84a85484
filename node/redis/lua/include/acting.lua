-- A member acts on a call (after include: now, body).
-- include: call
-- include: did

-- The call and who that is; or nil and what the script answers instead: to a request that is sent again what it was told before, to any other a refusal.
-- request '0': it may be done twice.
local function call_acting(key, id, session, request, epoch)
  local call = call_load(key)
  if not call then return nil, {'not_found'} end
  local before = did_before(call, session, request)
  if before then return nil, {'ok', before, {}, call.fanned} end
  if call.state == 'ended' then return nil, {'gone'} end
  call.id = id
  local actor = call_member(call, 'session', session)
  if not actor then return nil, {'not_found', call.version} end
  if call_is_stale(actor, epoch) then return nil, {'stale'} end
  return call, actor
end
