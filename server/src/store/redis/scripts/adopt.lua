-- Takes a node in. KEYS: store, nodes. ARGV: run id of this server process, id for a store that has none, fingerprint,
-- seconds until the fingerprint is forgotten, channel. Answer: the store's id; false for a node that does not fit the others.
-- A store that begins anew is told to all nodes, so that none hands out nonces of the life before.
local others = redis.call('GET', KEYS[2])
if others and others ~= ARGV[3] then
  return false
end
-- Works without memory too, so that a node comes back to a full Redis.
if others then
  redis.call('EXPIRE', KEYS[2], ARGV[4])
else
  redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
end
local run, id = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%S+)$')
if run ~= ARGV[1] then
  id = ARGV[2]
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. id)
  redis.call('PUBLISH', ARGV[5], 'store ' .. id)
end
return id
