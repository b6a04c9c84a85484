-- What others may know of a user. p: {devices, state, watch}, prefixes of keys that end with the user.
-- The sessions of a user hold so many seats more (or fewer).
local function presence_seats(p, user, change)
  redis.call('HINCRBY', p.state .. user, 'seats', change)
end
