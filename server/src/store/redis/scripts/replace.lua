-- Writes a request whose version is still the expected one. KEYS: record, open, forgotten. ARGV: prefix, channel, id,
-- expected version, the request, when it ends ('' once it is over), when it is forgotten, now, life of the record and of
-- what leads to it, in seconds, then user code, ticket and account, each '' when there is none, and '1' to tell waiting pages.
-- Answer: the new version; 0 gone, -1 changed by somebody else, -2 the user code is another request's.
local prefix, channel, id, expected, request = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local ends_at, forgotten_at, now, record_s, index_s = ARGV[6], ARGV[7], tonumber(ARGV[8]), ARGV[9], ARGV[10]
local code, ticket, account = ARGV[11], ARGV[12], ARGV[13]
local version, locked, client = string.match(redis.call('GET', KEYS[1]) or '', '^1 (%d+) (%S+) ([^\n]*)\n')
if not version then
  return 0
end
if version ~= expected then
  return -1
end
if code ~= '' then
  local key = prefix .. 'code:' .. code
  local holder = redis.call('GET', key)
  if holder and holder ~= id then
    return -2
  end
  redis.call('SET', key, id, 'EX', index_s)
end
if ticket ~= '' then
  redis.call('SET', prefix .. 'ticket:' .. ticket, id, 'EX', index_s)
end
if account ~= '' then
  local key = prefix .. 'account:' .. account
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, now + tonumber(index_s), id)
  redis.call('EXPIRE', key, index_s)
  locked = account
elseif locked ~= '-' then
  redis.call('ZREM', prefix .. 'account:' .. locked, id)
  locked = '-'
end
local seats = prefix .. 'client:' .. client
if ends_at == '' then
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZREM', seats, id)
else
  redis.call('ZADD', KEYS[2], ends_at, id)
  redis.call('ZADD', seats, ends_at, id)
  redis.call('EXPIRE', seats, index_s)
end
redis.call('ZADD', KEYS[3], forgotten_at, id)
local newer = string.format('%d', version + 1)
redis.call('SET', KEYS[1], '1 ' .. newer .. ' ' .. locked .. ' ' .. client .. '\n' .. request, 'EX', record_s)
if ARGV[14] == '1' then
  redis.call('PUBLISH', channel, id .. ' ' .. newer)
end
return version + 1
