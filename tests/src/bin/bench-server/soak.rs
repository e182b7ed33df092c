//! Steady load at half of what was measured, and what memory does meanwhile.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::Options;
use crate::crew::{Crew, Turn as _};
use crate::machine;
use crate::measure::note;
use crate::report::figure;
use crate::statistics::Slope;
use crate::subject::{Kind, Programs, Store, Subject};
use crate::waiting::Waiting;

const SAMPLE: Duration = Duration::from_secs(10);
/// Samples a minute.
const A_MINUTE: usize = 6;
/// Spent proofs are remembered for six minutes.
const SETTLED_MIN_S: f64 = 420.0;
/// Pages that wait beside the logins, as a share of `--waiting`; each minute other ones.
const PAGES_SHARE: u32 = 5;

/// One look at the server.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at_s: f64,
    pub(crate) rss_mb: f64,
    pub(crate) logins: u64,
}

/// How it went.
pub(crate) struct Soak {
    target_per_s: f64,
    minutes: u32,
    pages: u32,
    made: String,
    pub(crate) samples: Vec<Sample>,
}

impl Soak {
    /// Logs in on SQLite for so many minutes.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    pub(crate) async fn run(options: &Options, programs: &Programs, minutes: u32) -> Result<Self> {
        let subject = Subject::start(Kind::Countersign, Store::Sqlite, programs, options.at_once)?;
        let mut crew = Crew::enrol(&subject, 0, options.at_once as usize).await?;
        let rate = crew.run(&subject, f64::from(options.seconds)).await?;
        let target_per_s = rate.per_s / 2.0;
        let pages = options.waiting / PAGES_SHARE;
        note(&format!(
            "{:.0} logins/s at most; now {target_per_s:.0} a second for {minutes} minutes, {pages} pages waiting",
            rate.per_s
        ));
        let done = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let every = Duration::from_secs_f64(f64::from(options.at_once) / target_per_s);
        let mut tasks = JoinSet::new();
        for (number, mut member) in (0..).zip(crew.into_members()) {
            let (done, stop) = (Arc::clone(&done), Arc::clone(&stop));
            tasks.spawn(async move {
                let first = tokio::time::Instant::now() + every.mul_f64(f64::from(number % 64) / 64.0);
                let mut turns = tokio::time::interval_at(first, every);
                turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !stop.load(Ordering::Relaxed) {
                    turns.tick().await;
                    member.turn().await?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            });
        }
        let made =
            format!("{}, {}. Command: `{}`.", machine::today(), machine::describe(false), options.command);
        let mut soak = Self { target_per_s, minutes, pages, made, samples: Vec::new() };
        let (clock, mut waiting) = (Instant::now(), Waiting::default());
        let mut ticks = tokio::time::interval(SAMPLE);
        for number in 0..=minutes as usize * A_MINUTE {
            tokio::select! {
                _ = ticks.tick() => {}
                Some(ended) = tasks.join_next() => { ended??; }
            }
            if number % A_MINUTE == 0 {
                waiting = Waiting::default();
                waiting.open(&subject, pages).await?;
            }
            soak.samples.push(Sample {
                at_s: clock.elapsed().as_secs_f64(),
                rss_mb: subject.rss_mb()?,
                logins: done.load(Ordering::Relaxed),
            });
            if number > 0 && number % A_MINUTE == 0 {
                note(&soak.last_minute());
            }
        }
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        drop(waiting);
        Ok(soak)
    }

    fn last_minute(&self) -> String {
        let Some([from, .., to]) = self.samples.last_chunk::<{ A_MINUTE + 1 }>() else {
            return String::new();
        };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 logins")]
        let per_s = (to.logins - from.logins) as f64 / (to.at_s - from.at_s);
        format!("minute {:.0}: {} logins/s, {:.1} MB", to.at_s / 60.0, figure(per_s, 0), to.rss_mb)
    }

    /// Until then memory fills with what is kept for minutes: ended requests for 5, spent proofs for 6.
    pub(crate) fn settled_s(&self) -> f64 {
        (f64::from(self.minutes) * 60.0 / 3.0).max(SETTLED_MIN_S)
    }

    /// The last third.
    fn last_part_s(&self) -> f64 {
        f64::from(self.minutes) * 60.0 * 2.0 / 3.0
    }

    /// MB an hour from that second on, and its standard error; `None` for a run that is over before.
    fn slope(&self, from_s: f64) -> Option<Slope> {
        let settled: Vec<_> = self
            .samples
            .iter()
            .filter(|sample| sample.at_s >= from_s)
            .map(|sample| (sample.at_s / 3_600.0, sample.rss_mb))
            .collect();
        Slope::of(&settled)
    }

    /// What memory did, as a sentence. The maps that are full after some minutes still grow by a step now and then, when one
    /// part of one holds more than ever: a line through such steps climbs. What leaks climbs in the last third as well, by
    /// which it is judged.
    pub(crate) fn verdict(&self) -> Result<String> {
        let (Some(slope), Some(last_part)) = (self.slope(self.settled_s()), self.slope(self.last_part_s()))
        else {
            return Ok("Too short to tell what memory does: give it 20 minutes or more.".to_owned());
        };
        let last = self.samples.last().context("no samples")?;
        let word = if is_flat(last_part, last.rss_mb) { "flat" } else { "not flat" };
        Ok(format!(
            "From minute {:.0} to {}: {:+.2} MB an hour (standard error {:.2}), {:.1} MB at the end. From minute {:.0} on: \
             {:+.2} MB an hour (standard error {:.2}): {word}.",
            self.settled_s() / 60.0,
            self.minutes,
            slope.per_x,
            slope.error,
            last.rss_mb,
            self.last_part_s() / 60.0,
            last_part.per_x,
            last_part.error,
        ))
    }

    pub(crate) fn json(&self) -> Value {
        let (slope, last_part) = (self.slope(self.settled_s()), self.slope(self.last_part_s()));
        let series: Vec<_> =
            self.samples.iter().map(|sample| json!([sample.at_s, sample.rss_mb, sample.logins])).collect();
        json!({"soak": {
            "minutes": self.minutes,
            "target_logins_per_s": self.target_per_s,
            "pages_waiting": self.pages,
            "slope_mb_per_hour": slope.map(|slope| slope.per_x),
            "slope_error_mb_per_hour": slope.map(|slope| slope.error),
            "settled_s": self.settled_s(),
            "last_part_mb_per_hour": last_part.map(|slope| slope.per_x),
            "last_part_error_mb_per_hour": last_part.map(|slope| slope.error),
            "last_part_s": self.last_part_s(),
            "series_s_mb_logins": series,
        }})
    }

    /// For the page.
    pub(crate) fn markdown(&self) -> Result<String> {
        let mut out = format!("{}\n\n", self.made);
        let logins = self.samples.last().map_or(0, |sample| sample.logins);
        let _ = writeln!(
            out,
            "{} logins on SQLite in {} minutes, {} a second asked for, {} pages waiting, others each minute. {}",
            figure(f64::from(u32::try_from(logins)?), 0),
            self.minutes,
            figure(self.target_per_s, 0),
            figure(f64::from(self.pages), 0),
            self.verdict()?
        );
        Ok(out)
    }
}

/// No climb beyond its own error, or less than a hundredth of what is there in an hour.
fn is_flat(slope: Slope, rss_mb: f64) -> bool {
    slope.per_x <= 2.0 * slope.error || slope.per_x <= rss_mb / 100.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn soak_of(rss_mb: impl Fn(f64) -> f64) -> Soak {
        let at = |number| f64::from(number) * SAMPLE.as_secs_f64();
        let sample = |number| Sample { at_s: at(number), rss_mb: rss_mb(at(number)), logins: 0 };
        let samples = (0..=180).map(sample).collect();
        Soak { target_per_s: 0.0, minutes: 30, pages: 0, made: String::new(), samples }
    }

    #[test]
    fn a_late_step_is_no_leak_and_a_leak_is_one() {
        let word = |soak: &Soak| soak.verdict().unwrap().rsplit_once(": ").unwrap().1.to_owned();
        assert_eq!(word(&soak_of(|at_s| if at_s < 900.0 { 278.0 } else { 280.0 })), "flat.");
        assert_eq!(word(&soak_of(|at_s| 278.0 + at_s * 4.0 / 3_600.0)), "not flat.");
    }

    #[test]
    fn a_climb_is_told_from_noise() {
        for (per_x, error, flat) in
            [(0.1, 0.1, true), (5.0, 0.1, false), (0.5, 0.01, true), (-3.0, 0.1, true)]
        {
            assert_eq!(is_flat(Slope { per_x, error }, 60.0), flat, "{per_x} {error}");
        }
    }
}
