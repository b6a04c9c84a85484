-- An offer that waits in a call, posted or on an invitation, goes to one taker; call_save says so.
local function offer_hand_over(call, session)
  call.offer = 'taken'
  call.over[#call.over + 1] = 'expire:' .. call.id
  call.also[#call.also + 1], call.also[#call.also + 2] = 'taker', session
end

-- What the taker is told (whoever else sits down: without the offer); a last item, 1, says that the offer was stored with addresses that must not pass any more.
local function offer_answer(call, own, given)
  local f = given and redis.call('HMGET', call.key, 'sdp', 'candidates', 'candidate_count', 'plain') or {'', '', 0}
  local poster = call_member(call, 'session', call.starter_session)
  return {'ok', call.version, call.entries, call.fanned, own.peer, call_members(call), f[1] or '', f[2] or '', tonumber(f[3]), call.starter,
    poster and poster.name or '', f[4] and 1 or nil}
end
