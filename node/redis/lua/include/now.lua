-- Redis's clock in milliseconds, read once a script: in Redis 7.0 TIME runs on while a script runs.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
