-- Sitting down in a call, and taking the place of an earlier session.
-- A device's new session is what its old one was: the poster of an offer, or its taker.
local function call_succeed(call, old, session)
  if call.starter_session == old then
    call.starter_session = session
    redis.call('HSET', call.key, 'starter_session', session)
  end
  if redis.call('HGET', call.key, 'taker') == old then redis.call('HSET', call.key, 'taker', session) end
end

-- A newcomer sits down; if its user was being rung, that is answered by it. who: {session, user, device, name, epoch, request}. The answer to the offer that rode on
-- the invitation is for whoever made that: the others' connections to the newcomer begin with an offer of its own.
local function call_seat(call, who, answer)
  local own = {peer = call_free_peer(call), session = who.session, user = who.user, device = who.device, name = who.name, state = 'here',
    mark = (who.epoch or 0) * 2, since = now, request = who.request}
  call.members[#call.members + 1] = own
  local ring = call_uninvite(call, who.user, who.session, 'answered_elsewhere')
  call_settle(call)
  local said = {'peer', own.peer, 'user', own.user, 'device', own.device, 'name', own.name}
  local whole
  if answer then
    whole = {session = call.starter_session, pairs = {unpack(said)}}
    whole.pairs[9], whole.pairs[10] = 'answer', {raw = answer}
  end
  call_event(call, 'call.joined', said, {[who.session] = '*'}, ring, whole)
  return own
end
