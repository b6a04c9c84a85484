-- The changes of a call that its log still has, after a version; with where the fan-out stands.
-- KEYS 1 call  2 log
-- ARGV 1 version  2 how many at most
-- Returns {"ok", version, entries, fanned}; {"not_found"} the call is forgotten.
local key, log = KEYS[1], KEYS[2]
local after, most = tonumber(ARGV[1]), ARGV[2]

local f = redis.call('HMGET', key, 'version', 'fanned')
if not f[1] then return {'not_found'} end
local entries = {}
for _, e in ipairs(redis.call('XRANGE', log, (after + 1) .. '-0', '+', 'COUNT', most)) do
  entries[#entries + 1] = {tonumber(string.match(e[1], '^%d+')), e[2][2], e[2][4], e[2][6], e[2][8], e[2][10], e[2][12]}
end
return {'ok', tonumber(f[1]), entries, tonumber(f[2])}
