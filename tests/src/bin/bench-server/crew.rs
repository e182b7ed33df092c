//! People who sign in over and over, all at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::call::Connection;
use crate::login;
use crate::machine;
use crate::party::{self, Device, Prover};
use crate::peer;
use crate::subject::{Kind, Subject};

/// How often something was done a second, and the subject's CPU time for each.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) per_s: f64,
    pub(crate) cpu_ms: f64,
    /// The client's own CPU time for each.
    pub(crate) client_ms: f64,
    /// All of them, also before and after the clock ran.
    pub(crate) done: f64,
}

/// Somebody who does one thing again and again.
pub(crate) trait Turn: Send + 'static {
    fn turn(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// Who signs in at one subject.
pub(crate) struct Crew {
    members: Vec<Member>,
}

/// One who signs in.
pub(crate) enum Member {
    Pair(Box<Pair>),
    Client(Box<peer::Client>),
}

/// A page and the authenticator of its person, each with a connection of its own.
pub(crate) struct Pair {
    pub(crate) page: Prover,
    pub(crate) at_page: Connection,
    pub(crate) device: Device,
    pub(crate) at_app: Connection,
}

impl Pair {
    /// The person of account `number`: page at one node, authenticator at another, where there are several.
    pub(crate) async fn enrol(
        subject: &Subject,
        number: usize,
        page_node: usize,
        app_node: usize,
    ) -> Result<Self> {
        let mut at_page = subject.connect(page_node).await?;
        let mut at_app = subject.connect(app_node).await?;
        let device = subject.device(number, &mut at_app).await?;
        Ok(Self { page: party::page(&mut at_page).await?, at_page, device, at_app })
    }

    async fn login(&mut self) -> Result<()> {
        let started = login::start(&mut self.page, &mut self.at_page).await?;
        let statement = login::scan(&mut self.device, &mut self.at_app, &started, &mut self.at_page).await?;
        let body = login::sign(&self.device, &statement)?;
        login::decide(&body, &mut self.at_app).await?;
        login::redeem(&mut self.page, &started, &mut self.at_page).await
    }
}

impl Turn for Member {
    async fn turn(&mut self) -> Result<()> {
        match self {
            Self::Pair(pair) => pair.login().await,
            Self::Client(client) => client.login().await,
        }
    }
}

impl Crew {
    /// Makes `count` of them, the first with account `first`.
    pub(crate) async fn enrol(subject: &Subject, first: usize, count: usize) -> Result<Self> {
        let mut members = Vec::new();
        for number in first..first + count {
            members.push(match subject.kind {
                Kind::OidcProvider => Member::Client(Box::new(peer::Client::new(subject, number).await?)),
                Kind::Countersign | Kind::Floor => {
                    Member::Pair(Box::new(Pair::enrol(subject, number, number, number + 1).await?))
                }
            });
        }
        Ok(Self { members })
    }

    pub(crate) fn into_members(self) -> Vec<Member> {
        self.members
    }

    /// Whole logins for so many seconds. They can be asked again.
    pub(crate) async fn run(&mut self, subject: &Subject, seconds: f64) -> Result<Rate> {
        let members = std::mem::take(&mut self.members);
        let (rate, members) = repeat(subject, seconds, members).await?;
        self.members = members;
        Ok(rate)
    }
}

/// All `workers` take turns at once; gives the rate of all together, and the workers back.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(crate) async fn repeat<W: Turn>(
    subject: &Subject,
    seconds: f64,
    workers: Vec<W>,
) -> Result<(Rate, Vec<W>)> {
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for mut worker in workers {
        let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
        tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                worker.turn().await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(worker)
        });
    }
    // The first moment warms caches and connections up and does not count.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let client = || machine::cpu_s(std::process::id());
    let (client_from, clock) = (client()?, Instant::now());
    let (from, cpu_from) = (done.load(Ordering::Relaxed), subject.cpu_s()?);
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let (to, cpu_to, elapsed_s) =
        (done.load(Ordering::Relaxed), subject.cpu_s()?, clock.elapsed().as_secs_f64());
    let client_s = client()? - client_from;
    stop.store(true, Ordering::Relaxed);
    let mut workers = Vec::new();
    while let Some(worker) = tasks.join_next().await {
        workers.push(worker??);
    }
    let counted = count(to - from).max(1.0);
    let rate = Rate {
        per_s: counted / elapsed_s,
        cpu_ms: (cpu_to - cpu_from) * 1_000.0 / counted,
        client_ms: client_s * 1_000.0 / counted,
        done: count(done.load(Ordering::Relaxed)),
    };
    Ok((rate, workers))
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 logins")]
fn count(logins: u64) -> f64 {
    logins as f64
}
