-- Finds a record by something that leads to it. KEYS: what leads to it. ARGV: prefix. Answer: the record or false.
local id = redis.call('GET', KEYS[1])
return id and redis.call('GET', ARGV[1] .. 'request:' .. id)
