//! The port through which time comes in: what it is now, and waiting until time has passed.
//!
//! Deadlines are told by [`Clock::now`]. What repeats while nobody calls (the timers of waiting pages, housekeeping) goes
//! by [`Clock::elapsed`], which a clock that is set does not move. How long a slow client may take is neither: those limits
//! guard the machine and go by the machine's own timer.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::time::Timestamp;
use tokio::sync::watch;

/// Tells the time; never less than it told before, so that no deadline that has passed comes back.
pub trait Clock: Send + Sync {
    /// This moment, in whole Unix seconds.
    fn now(&self) -> Timestamp;

    /// How long it has run.
    fn elapsed(&self) -> Elapsed;

    /// Ends once it has run so long; at once when it has already.
    fn reached(&self, at: Elapsed) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Time that has passed since a clock began to run, whatever it was set to meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Elapsed(Duration);

/// The system's clock, held at its highest reading while it is set back.
#[derive(Debug)]
pub struct SystemClock {
    highest: Highest,
    began: Instant,
}

/// A clock that only tests move, held at its highest reading like the system's.
#[derive(Debug)]
pub struct TestClock {
    highest: Highest,
    reading_s: AtomicI64,
    passed: watch::Sender<Elapsed>,
}

/// The highest reading so far.
#[derive(Debug, Default)]
struct Highest {
    unix_s: AtomicI64,
}

impl Elapsed {
    /// So many seconds later.
    #[must_use]
    pub const fn plus_s(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(Duration::from_secs(seconds)))
    }

    /// What has passed since `earlier`; nothing when that is later.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Highest {
    fn at_least(&self, reading_s: i64) -> Timestamp {
        let before = self.unix_s.fetch_max(reading_s, Ordering::AcqRel);
        Timestamp(before.max(reading_s))
    }
}

impl SystemClock {
    /// A clock that has told no time yet.
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that reads the clock")]
    pub fn new() -> Self {
        Self { highest: Highest::default(), began: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that reads the clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.highest.at_least(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Elapsed {
        Elapsed(self.began.elapsed())
    }

    fn reached(&self, at: Elapsed) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(at.since(self.elapsed())))
    }
}

impl TestClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self {
            highest: Highest::default(),
            reading_s: AtomicI64::new(now.unix_s()),
            passed: watch::Sender::new(Elapsed::default()),
        }
    }

    /// Lets `seconds` pass.
    pub fn advance_s(&self, seconds: u32) {
        self.step_s(seconds.into());
        self.passed.send_modify(|passed| *passed = passed.plus_s(seconds.into()));
    }

    /// Sets it by `seconds`, on or back; no time passes.
    pub fn step_s(&self, seconds: i64) {
        self.reading_s.fetch_add(seconds, Ordering::AcqRel);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.highest.at_least(self.reading_s.load(Ordering::Acquire))
    }

    fn elapsed(&self) -> Elapsed {
        *self.passed.borrow()
    }

    fn reached(&self, at: Elapsed) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            // The sender lives in `self`, so the channel cannot close while this waits.
            let _ = self.passed.subscribe().wait_for(|passed| *passed >= at).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        let clock = TestClock::at(Timestamp(100));
        assert_eq!(clock.now(), Timestamp(100));
        clock.step_s(-60);
        assert_eq!(clock.now(), Timestamp(100));
        clock.step_s(61);
        assert_eq!(clock.now(), Timestamp(101));
    }

    #[test]
    fn the_system_clock_tells_a_time_of_this_century() {
        assert!(SystemClock::new().now() > Timestamp(1_700_000_000));
    }

    #[tokio::test]
    async fn waiting_goes_by_time_that_passes_and_not_by_what_the_clock_is_set_to() {
        let clock = TestClock::at(Timestamp(100));
        let due = clock.elapsed().plus_s(15);
        let mut waiting = clock.reached(due);
        clock.step_s(3_600);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        clock.advance_s(14);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        clock.advance_s(1);
        waiting.await;
        clock.reached(due).await;
    }

    #[tokio::test]
    async fn the_system_clock_waits_for_what_it_says() {
        let clock = SystemClock::new();
        let before = clock.elapsed();
        clock.reached(before).await;
        clock.reached(Elapsed(before.0 + Duration::from_millis(20))).await;
        assert!(clock.elapsed().since(before) >= Duration::from_millis(20));
    }
}
