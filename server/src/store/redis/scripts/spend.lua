-- Spends a proof. KEYS: store, proof, and a counter that may be over its limit. ARGV: id of the store under which the proof was
-- judged, seconds to remember it, and with a counter: now, hits allowed, window in seconds.
-- Answer: 0 spent, -1 it was before, -2 the store has another id by now; seconds to wait where the limit refuses.
if KEYS[3] then
  local wait = judged(KEYS[3], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), false)
  if wait > 0 then
    return wait
  end
end
local id = string.match(redis.call('GET', KEYS[1]) or '', '(%S+)$')
if id ~= ARGV[1] then
  return -2
end
return redis.call('SET', KEYS[2], '', 'NX', 'EX', ARGV[2]) and 0 or -1
