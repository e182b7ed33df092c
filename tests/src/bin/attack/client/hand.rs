//! The hand on a server whose time stands still: moves its clock, and holds its calls.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// When such a server starts, in Unix seconds; no multiple of anything.
const START: i64 = 1_800_000_007;

/// Moves one server's clock.
pub(crate) struct Hand {
    socket: PathBuf,
    /// What the clock reads; the server may tell more, see [`Hand::step`].
    reading: AtomicI64,
}

impl Hand {
    /// The hand on the server that takes its orders there.
    pub(crate) fn on(socket: PathBuf) -> Self {
        Self { socket, reading: AtomicI64::new(START) }
    }

    /// Where the server takes its orders.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The reading, for a process that starts.
    pub(crate) fn variables(&self) -> [(&'static str, String); 1] {
        [("TEST_CONTROL_NOW", self.reading.load(Ordering::Acquire).to_string())]
    }

    /// Server time.
    ///
    /// # Errors
    /// When the server does not run.
    pub(crate) async fn now(&self) -> Result<i64> {
        self.order("now").await
    }

    /// Lets time pass; server time then.
    ///
    /// # Errors
    /// When the server does not run.
    pub(crate) async fn pass(&self, seconds: i64) -> Result<i64> {
        ensure!(seconds >= 0, "{seconds} s cannot pass");
        self.reading.fetch_add(seconds, Ordering::AcqRel);
        self.order(&format!("pass {seconds}")).await
    }

    /// Lets time pass until server time is `at`.
    ///
    /// # Errors
    /// When that is over, or the server does not run.
    pub(crate) async fn pass_until(&self, at: i64) -> Result<()> {
        let now = self.pass(at - self.now().await?).await?;
        ensure!(now == at, "it is {now} and not {at}");
        Ok(())
    }

    /// Sets the clock on or back without any time passing; server time then.
    ///
    /// # Errors
    /// When the server does not run.
    pub(crate) async fn step(&self, seconds: i64) -> Result<i64> {
        self.reading.fetch_add(seconds, Ordering::AcqRel);
        self.order(&format!("step {seconds}")).await
    }

    /// Sets the clock back while the server does not run, as a machine without a battery comes up.
    pub(crate) fn set_back_meanwhile(&self, seconds: i64) {
        self.reading.fetch_sub(seconds, Ordering::AcqRel);
    }

    /// Lets calls wait where they come to this place; see the server's `kill_point`.
    ///
    /// # Errors
    /// When the server does not run.
    pub(crate) async fn hold(&self, place: &str) -> Result<()> {
        self.order(&format!("hold {place}")).await.map(drop)
    }

    /// Ends once a call waits there.
    ///
    /// # Errors
    /// When the server does not run.
    pub(crate) async fn arrived(&self) -> Result<()> {
        self.order("arrived").await.map(drop)
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// When the server does not run.
    pub(crate) async fn release(&self) -> Result<()> {
        self.order("release").await.map(drop)
    }

    async fn order(&self, order: &str) -> Result<i64> {
        let mut stream = UnixStream::connect(&self.socket).await.context("the server takes no orders")?;
        stream.write_all(format!("{order}\n").as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await?;
        answer.trim().parse().with_context(|| format!("{order:?} was answered {answer:?}"))
    }
}
