//! The durable store in one SQLite file, or in memory: the same code, statement by statement.
//!
//! A transaction runs on one thread from its beginning to its commit. To a file, one thread writes, many writes to a
//! commit (see `writer`), and others read (see `readers`). In memory nothing waits for a disk: whoever calls does the
//! work, on the one connection that there is.

mod accounts;
mod audit;
mod backup;
mod decisions;
mod devices;
mod durable;
mod front_doors;
mod migrations;
mod open;
mod prepared;
mod readers;
mod recovery;
mod sessions;
mod sweep;
#[cfg(test)]
mod tests;
mod transaction;
mod writer;

use rusqlite::Connection;
use tokio::sync::{Mutex, MutexGuard};

use super::error::StoreError;
use super::rows::{self, Fault};
use crate::counts;
use readers::Readers;
use transaction::{Tx, job};
use writer::Writer;

/// Accounts, devices, decisions, sessions and audit chains in SQLite.
#[derive(Debug)]
pub struct SqliteStore {
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Memory(Mutex<Tx>),
    File { writer: Writer, readers: Readers },
}

impl SqliteStore {
    /// Reads; the work may run twice.
    async fn read<T: Send + 'static>(
        &self,
        during: &'static str,
        work: impl Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.kept {
            Kept::Memory(tx) => {
                let tx = lock(tx, during).await?;
                work(&tx.connection).map_err(|fault| fault.during(during))
            }
            Kept::File { readers, .. } => {
                counts::store_call(counts::SQLITE, readers.read(during, work)).await
            }
        }
    }

    /// Writes in a transaction; the work may run twice, each time from the start.
    async fn write<T: Send + 'static>(
        &self,
        during: &'static str,
        work: impl Fn(&mut Tx) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.kept {
            Kept::Memory(tx) => {
                let (job, mut answer) = job(during, work);
                lock(tx, during).await?.alone(job);
                answer.try_recv().map_err(|_| Fault::Unserved("the work was not done").during(during))?
            }
            Kept::File { writer, .. } => counts::store_call(counts::SQLITE, writer.write(during, work)).await,
        }
    }
}

/// The runtime's threads do something else meanwhile: to stop and wake one costs more than what they would wait for.
async fn lock<'a>(tx: &'a Mutex<Tx>, during: &'static str) -> Result<MutexGuard<'a, Tx>, StoreError> {
    let tx = tx.lock().await;
    // Nobody goes on where somebody panicked.
    if tx.connection.is_autocommit() {
        Ok(tx)
    } else {
        Err(Fault::Unserved("an earlier call broke off in the middle").during(during))
    }
}
