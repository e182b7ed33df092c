-- Takes in a request. KEYS: record, handle, seats of its client, open, forgotten, and a counter of starts. ARGV: the record, id,
-- now, when it ends, when it is forgotten, seats, most that are open in all, life of the record and of what leads to it, in
-- seconds, and with a counter: hits allowed, window in seconds.
-- Answer: 0; seconds until another start is allowed or a seat is free; -1 when all places are taken.
local value, id, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local in_time = '(' .. ARGV[3]
if KEYS[6] then
  local wait = judged(KEYS[6], now, tonumber(ARGV[10]), tonumber(ARGV[11]), true)
  if wait > 0 then
    return wait
  end
end
if redis.call('ZCOUNT', KEYS[4], in_time, '+inf') >= tonumber(ARGV[7]) then
  return -1
end
if redis.call('ZCOUNT', KEYS[3], in_time, '+inf') >= tonumber(ARGV[6]) then
  local first = redis.call('ZRANGEBYSCORE', KEYS[3], in_time, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return math.max(1, tonumber(first[2] or now) - now)
end
-- The first write but that of the counter: where no memory is left, Redis refuses a script only before it has changed anything.
redis.call('SET', KEYS[1], value, 'EX', ARGV[8])
redis.call('SET', KEYS[2], id, 'EX', ARGV[9])
for place = 3, 4 do
  redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', now)
  redis.call('ZADD', KEYS[place], ARGV[4], id)
  redis.call('EXPIRE', KEYS[place], ARGV[9])
end
redis.call('ZADD', KEYS[5], ARGV[5], id)
redis.call('EXPIRE', KEYS[5], ARGV[9])
return 0
