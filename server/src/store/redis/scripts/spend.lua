-- Spends a proof. KEYS: store, proof. ARGV: id of the store under which it was judged, seconds to remember it.
-- Answer: 0 spent, 1 it was before, 2 the store has another id by now.
local id = string.match(redis.call('GET', KEYS[1]) or '', '(%S+)$')
if id ~= ARGV[1] then
  return 2
end
return redis.call('SET', KEYS[2], '', 'NX', 'EX', ARGV[2]) and 0 or 1
