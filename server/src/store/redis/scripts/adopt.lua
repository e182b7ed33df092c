-- Takes a node in. KEYS: store, nodes. ARGV: run id of this server process, id for a store that has none, fingerprint of the
-- node, seconds until it is forgotten, channel, what a node's key begins with, name of the node.
-- Answer: the store's id; false for a node that does not fit the others.
-- Two nodes fit when each has the word that the other begins with: what one makes, the other accepts.
-- A store that begins anew is told to all nodes, so that none hands out nonces of the life before.
local function has(fingerprint, word)
  return string.find(' ' .. fingerprint .. ' ', ' ' .. word .. ' ', 1, true)
end
local function first(fingerprint)
  return string.match(fingerprint, '^%S*')
end
local mine, me = ARGV[3], ARGV[6] .. ARGV[7]
local gone = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local theirs = redis.call('GET', ARGV[6] .. name)
  if not theirs then
    table.insert(gone, name)
  elseif name ~= ARGV[7] and not (has(mine, first(theirs)) and has(theirs, first(mine))) then
    return false
  end
end
-- Works without memory too, so that a node comes back to a full Redis; one that is new there is not reckoned with.
if redis.call('GET', me) == mine then
  redis.call('EXPIRE', me, ARGV[4])
else
  redis.pcall('SET', me, mine, 'EX', ARGV[4])
end
redis.pcall('SADD', KEYS[2], ARGV[7])
redis.call('EXPIRE', KEYS[2], ARGV[4])
for _, name in ipairs(gone) do
  if name ~= ARGV[7] then
    redis.call('SREM', KEYS[2], name)
  end
end
local run, id = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%S+)$')
if run ~= ARGV[1] then
  id = ARGV[2]
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. id)
  redis.call('PUBLISH', ARGV[5], 'store ' .. id)
end
return id
