//! The one connection of a node: calls go over it and changes come in by it. When it is lost, another one is made, with
//! pauses that grow; calls wait for it a moment and are refused after that.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, ServerErrorKind};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::join::Joining;
use crate::causes;
use crate::store::error::StoreError;

/// Longest time that Redis may take to answer. Longer than a pause of a busy machine, shorter than a call's limit.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Longest time that connecting may take.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How long a call waits while there is no connection: long enough for a Redis that is restarted.
const BRIDGED: Duration = Duration::from_secs(1);
/// Between two tries to connect: doubled each time, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How often an idle connection is tried, so that a dead one does not keep changes from the waiting pages.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Calls Redis over one connection for as long as it lives.
pub(super) struct Link {
    line: watch::Receiver<Line>,
    keeper: JoinHandle<()>,
}

/// A connection that has joined the other nodes.
#[derive(Clone)]
pub(super) struct Joined {
    pub(super) connection: MultiplexedConnection,
    /// Told when it is of no use any more.
    pub(super) broken: Arc<Notify>,
    /// Names this run of the server process.
    pub(super) run: Arc<str>,
}

#[derive(Clone)]
enum Line {
    Up(Joined),
    Down(Arc<str>),
}

/// There is no connection.
#[derive(Debug, thiserror::Error)]
#[error("not connected: {0}")]
struct NotConnected(Arc<str>);

impl Link {
    /// Connects, and keeps the connection up from then on.
    ///
    /// # Errors
    /// Why the first connection failed.
    pub(super) async fn open(joining: Joining) -> Result<Self, StoreError> {
        let joined = joining.join().await?;
        let (said, line) = watch::channel(Line::Up(joined.clone()));
        let keeper = tokio::spawn(keep(joined, joining, said));
        Ok(Self { line, keeper })
    }

    /// Whether there is a connection.
    pub(super) fn is_up(&self) -> bool {
        matches!(*self.line.borrow(), Line::Up(_))
    }

    /// The connection; waits a moment for one while there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(super) async fn joined(&self, during: &'static str) -> Result<Joined, StoreError> {
        let mut line = self.line.clone();
        let up = line.wait_for(|line| matches!(line, Line::Up(_)));
        // Whatever came of the wait, the line says how it stands.
        drop(tokio::time::timeout(BRIDGED, up).await.map(drop));
        let line = self.line.borrow().clone();
        match line {
            Line::Up(joined) => Ok(joined),
            Line::Down(why) => Err(StoreError::Unavailable { during, source: Box::new(NotConnected(why)) }),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

impl Joined {
    /// Maps what came of a call; one that failed with the connection gives it up.
    ///
    /// # Errors
    /// [`StoreError::Full`] when Redis has no memory left, [`StoreError::Unavailable`] for the rest.
    pub(super) fn judge<T>(
        &self,
        during: &'static str,
        answer: Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        answer.map_err(|error| {
            if is_out_of_memory(&error) {
                return StoreError::Full { during };
            }
            if ends_connection(&error) {
                self.broken.notify_one();
            }
            unavailable(during, error)
        })
    }

    async fn until_broken(&mut self) {
        loop {
            tokio::select! {
                () = self.broken.notified() => return,
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            let alive: Result<(), RedisError> = redis::cmd("PING").exec_async(&mut self.connection).await;
            if alive.is_err() {
                return;
            }
        }
    }
}

/// Holds the line for ever.
async fn keep(mut joined: Joined, joining: Joining, line: watch::Sender<Line>) {
    loop {
        joined.until_broken().await;
        warn!(redis = %joining.address(), "The connection to Redis is lost; calls are refused until it is back");
        line.send_replace(Line::Down("the connection is lost".into()));
        let mut pause = PAUSES.0;
        joined = loop {
            match joining.join().await {
                Ok(joined) => break joined,
                Err(error) => {
                    let why = causes::told(&error);
                    warn!(redis = %joining.address(), error = why, "Redis is out of reach; trying again");
                    line.send_replace(Line::Down(why.into()));
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        };
        info!(redis = %joining.address(), "Redis is in reach again");
        line.send_replace(Line::Up(joined.clone()));
        // What changed in between was told to nobody here.
        joining.pages().wake_all();
    }
}

pub(super) fn unavailable(
    during: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Unavailable { during, source: Box::new(source) }
}

/// `OOM command not allowed when used memory > 'maxmemory'`.
fn is_out_of_memory(error: &RedisError) -> bool {
    error.code() == Some("OOM")
}

/// The connection is gone, hangs, or leads to a server that is no primary or not ready.
fn ends_connection(error: &RedisError) -> bool {
    let wrong_server = matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::ReadOnly | ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown
        )
    );
    wrong_server || error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error()
}
