-- Begins the scripts that judge a limit: one hit in a sliding window, by the count of this window and of the one before as far
-- as it still reaches in. Answer: 0 allowed; seconds until it is worth trying again.
local function judged(key, now, most, window, counts)
  window = math.max(1, window)
  local began_at, hits, before = now, 0, 0
  local stored = redis.call('GET', key)
  if stored then
    local at, length, counted, counted_before = string.match(stored, '^(%-?%d+) (%d+) (%d+) (%d+)$')
    if at and tonumber(length) == window then
      at = tonumber(at)
      -- Nodes differ by a moment: one that is behind counts into the window that has begun.
      local turns = (now - at) / window
      if turns > -1 and turns < 1 then
        began_at, hits, before = at, tonumber(counted), tonumber(counted_before)
      elseif turns >= 1 and turns < 2 then
        began_at, before = at + window, tonumber(counted)
      end
    end
  end
  local into = math.min(math.max(now - began_at, 0), window)
  local room = most - hits
  -- Hits of the window before, in proportion to what of it lies within the last seconds of a window's length.
  if before * (window - into) < room * window then
    if counts then
      local counter = string.format('%d %d %d %d', began_at, window, hits + 1, before)
      redis.call('SET', key, counter, 'EX', string.format('%d', 2 * window + 60))
    end
    return 0
  end
  local wait
  if room > 0 then
    wait = window - math.floor((room * window - 1) / before) - into
  else
    -- After the turn the present hits are the ones before.
    wait = window - into + window - math.floor(math.max(0, most * window - 1) / math.max(1, hits))
  end
  return math.max(1, wait)
end
