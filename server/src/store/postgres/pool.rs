//! The connections of this node.
//!
//! A pool of our own: that of `sqlx` asks the database once more before it takes a connection back, and a cut network
//! never answers, so that after a failover none would be left.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A connection that nobody used for so long is closed: a firewall in between may have forgotten it.
const IDLE_MAX: Duration = Duration::from_mins(1);

/// A bounded number of connections, opened when they are first needed.
pub(super) struct Pool {
    options: PgConnectOptions,
    room: Arc<Semaphore>,
    room_max: usize,
    /// Whole, and between two pieces of work; the one used last comes last.
    idle: Arc<Mutex<Vec<Idle>>>,
}

struct Idle {
    connection: PgConnection,
    since: Instant,
}

/// Why there is no connection.
pub(super) enum NoConnection {
    /// All are in use, or the database does not answer, and the time is up.
    InTime,
    /// The database or the system refused.
    Refused(sqlx::Error),
}

/// A connection on loan. One that is left in the middle of something is closed, not given back: nobody may find it so, or
/// wait for an answer that a cut network never brings.
pub(super) struct Lent {
    connection: PgConnection,
    idle: Arc<Mutex<Vec<Idle>>>,
    _room: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions, connections_max: u32) -> Self {
        let room = usize::try_from(connections_max).unwrap_or(Semaphore::MAX_PERMITS);
        Self { options, room: Arc::new(Semaphore::new(room)), room_max: room, idle: Arc::default() }
    }

    /// An idle connection, else another one, within `wait`.
    pub(super) async fn lend(&self, wait: Duration) -> Result<Lent, NoConnection> {
        let found = async {
            let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| NoConnection::InTime)?;
            let connection = match self.take_idle() {
                Some(connection) => connection,
                None => self.options.connect().await.map_err(NoConnection::Refused)?,
            };
            Ok(Lent { connection, idle: Arc::clone(&self.idle), _room: room })
        };
        timeout(wait, found).await.unwrap_or(Err(NoConnection::InTime))
    }

    /// Connections that are lent, and idle ones.
    pub(super) fn open(&self) -> usize {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.room_max.saturating_sub(self.room.available_permits()) + idle
    }

    fn take_idle(&self) -> Option<PgConnection> {
        let now = now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|one| now.saturating_duration_since(one.since) < IDLE_MAX);
        idle.pop().map(|one| one.connection)
    }
}

impl Lent {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// For the next one; the caller has seen to it that it is whole.
    pub(super) fn give_back(self) {
        let Self { connection, idle, _room: room } = self;
        idle.lock().unwrap_or_else(PoisonError::into_inner).push(Idle { connection, since: now() });
        drop(room);
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a connection lies idle is the machine's own time")]
fn now() -> Instant {
    Instant::now()
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}
