//! The durable store in one SQLite file, or in memory: the same code, statement by statement.
//!
//! Writes go through one connection, many to a commit (see `writer`); reads have connections of their own, which in
//! WAL mode never wait for a write.

mod accounts;
mod audit;
mod backup;
mod decisions;
mod devices;
mod durable;
mod open;
mod recovery;
mod sessions;
mod sweep;
#[cfg(test)]
mod tests;
mod writer;

use futures_util::future::BoxFuture;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::StoreError;
use super::rows::{self, Fault};
use writer::{Tx, Writer};

/// Accounts, devices, decisions, sessions and audit chains in SQLite.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    /// `None` in memory, where the writer's connection is the only one that sees the data.
    readers: Option<SqlitePool>,
}

/// Something to be read, with what it needs to know.
type Reading<A, T> = for<'c> fn(&'c mut SqliteConnection, &'c A) -> BoxFuture<'c, Result<T, Fault>>;
/// Something to be written; runs again from the start when its batch had to be rolled back.
type Writing<A, T> = for<'c> fn(&'c mut Tx, &'c A) -> BoxFuture<'c, Result<T, Fault>>;

impl SqliteStore {
    async fn read<A, T>(&self, during: &'static str, args: A, reading: Reading<A, T>) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let Some(readers) = &self.readers else {
            return self.writer.read(during, args, reading).await;
        };
        let mut connection =
            readers.acquire().await.map_err(|error| Fault::Database(error).during(during))?;
        reading(&mut connection, &args).await.map_err(|fault| fault.during(during))
    }

    async fn write<A, T>(
        &self,
        during: &'static str,
        args: A,
        writing: Writing<A, T>,
    ) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.writer.write(during, args, writing).await
    }
}
