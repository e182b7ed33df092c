//! What this process has done, counted where it happens and read by [`crate::metrics`]. One node runs in a process, so the
//! counters are the process's; tests compare what they were with what they are.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use protocol::request::{Phase, State};

/// Steps of login requests, by the state that was written and why.
pub static LOGINS: Tally<14> = Tally::new(
    "login_steps_total",
    "States that login requests came to.",
    ["state", "reason"],
    [
        ["waiting", ""],
        ["scanned", ""],
        ["approved", ""],
        ["redeemed", ""],
        ["denied", "user"],
        ["denied", "reported"],
        ["denied", "check"],
        ["denied", "network"],
        ["expired", "waiting"],
        ["expired", "scanned"],
        ["expired", "approved"],
        ["cancelled", "page"],
        ["cancelled", "revoked"],
        ["other", ""],
    ],
);

/// Calls that a limit refused.
pub static LIMITED: Tally<8> = Tally::new(
    "limited_total",
    "Calls that a limit refused.",
    ["limit", "of"],
    [
        ["starts", "address"],
        ["failed_proofs", "address"],
        ["failed_clients", "address"],
        ["user_codes", "device"],
        ["user_codes", "account"],
        ["passwords", "account"],
        ["passwords", "address"],
        ["recovery_codes", "account"],
    ],
);

/// From an approval until the page was signed in, in whole seconds of server time.
pub static REDEEMED_AFTER: Durations<1> =
    Durations::new("redeemed_after_seconds", "From an approval to its session.", "", [""]);

/// Calls of the stores that are not in memory, with every wait for a connection or for their turn.
pub static STORES: Durations<3> = Durations::new(
    "store_call_duration_seconds",
    "Calls to stores, waits for a connection or their turn included.",
    "store",
    [SQLITE, POSTGRES, REDIS],
);

/// Calls that a store could not do.
pub static STORE_FAILURES: Tally<3> = Tally::new(
    "store_failures_total",
    "Calls that a store did not do.",
    ["store", ""],
    [[SQLITE, ""], [POSTGRES, ""], [REDIS, ""]],
);

/// Writes into a SQLite file, and the commits that they shared: so many writes reach the disk together.
pub static SQLITE_WRITES: Tally<2> = Tally::new(
    "sqlite_writes_total",
    "Writes into a SQLite file, and the commits that they shared.",
    ["of", ""],
    [["writes", ""], ["commits", ""]],
);

/// SQLite, as figures name it.
pub const SQLITE: &str = "sqlite";
/// PostgreSQL, as figures name it.
pub const POSTGRES: &str = "postgres";
/// Redis or Valkey, as figures name it.
pub const REDIS: &str = "redis";

/// Upper ends of the buckets, in seconds.
const BUCKETS_S: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0];

/// Counters of one name that differ by at most two labels; a label without a name is left out.
#[derive(Debug)]
pub struct Tally<const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; 2],
    values: [[&'static str; 2]; N],
    counts: [AtomicU64; N],
}

/// Histograms of one name that differ by one label.
#[derive(Debug)]
pub struct Durations<const N: usize> {
    name: &'static str,
    help: &'static str,
    label: &'static str,
    values: [&'static str; N],
    all: [Histogram; N],
}

#[derive(Debug)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS_S.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl<const N: usize> Tally<N> {
    const fn new(
        name: &'static str,
        help: &'static str,
        labels: [&'static str; 2],
        values: [[&'static str; 2]; N],
    ) -> Self {
        Self { name, help, labels, values, counts: [const { AtomicU64::new(0) }; N] }
    }

    /// Counts one; values that are not among the known ones count as the last.
    pub fn count(&self, values: [&str; 2]) {
        self.add(values, 1);
    }

    /// Counts so many.
    pub fn add(&self, values: [&str; 2], many: usize) {
        let many = u64::try_from(many).unwrap_or(u64::MAX);
        let place = self.values.iter().position(|known| *known == values).unwrap_or(N - 1);
        self.counts[place].fetch_add(many, Ordering::Relaxed);
    }

    /// How many there were.
    #[cfg(test)]
    pub(crate) fn of(&self, values: [&str; 2]) -> u64 {
        let place = self.values.iter().position(|known| *known == values).expect("a known value");
        self.counts[place].load(Ordering::Relaxed)
    }

    /// As text (Prometheus exposition format 0.0.4).
    pub fn render(&self, out: &mut String) {
        let Self { name, help, .. } = self;
        let _ = writeln!(out, "# HELP countersign_{name} {help}\n# TYPE countersign_{name} counter");
        for (values, count) in self.values.iter().zip(&self.counts) {
            let labels = self.labels.iter().zip(values).filter(|(label, _)| !label.is_empty());
            let labels: Vec<_> = labels.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
            let count = count.load(Ordering::Relaxed);
            let _ = writeln!(out, "countersign_{name}{{{}}} {count}", labels.join(","));
        }
    }
}

impl<const N: usize> Durations<N> {
    const fn new(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        values: [&'static str; N],
    ) -> Self {
        Self { name, help, label, values, all: [const { Histogram::new() }; N] }
    }

    /// Notes one that took so long; a value that is not among the known ones counts as the last.
    pub fn note(&self, value: &str, took: Duration) {
        let place = self.values.iter().position(|known| *known == value).unwrap_or(N - 1);
        let (histogram, took_s) = (&self.all[place], took.as_secs_f64());
        for (bucket, end_s) in histogram.buckets.iter().zip(BUCKETS_S) {
            if took_s <= end_s {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
        histogram.sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        histogram.count.fetch_add(1, Ordering::Relaxed);
    }

    /// As text (Prometheus exposition format 0.0.4).
    pub fn render(&self, out: &mut String) {
        let Self { name, help, .. } = self;
        let _ = writeln!(out, "# HELP countersign_{name} {help}\n# TYPE countersign_{name} histogram");
        for (value, histogram) in self.values.iter().zip(&self.all) {
            let own =
                if self.label.is_empty() { String::new() } else { format!("{}=\"{value}\"", self.label) };
            let comma = if own.is_empty() { "" } else { "," };
            // Read first, so that no bucket holds more than all.
            let buckets = histogram.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed));
            let count = histogram.count.load(Ordering::Relaxed).max(buckets[BUCKETS_S.len() - 1]);
            for (end_s, bucket) in BUCKETS_S.iter().zip(buckets) {
                let _ = writeln!(out, "countersign_{name}_bucket{{{own}{comma}le=\"{end_s}\"}} {bucket}");
            }
            let _ = writeln!(out, "countersign_{name}_bucket{{{own}{comma}le=\"+Inf\"}} {count}");
            let braces = if own.is_empty() { String::new() } else { format!("{{{own}}}") };
            let sum_s = Duration::from_micros(histogram.sum_us.load(Ordering::Relaxed)).as_secs_f64();
            let _ = writeln!(out, "countersign_{name}_sum{braces} {sum_s:.6}");
            let _ = writeln!(out, "countersign_{name}_count{braces} {count}");
        }
    }
}

impl Histogram {
    const fn new() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS_S.len()],
            count: AtomicU64::new(0),
            sum_us: AtomicU64::new(0),
        }
    }
}

/// All of it as text.
pub fn render(out: &mut String) {
    LOGINS.render(out);
    LIMITED.render(out);
    REDEEMED_AFTER.render(out);
    STORES.render(out);
    STORE_FAILURES.render(out);
    SQLITE_WRITES.render(out);
}

/// Counts the state that a login request came to.
pub fn login(state: &State) {
    let phase = match state.phase() {
        Phase::Waiting => "waiting",
        Phase::Scanned => "scanned",
        Phase::Approved => "approved",
        Phase::Redeemed => "redeemed",
        Phase::Denied => "denied",
        Phase::Expired => "expired",
        Phase::Cancelled => "cancelled",
    };
    let reason = match state {
        State::Over { outcome, .. } => outcome.reason().unwrap_or_default(),
        State::Waiting { .. } | State::Scanned { .. } | State::Approved { .. } => "",
    };
    LOGINS.count([phase, reason]);
}

/// Does a store's call and notes how it went.
///
/// # Errors
/// That of the call.
pub async fn store_call<T, E>(store: &str, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let begun = now();
    let answer = call.await;
    STORES.note(store, now().saturating_duration_since(begun));
    if answer.is_err() {
        STORE_FAILURES.count([store, ""]);
    }
    answer
}

#[expect(clippy::disallowed_methods, reason = "measures how long a call took")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    static TRIED: Tally<2> = Tally::new("tried_total", "Tries.", ["what", ""], [["one", ""], ["other", ""]]);
    static TOOK: Durations<1> = Durations::new("took_seconds", "Waits.", "", [""]);

    #[test]
    fn what_is_counted_is_told_by_its_labels() {
        TRIED.count(["one", ""]);
        TRIED.count(["never heard of", ""]);
        TRIED.count(["other", ""]);
        let mut text = String::new();
        TRIED.render(&mut text);
        assert!(text.contains("\ncountersign_tried_total{what=\"one\"} 1\n"), "{text}");
        assert!(text.contains("\ncountersign_tried_total{what=\"other\"} 2\n"), "{text}");
        assert_eq!(TRIED.of(["other", ""]), 2);
    }

    #[test]
    fn a_wait_is_in_every_bucket_that_it_fits() {
        TOOK.note("", Duration::from_millis(2));
        TOOK.note("", Duration::from_mins(2));
        let mut text = String::new();
        TOOK.render(&mut text);
        for line in [
            "countersign_took_seconds_bucket{le=\"0.001\"} 0",
            "countersign_took_seconds_bucket{le=\"0.0025\"} 1",
            "countersign_took_seconds_bucket{le=\"60\"} 1",
            "countersign_took_seconds_bucket{le=\"+Inf\"} 2",
            "countersign_took_seconds_sum 120.002000",
            "countersign_took_seconds_count 2",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[tokio::test]
    async fn a_store_that_fails_is_counted_as_such() {
        let before = STORE_FAILURES.of([POSTGRES, ""]);
        let refused: Result<(), &str> = store_call(POSTGRES, async { Err("gone") }).await;
        assert_eq!(refused, Err("gone"));
        assert!(STORE_FAILURES.of([POSTGRES, ""]) > before);
    }
}
