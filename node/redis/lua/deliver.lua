-- Brings one session up to date with a call: takes the next version only, drops an older one, and says where it stands when there is a hole.
-- KEYS 1 session  2 mailbox  3 replies  4 timers  5 prefix of users' devices  6 prefix of their presence  7 prefix of their watch channels
-- ARGV 1 session id  2 call id  3 request id (0: none)  4 reply body  5 how many replies are kept  6 most events  7 most bytes
--      then for each version, rising: version, mark, seating, body
-- Marks: `*` enters the call, `+` gets the event, `-` goes along silently, `!` gets the event and is out, `~` is out silently, `o` stops ringing silently;
--        `=` gets the event and stands there now, whatever it missed, `#` likewise and is out.
-- Returns {"ok"}; {"hole", version it stands at}; {"not_found"} there is no such session; {"gone"} it has ended; {"overrun"} its mailbox was full, it is over.
-- include: deliver
local session, mailbox, replies, timers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local presence = {devices_prefix = KEYS[5], state_prefix = KEYS[6], watch_prefix = KEYS[7]}
local id, call, request, reply, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local limits = {events = tonumber(ARGV[6]), bytes = tonumber(ARGV[7])}

local s = deliver_load(session, call)
if not s then return {'not_found'} end
if s.state == 'ended' then return {'gone'} end
if s.state == 'overrun' then return {'overrun'} end
s.mailbox = mailbox
for i = 8, #ARGV, 4 do
  local problem = deliver_take(s, tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], limits)
  if problem == 'overrun' then
    mailbox_overrun(session, timers, id)
    return {'overrun'}
  elseif problem then
    deliver_save(s, id, presence)
    deliver_publish(s, id)
    return {'hole', s.at}
  end
end
deliver_save(s, id, presence)
reply_keep(replies, request, reply, kept)
deliver_publish(s, id)
return {'ok'}
