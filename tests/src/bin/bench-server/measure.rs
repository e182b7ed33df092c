//! The whole run: every subject, every row. Rates of the subjects are taken in turns, so that a machine that is slower for a
//! minute is so for all of them.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::Options;
use crate::approvals;
use crate::crew::{Crew, Pair, Rate};
use crate::figures::Figures;
use crate::machine;
use crate::peer;
use crate::polls;
use crate::report::Report;
use crate::statistics::median;
use crate::stores::Stores;
use crate::subject::{Kind, Programs, Store, Subject};
use crate::waiting::Waiting;

/// Turns of each subject; the middle one counts.
const ROUNDS: u32 = 3;
/// Starts of a process, of which the middle one counts.
const STARTS: u32 = 5;
/// Devices of the peer that are approved at every part of their interval.
const PEER_APPROVALS: u32 = 200;

/// One run.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    pub(crate) programs: Programs,
    pub(crate) stores: Option<Stores>,
    pub(crate) report: Report,
}

impl Bench<'_> {
    /// Everything.
    pub(crate) async fn run(&mut self) -> Result<()> {
        for kind in self.report.kinds() {
            self.idle(kind).await?;
        }
        self.in_memory().await?;
        for kind in self.report.kinds() {
            note(&format!("{kind:?}: pages that wait"));
            match kind {
                Kind::OidcProvider => self.devices_wait(kind).await?,
                Kind::Countersign | Kind::Floor => self.pages_wait(kind).await?,
            }
        }
        self.in_a_file().await?;
        let Some(stores) = self.stores.take() else { return Ok(()) };
        self.shared(&stores).await
    }

    /// An empty one: making accounts is no part of a start.
    async fn idle(&mut self, kind: Kind) -> Result<()> {
        note(&format!("{kind:?}: start and idle"));
        let mut ready_ms = Vec::new();
        let mut last = None;
        for _ in 0..STARTS {
            let subject = Subject::start(kind, Store::Memory, &self.programs, 0)?;
            ready_ms.push(subject.ready_ms);
            last = Some(subject);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let figures = self.report.of(kind);
        figures.set("ready_ms", median(ready_ms));
        figures.set("rss_idle_mb", last.context("it was started")?.rss_mb()?);
        Ok(())
    }

    async fn in_memory(&mut self) -> Result<()> {
        let at_once = self.options.at_once as usize;
        let subjects = self.subjects(Store::Memory, self.report.kinds(), self.options.at_once + 1)?;
        self.rates(&subjects, "memory").await?;
        for subject in &subjects {
            note(&format!("{:?}: approvals and polls", subject.kind));
            let times = match subject.kind {
                Kind::OidcProvider => peer::approvals(subject, PEER_APPROVALS).await?,
                Kind::Countersign | Kind::Floor => {
                    let mut pair = Pair::enrol(subject, at_once, 0, 0).await?;
                    approvals::time(subject, &mut pair, 0, self.options.approvals).await?
                }
            };
            let polls =
                polls::run(subject, self.options.at_once, f64::from(self.options.seconds) / 2.0).await?;
            let figures = self.report.of(subject.kind);
            figures.set_times("approve", times);
            figures.set("polls_per_s", polls.per_s);
            figures.set("cpu_ms_poll", polls.cpu_ms);
        }
        Ok(())
    }

    async fn in_a_file(&mut self) -> Result<()> {
        let subjects =
            self.subjects(Store::Sqlite, vec![Kind::Floor, Kind::Countersign], self.options.at_once)?;
        self.rates(&subjects, "sqlite").await
    }

    fn subjects(&self, store: Store<'_>, kinds: Vec<Kind>, accounts: u32) -> Result<Vec<Subject>> {
        kinds.into_iter().map(|kind| Subject::start(kind, store, &self.programs, accounts)).collect()
    }

    async fn rates(&mut self, subjects: &[Subject], store: &str) -> Result<()> {
        let at_once = self.options.at_once as usize;
        let mut crews = Vec::new();
        for subject in subjects {
            crews.push((subject, Crew::enrol(subject, 0, at_once).await?, Vec::<Rate>::new()));
        }
        for round in 1..=ROUNDS {
            for (subject, crew, rates) in &mut crews {
                let rate = crew.run(subject, f64::from(self.options.seconds)).await?;
                note(&format!(
                    "{:?}: {store}, turn {round} of {ROUNDS}: {:.0} logins/s, {:.3} ms of CPU each",
                    subject.kind, rate.per_s, rate.cpu_ms
                ));
                rates.push(rate);
            }
        }
        for (subject, _, rates) in crews {
            let figures = self.report.of(subject.kind);
            let middle = |part: fn(&Rate) -> f64| median(rates.iter().map(part).collect());
            figures.set(format!("{store}_logins_per_s"), middle(|rate| rate.per_s));
            figures.set(format!("cpu_ms_{store}"), middle(|rate| rate.cpu_ms));
            figures.set(format!("client_cpu_ms_{store}"), middle(|rate| rate.client_ms));
        }
        Ok(())
    }

    async fn pages_wait(&mut self, kind: Kind) -> Result<()> {
        let some = self.options.waiting;
        let subject = Subject::start(kind, Store::Memory, &self.programs, 1)?;
        let (empty_mb, empty_kernel_kb) = (subject.rss_mb()?, machine::kernel_kb()?);
        let mut figures = Figures::default();
        let mut waiting = Waiting::default();
        let starts = waiting.open(&subject, some).await?;
        waiting.round(&subject).await?;
        figures.set(format!("rss_{some}_waiting_mb"), subject.rss_mb()?);
        let mut pair = Pair::enrol(&subject, 0, 0, 0).await?;
        let count = (self.options.approvals / 2).max(1);
        figures.set_times("approve_waiting", approvals::time(&subject, &mut pair, 0, count).await?);
        waiting.open(&subject, some).await?;
        let round = waiting.round(&subject).await?;
        let full_mb = subject.rss_mb()?;
        let count = f64::from(some * 2);
        figures.set(format!("rss_{}_waiting_mb", some * 2), full_mb);
        figures.set("kb_per_waiting", (full_mb - empty_mb) * 1_024.0 / count);
        // Both ends of each connection are on this machine.
        figures.set("kernel_kb_per_waiting", (machine::kernel_kb()? - empty_kernel_kb) / count / 2.0);
        figures.set("starts_per_s", starts.per_s);
        figures.set("cpu_ms_start", starts.cpu_ms);
        figures.set("cpu_ms_per_frame", round.cpu_ms);
        figures.set("bytes_per_frame", round.bytes);
        self.report.of(kind).extend(figures);
        Ok(())
    }

    async fn devices_wait(&mut self, kind: Kind) -> Result<()> {
        let some = self.options.waiting;
        let subject = Subject::start(kind, Store::Memory, &self.programs, 0)?;
        let mut waiting = peer::Waiting::default();
        let starts = waiting.open(&subject, some).await?;
        waiting.rounds(&subject).await?;
        let some_mb = subject.rss_mb()?;
        waiting.open(&subject, some).await?;
        waiting.rounds(&subject).await?;
        let figures = self.report.of(kind);
        figures.set(format!("rss_{some}_waiting_mb"), some_mb);
        figures.set(format!("rss_{}_waiting_mb", some * 2), subject.rss_mb()?);
        figures.set("starts_per_s", starts.per_s);
        figures.set("cpu_ms_start", starts.cpu_ms);
        Ok(())
    }

    /// Ours on PostgreSQL, with Redis where it is there, by as many nodes as asked.
    async fn shared(&mut self, stores: &Stores) -> Result<()> {
        let Options { at_once, seconds, nodes, approvals: count, waiting: pages, .. } = *self.options;
        note(&format!("Countersign: {nodes} on PostgreSQL"));
        let store = Store::Shared(stores, nodes);
        let subject = Subject::start(Kind::Countersign, store, &self.programs, at_once + 2)?;
        let first = at_once as usize;
        let mut figures = Figures::default();
        let mut crew = Crew::enrol(&subject, 0, first).await?;
        let before = stores.spent()?;
        let rate = crew.run(&subject, f64::from(seconds)).await?;
        let spent = stores.spent()?.since(before);
        figures.set("postgres_logins_per_s", rate.per_s);
        figures.set("cpu_ms_postgres", rate.cpu_ms);
        for (name, spent_s) in [("database_cpu_ms", spent.postgres_s), ("redis_cpu_ms", spent.redis_s)] {
            if let Some(spent_s) = spent_s {
                figures.set(name, spent_s * 1_000.0 / rate.done);
            }
        }
        drop(crew);
        if stores.redis.is_some() {
            let mut pair = Pair::enrol(&subject, first, 0, 0).await?;
            figures.set_times("approve_shared", approvals::time(&subject, &mut pair, 0, count).await?);
            if nodes > 1 {
                let mut pair = Pair::enrol(&subject, first + 1, 1, 0).await?;
                figures
                    .set_times("approve_other_node", approvals::time(&subject, &mut pair, 1, count).await?);
            }
            if let Some(times) = stores.publish(count).await? {
                self.report.of(Kind::Floor).set_times("publish", times);
            }
            if let Some(empty_mb) = stores.redis_mb()? {
                let mut waiting = Waiting::default();
                waiting.open(&subject, pages).await?;
                let full_mb = stores.redis_mb()?.context("Redis has ended")?;
                figures.set("redis_kb_per_waiting", (full_mb - empty_mb) * 1_024.0 / f64::from(pages));
            }
        }
        self.report.of(Kind::Countersign).extend(figures);
        Ok(())
    }
}

/// What goes on, for whoever waits.
#[expect(clippy::print_stderr, reason = "a benchmark says what it does")]
pub(crate) fn note(text: &str) {
    eprintln!("    {text}");
}
