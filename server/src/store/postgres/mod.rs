//! The durable store in PostgreSQL, for any number of nodes.
//!
//! What is read takes one statement. What is written takes a transaction at READ COMMITTED that locks before it looks, by
//! the rules of [`Durable`](super::Durable); where another node got in between, it runs again from the start. The two
//! writes of a login take fewer: see `decisions`.

mod accounts;
mod attempt;
mod audit;
mod decisions;
mod devices;
mod durable;
mod front_doors;
mod import;
mod open;
mod pool;
mod recovery;
mod sessions;
mod statements;
mod sweep;
#[cfg(all(test, unix))]
pub(super) mod tests;

use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

use super::error::StoreError;
use super::rows::{self, Fault};
use attempt::How;
use pool::Pool;

pub use import::{ImportError, Imported};
pub use open::Limits;

/// Accounts, devices, decisions, sessions and audit chains in PostgreSQL.
#[derive(Debug)]
pub struct PostgresStore {
    pool: Pool,
    /// How long a call may take that is not answered.
    wait: Duration,
    /// Most connections of this node.
    connections_max: u32,
}

/// Something to be done on a connection, with what it needs to know.
type Work<A, T> = for<'c> fn(&'c mut PgConnection, &'c A) -> BoxFuture<'c, Result<T, Fault>>;

impl PostgresStore {
    /// Reads with single statements.
    async fn read<A: Sync, T>(
        &self,
        during: &'static str,
        args: A,
        work: Work<A, T>,
    ) -> Result<T, StoreError> {
        self.run(How::Alone, during, &args, work).await
    }

    /// Writes with a single statement, which is a transaction of its own; a repeat must do no harm, since nobody knows of a
    /// connection that is lost in between how far it got.
    async fn write_at_once<A: Sync, T>(
        &self,
        during: &'static str,
        args: A,
        work: Work<A, T>,
    ) -> Result<T, StoreError> {
        self.run(How::Alone, during, &args, work).await
    }

    /// Writes in a transaction.
    async fn write<A: Sync, T>(
        &self,
        during: &'static str,
        args: A,
        work: Work<A, T>,
    ) -> Result<T, StoreError> {
        self.run(How::Together, during, &args, work).await
    }

    /// Writes in a transaction that no other one with the same `lock` runs beside, on whichever node.
    async fn write_behind<A: Sync, T>(
        &self,
        lock: i64,
        during: &'static str,
        args: A,
        work: Work<A, T>,
    ) -> Result<T, StoreError> {
        self.run(How::Behind(lock), during, &args, work).await
    }
}

/// Takes the locks of a statement that names one row, whether or not it is there.
async fn lock(tx: &mut PgConnection, statement: &'static str, id: &[u8]) -> Result<(), Fault> {
    sqlx::query(statement).bind(id).execute(tx).await?;
    Ok(())
}
