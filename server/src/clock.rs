//! The port through which time comes in: what it is now, and waiting until time has passed.
//!
//! Deadlines are told by [`Clock::now`]. What repeats while nobody calls (the timers of waiting pages, housekeeping) goes
//! by [`Clock::elapsed`], which a clock that is set does not move. How long a slow client may take is neither: those limits
//! guard the machine and go by the machine's own timer.
//!
//! No process goes back behind an earlier one either: each begins with [`go_on_from`].

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::hole;
use protocol::time::Timestamp;
use tokio::sync::watch;

use crate::store::{Durable, StoreError};

/// How far a machine's timer and its clock part by themselves between two looks, at the very most. Housekeeping alone looks
/// each minute.
const DRIFT: Duration = Duration::from_millis(500);

/// Tells the time; never less than it told before, so that no deadline that has passed comes back.
pub trait Clock: Send + Sync {
    /// This moment, in whole Unix seconds.
    fn now(&self) -> Timestamp;

    /// Tells nothing before `floor` from here on, and runs on from there until what it reads has caught up.
    fn rise_to(&self, floor: Timestamp);

    /// How long it has run.
    fn elapsed(&self) -> Elapsed;

    /// Ends once it has run so long; at once when it has already.
    fn reached(&self, at: Elapsed) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Lets `clock` tell nothing before the newest moment in the store: what ended for an earlier process has ended for this
/// one, although the machine came up with an earlier time. By how many seconds it was behind; at most 0 when it was not.
///
/// # Errors
/// [`StoreError`] when the store does not answer.
pub async fn go_on_from(store: &dyn Durable, clock: &dyn Clock) -> Result<i64, StoreError> {
    let Some(latest) = store.latest().await? else { return Ok(0) };
    let behind_s = latest.since_s(clock.now());
    if !hole!("clock_floor") {
        clock.rise_to(latest);
    }
    Ok(behind_s)
}

/// Time that has passed since a clock began to run, whatever it was set to meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Elapsed(Duration);

/// The system's clock. Set back, it runs on from where it was: a deadline that has passed does not come back, and one
/// that has not is not put off.
#[derive(Debug)]
pub struct SystemClock {
    told: Told,
    began: Instant,
}

/// A clock that only tests move; set back, it runs on like the system's.
#[derive(Debug)]
pub struct TestClock {
    told: Told,
    reading: Mutex<Duration>,
    passed: watch::Sender<Elapsed>,
}

/// What was told last, since the epoch, and when.
#[derive(Debug, Default)]
struct Told {
    last: Mutex<(Duration, Elapsed)>,
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

impl Told {
    /// What to tell now, by a reading since the epoch and the time that has passed, both taken under its lock.
    fn next(&self, read: impl FnOnce() -> (Duration, Elapsed)) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (reading, elapsed) = read();
        let run_on = last.0.saturating_add(elapsed.since(last.1));
        let told = if run_on.saturating_sub(reading) > DRIFT { run_on } else { reading.max(last.0) };
        *last = (told, elapsed);
        Timestamp(i64::try_from(told.as_secs()).unwrap_or(i64::MAX))
    }

    fn rise_to(&self, floor: Timestamp, elapsed: Elapsed) {
        let floor = Duration::from_secs(u64::try_from(floor.unix_s()).unwrap_or_default());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if floor > last.0.saturating_add(elapsed.since(last.1)) {
            *last = (floor, elapsed);
        }
    }
}

impl SystemClock {
    /// A clock that has told no time yet.
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that reads the clock")]
    pub fn new() -> Self {
        Self { told: Told::default(), began: Instant::now() }
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
        self.told.next(|| (SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(), self.elapsed()))
    }

    fn rise_to(&self, floor: Timestamp) {
        self.told.rise_to(floor, self.elapsed());
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
            told: Told::default(),
            reading: Mutex::new(Duration::from_secs(now.unix_s().unsigned_abs())),
            passed: watch::Sender::new(Elapsed::default()),
        }
    }

    /// Lets `seconds` pass.
    pub fn advance_s(&self, seconds: u32) {
        // In this order: whoever looks in between finds a clock that was set back, and is told the same.
        self.passed.send_modify(|passed| *passed = passed.plus_s(seconds.into()));
        self.step_s(seconds.into());
    }

    /// Sets it by `seconds`, on or back; no time passes.
    pub fn step_s(&self, seconds: i64) {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let by = Duration::from_secs(seconds.unsigned_abs());
        *reading = if seconds < 0 { reading.saturating_sub(by) } else { reading.saturating_add(by) };
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.told.next(|| (*self.reading.lock().unwrap_or_else(PoisonError::into_inner), self.elapsed()))
    }

    fn rise_to(&self, floor: Timestamp) {
        self.told.rise_to(floor, self.elapsed());
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
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_clock_that_is_set_back_runs_on_from_where_it_was() {
        let clock = TestClock::at(Timestamp(10_000));
        assert_eq!(clock.now(), Timestamp(10_000));
        clock.step_s(-3_600);
        assert_eq!(clock.now(), Timestamp(10_000));
        clock.advance_s(59);
        assert_eq!(clock.now(), Timestamp(10_059));
        // Set right again a little later: it is still ahead of the reading.
        clock.step_s(3_600);
        assert_eq!(clock.now(), Timestamp(10_059));
        clock.advance_s(1);
        assert_eq!(clock.now(), Timestamp(10_060));
        clock.step_s(3_600);
        assert_eq!(clock.now(), Timestamp(13_660));
        // Nobody looks until the reading has caught up.
        clock.step_s(-3_600);
        clock.advance_s(7_200);
        assert_eq!(clock.now(), Timestamp(20_860));
    }

    #[test]
    fn a_clock_that_was_behind_runs_on_from_its_floor_until_its_reading_has_caught_up() {
        let clock = TestClock::at(Timestamp(10_000));
        clock.rise_to(Timestamp(9_000));
        assert_eq!(clock.now(), Timestamp(10_000));
        clock.rise_to(Timestamp(13_600));
        assert_eq!(clock.now(), Timestamp(13_600));
        clock.advance_s(60);
        assert_eq!(clock.now(), Timestamp(13_660));
        clock.step_s(7_200);
        assert_eq!(clock.now(), Timestamp(17_260));
    }

    #[test]
    fn a_reading_that_catches_up_is_told_as_it_is() {
        let told = Told::default();
        let second = Duration::from_secs;
        assert_eq!(told.next(|| (second(100), Elapsed(second(0)))), Timestamp(100));
        // The machine's timer is a little fast, which is no reason to leave the clock.
        assert_eq!(told.next(|| (second(110), Elapsed(Duration::from_millis(10_400)))), Timestamp(110));
        assert_eq!(told.next(|| (second(50), Elapsed(Duration::from_millis(11_400)))), Timestamp(111));
        assert_eq!(told.next(|| (second(200), Elapsed(second(13)))), Timestamp(200));
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
        assert!((&mut waiting).now_or_never().is_none());
        clock.advance_s(14);
        assert!((&mut waiting).now_or_never().is_none());
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
