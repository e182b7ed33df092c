-- Finds the records that an account has locked. KEYS: its requests. ARGV: prefix. Answer: those that are still there.
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local record = redis.call('GET', ARGV[1] .. 'request:' .. id)
  if record then
    found[#found + 1] = record
  end
end
return found
