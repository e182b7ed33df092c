use std::collections::HashMap;

use protocol::time::Timestamp;

use super::shards::{Shards, share, shrink};
use crate::store::short_lived::{Allowance, Limit};

/// Most keys that are counted at once, about 120 bytes each. When there are more, the one that began first is
/// forgotten: an attacker with that many addresses gains more by using them than by being forgotten.
const KEYS_MAX: usize = 400_000;
/// How many keys are looked at to find one that began early.
const EVICTION_LOOK: usize = 16;

/// Hits by key in a sliding window: the count of this window, and of the one before as far as it still reaches in.
#[derive(Debug, Default)]
pub(super) struct Windows {
    counters: Shards<Box<str>, Counter>,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    began_at: Timestamp,
    window_s: i64,
    hits: u32,
    hits_before: u32,
}

impl Windows {
    pub(super) fn hit(&self, key: &str, limit: Limit, now: Timestamp) -> Allowance {
        let mut shard = self.counters.of(key);
        let mut counter = Counter::at(shard.get(key), limit, now);
        let allowance = counter.judge(limit, now);
        if allowance == Allowance::Allowed {
            counter.hits = counter.hits.saturating_add(1);
            if shard.len() >= share(KEYS_MAX) && !shard.contains_key(key) {
                evict(&mut shard);
            }
            shard.insert(key.into(), counter);
        }
        allowance
    }

    pub(super) fn peek(&self, key: &str, limit: Limit, now: Timestamp) -> Allowance {
        Counter::at(self.counters.of(key).get(key), limit, now).judge(limit, now)
    }

    pub(super) fn sweep(&self, now: Timestamp) {
        for mut shard in self.counters.all() {
            shard.retain(|_, counter| !counter.is_over_at(now));
            shrink(&mut shard);
        }
    }
}

impl Counter {
    /// The counter as it stands at `now`.
    fn at(stored: Option<&Self>, limit: Limit, now: Timestamp) -> Self {
        let window_s = i64::from(limit.window_s.max(1));
        let fresh = Self { began_at: now, window_s, hits: 0, hits_before: 0 };
        let Some(stored) = stored.filter(|stored| stored.window_s == window_s) else {
            return fresh;
        };
        match now.since_s(stored.began_at) / window_s {
            0 => *stored,
            1 => Self { began_at: stored.began_at.plus_s(window_s), hits_before: stored.hits, ..fresh },
            _ => fresh,
        }
    }

    fn judge(&self, limit: Limit, now: Timestamp) -> Allowance {
        let into_s = now.since_s(self.began_at).clamp(0, self.window_s);
        let room = i64::from(limit.hits) - i64::from(self.hits);
        let before = i64::from(self.hits_before);
        // Hits of the window before, in proportion to what of it lies within the last window_s seconds.
        if before * (self.window_s - into_s) < room * self.window_s {
            return Allowance::Allowed;
        }
        let wait_s = if room > 0 {
            // Smallest t with before * (window - t) < room * window.
            self.window_s - (room * self.window_s - 1) / before - into_s
        } else {
            // After the turn the present hits are the ones before.
            let hits = i64::from(self.hits).max(1);
            let into_next_s = self.window_s - (i64::from(limit.hits) * self.window_s - 1).max(0) / hits;
            self.window_s - into_s + into_next_s
        };
        Allowance::Refused { retry_after_s: u32::try_from(wait_s.max(1)).unwrap_or(u32::MAX) }
    }

    fn is_over_at(&self, now: Timestamp) -> bool {
        now.since_s(self.began_at) >= 2 * self.window_s
    }
}

fn evict(shard: &mut HashMap<Box<str>, Counter>) {
    let oldest = shard
        .iter()
        .take(EVICTION_LOOK)
        .min_by_key(|(_, counter)| counter.began_at)
        .map(|(key, _)| key.clone());
    if let Some(key) = oldest {
        shard.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { hits: 5, window_s: 600 };

    #[test]
    fn the_wait_that_is_told_is_enough_and_not_too_long() {
        for hits_at in [0, 100, 599] {
            let windows = Windows::default();
            for _ in 0..5 {
                assert_eq!(windows.hit("k", LIMIT, Timestamp(hits_at)), Allowance::Allowed);
            }
            let now = Timestamp(hits_at + 30);
            let Allowance::Refused { retry_after_s } = windows.hit("k", LIMIT, now) else {
                panic!("the sixth hit is over the limit");
            };
            let wait_s = i64::from(retry_after_s);
            assert_ne!(windows.peek("k", LIMIT, now.plus_s(wait_s - 1)), Allowance::Allowed);
            assert_eq!(windows.peek("k", LIMIT, now.plus_s(wait_s)), Allowance::Allowed);
        }
    }

    #[test]
    fn two_windows_side_by_side_do_not_double_the_limit() {
        let windows = Windows::default();
        windows.hit("k", LIMIT, Timestamp(0));
        for _ in 0..4 {
            assert_eq!(windows.hit("k", LIMIT, Timestamp(599)), Allowance::Allowed);
        }
        assert_ne!(windows.hit("k", LIMIT, Timestamp(600)), Allowance::Allowed);
    }

    #[test]
    fn counters_are_bounded() {
        let windows = Windows::default();
        for n in 0..KEYS_MAX + 50_000 {
            windows.hit(&n.to_string(), LIMIT, Timestamp(0));
        }
        let counted: usize = windows.counters.all().map(|shard| shard.len()).sum();
        assert!(counted <= KEYS_MAX + 32);
        windows.sweep(Timestamp(1_200));
        assert_eq!(windows.counters.all().map(|shard| shard.len()).sum::<usize>(), 0);
    }
}
