//! The connections that only read a file; in WAL mode they never wait for a write.
//!
//! A look-up by key takes some ten microseconds of its caller's own thread while its pages are in memory. To hand it to
//! another thread, and its rows back, takes several times that: a whole login cost the server a quarter more CPU. So it
//! runs where it is called, but always leaves one of the runtime's threads free: while a disk hangs, or another program
//! has the file for itself, the rest goes to threads that may wait. Its turn it awaits for a moment before that.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::SqliteStore;
use super::open::{blocking, open_to_read};
use super::rows::Fault;
use crate::store::error::StoreError;

/// Threads that wait for the file at once.
const WAITING_MAX: usize = 4;
/// How long a read waits for its turn where it is called: many times what one takes.
const TURN_WAIT: Duration = Duration::from_millis(5);

/// Reads a file on several connections, each opened when it is first needed.
#[derive(Debug)]
pub(super) struct Readers {
    file: Arc<Path>,
    idle: Arc<Idle>,
    /// Threads of the runtime that may read by themselves.
    here: Semaphore,
    /// There is one thread only, which has to stay free.
    is_alone: bool,
    elsewhere: Arc<Semaphore>,
}

/// Those not in use; none of them waits for a lock.
#[derive(Debug, Default)]
struct Idle(Mutex<Vec<Connection>>);

impl Readers {
    /// For use in the runtime that this is called in.
    pub(super) fn of(file: &Path) -> Self {
        let threads = Handle::current().metrics().num_workers();
        Self {
            file: file.into(),
            idle: Arc::default(),
            here: Semaphore::new(threads - 1),
            is_alone: threads == 1,
            elsewhere: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    /// Reads where it is called if that takes no waiting, else elsewhere.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        during: &'static str,
        reading: impl Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let here = self.turn().await;
        let done = if here.is_some() { self.read_here(&reading) } else { None };
        drop(here);
        match done {
            Some(outcome) => outcome.map_err(|fault| fault.during(during)),
            None => self.read_elsewhere(during, reading).await,
        }
    }

    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        match self.here.try_acquire() {
            Ok(turn) => Some(turn),
            Err(_) if self.is_alone => None,
            Err(_) => timeout(TURN_WAIT, self.here.acquire()).await.ok()?.ok(),
        }
    }

    fn read_here<T>(&self, reading: impl Fn(&Connection) -> Result<T, Fault>) -> Option<Result<T, Fault>> {
        let connection = self.idle.take()?;
        let outcome = reading(&connection);
        self.idle.give_back(connection);
        match outcome {
            Err(Fault::Sqlite(error)) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
            outcome => Some(outcome),
        }
    }

    /// Reads on a thread that may wait, for what takes long.
    pub(super) async fn read_elsewhere<T: Send + 'static>(
        &self,
        during: &'static str,
        reading: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let busy = || Fault::Unserved("all threads that read wait for the file").during(during);
        let turn = timeout(SqliteStore::CALL_WAIT, Arc::clone(&self.elsewhere).acquire_owned()).await;
        let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        let (file, idle) = (Arc::clone(&self.file), Arc::clone(&self.idle));
        blocking(during, move || {
            let _turn = turn;
            let connection = idle.take().map_or_else(|| open_to_read(&file), Ok)?;
            connection.busy_timeout(SqliteStore::CALL_WAIT)?;
            let outcome = reading(&connection);
            connection.busy_timeout(Duration::ZERO)?;
            idle.give_back(connection);
            outcome
        })
        .await
    }
}

impl Idle {
    fn take(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, connection: Connection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
