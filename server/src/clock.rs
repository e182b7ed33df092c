//! The port through which time comes in.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::time::Timestamp;

/// Tells the time; never less than it told before, so that no deadline that has passed comes back.
pub trait Clock: Send + Sync {
    /// This moment, in whole Unix seconds.
    fn now(&self) -> Timestamp;
}

/// The system's clock, held at its highest reading while it is set back.
#[derive(Debug, Default)]
pub struct SystemClock {
    highest_s: AtomicI64,
}

/// A clock that only tests move.
#[derive(Debug)]
pub struct TestClock {
    now_s: AtomicI64,
}

impl SystemClock {
    /// A clock that has told no time yet.
    pub const fn new() -> Self {
        Self { highest_s: AtomicI64::new(0) }
    }

    fn at_least(&self, reading_s: i64) -> Timestamp {
        let before = self.highest_s.fetch_max(reading_s, Ordering::AcqRel);
        Timestamp(before.max(reading_s))
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that reads the clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.at_least(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
    }
}

impl TestClock {
    /// A clock that stands at `now`.
    pub const fn at(now: Timestamp) -> Self {
        Self { now_s: AtomicI64::new(now.unix_s()) }
    }

    /// Moves it on by `seconds`.
    pub fn advance_s(&self, seconds: u32) {
        self.now_s.fetch_add(i64::from(seconds), Ordering::AcqRel);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now_s.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        let clock = SystemClock::new();
        assert_eq!(clock.at_least(100), Timestamp(100));
        assert_eq!(clock.at_least(40), Timestamp(100));
        assert_eq!(clock.at_least(101), Timestamp(101));
    }

    #[test]
    fn the_system_clock_tells_a_time_of_this_century() {
        assert!(SystemClock::new().now() > Timestamp(1_700_000_000));
    }
}
