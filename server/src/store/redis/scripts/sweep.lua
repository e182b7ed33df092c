-- Forgets records whose time is over, some at a time. KEYS: forgotten, open. ARGV: prefix, now, how many at most.
-- Answer: their ids.
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  redis.call('DEL', ARGV[1] .. 'request:' .. id)
  redis.call('ZREM', KEYS[1], id)
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2])
return ids
