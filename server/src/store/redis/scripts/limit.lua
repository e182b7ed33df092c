-- Judges one hit. KEYS: counter. ARGV: now, hits allowed, window in seconds, whether to count it, 1 or 0.
return judged(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1')
