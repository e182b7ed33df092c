//! Rates and times of whole logins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use protocol::request::Phase;

use crate::call::Connection;
use crate::login;
use crate::party::{Prover, nonce};
use crate::subject::Subject;
use crate::waiting::{self, Socket};

/// Whole logins per second and the subject's CPU time for each.
pub(crate) struct Rate {
    pub(crate) per_s: f64,
    pub(crate) cpu_ms: f64,
}

/// Times from the sending of an approval to the page's session.
pub(crate) struct Times {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// `at_once` browsers and authenticators, each of an account of its own, log in over and over.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(crate) async fn run(subject: &Subject, at_once: u32, seconds: u32) -> Result<Rate> {
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for number in 0..at_once {
        let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
        let mut connection = Connection::open(&subject.origin).await?;
        let mut device = subject.device(number, &mut connection).await?;
        let mut page = Prover::new(nonce(&mut connection).await?)?;
        workers.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let started = login::start(&mut page, &mut connection).await?;
                let statement = login::scan(&mut device, &started, &mut connection).await?;
                let body = login::sign(&device, &statement)?;
                login::decide(body, &mut connection).await?;
                login::redeem(&mut page, &started, &mut connection).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    // The first second warms caches and connections up and does not count.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (from, cpu_from, clock) = (done.load(Ordering::Relaxed), subject.cpu_s()?, Instant::now());
    tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
    let (to, cpu_to, elapsed_s) =
        (done.load(Ordering::Relaxed), subject.cpu_s()?, clock.elapsed().as_secs_f64());
    stop.store(true, Ordering::Relaxed);
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 logins")]
    let logins = (to - from).max(1) as f64;
    Ok(Rate { per_s: logins / elapsed_s, cpu_ms: (cpu_to - cpu_from) * 1_000.0 / logins })
}

/// One login after the other by the authenticator of account `device`, its page on a WebSocket.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(crate) async fn approvals(subject: &Subject, device: u32, count: u32) -> Result<Times> {
    let mut connection = Connection::open(&subject.origin).await?;
    let mut device = subject.device(device, &mut connection).await?;
    let mut page = Prover::new(nonce(&mut connection).await?)?;
    let mut times_ms = Vec::new();
    for _ in 0..count {
        let started = login::start(&mut page, &mut connection).await?;
        let mut socket = waiting::socket(subject, &started).await?;
        let statement = login::scan(&mut device, &started, &mut connection).await?;
        let body = login::sign(&device, &statement)?;
        let mut other = Connection::open(&subject.origin).await?;
        let clock = Instant::now();
        let decided = tokio::spawn(async move { login::decide(body, &mut other).await });
        until_approved(&mut socket).await?;
        login::redeem(&mut page, &started, &mut connection).await?;
        times_ms.push(clock.elapsed().as_secs_f64() * 1_000.0);
        decided.await??;
    }
    times_ms.sort_by(f64::total_cmp);
    let at = |share: usize| times_ms[(times_ms.len() - 1) * share / 100];
    Ok(Times { p50_ms: at(50), p99_ms: at(99) })
}

async fn until_approved(socket: &mut Socket) -> Result<()> {
    loop {
        let message = socket.next().await.context("the socket closed before the approval")??;
        if message.is_text() && waiting::phase(message.to_text()?)? == Phase::Approved {
            return Ok(());
        }
    }
}
