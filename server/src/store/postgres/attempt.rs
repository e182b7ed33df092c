//! One piece of work on a connection: in a transaction or not, within its time, and again where that helps.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::time::timeout;

use super::pool::{Lent, NoConnection};
use super::{PostgresStore, Work};
use crate::counts;
use crate::kill_point::kill_point;
use crate::store::error::StoreError;
use crate::store::rows::Fault;

/// Most repeats after another transaction was in the way. Each time some other one got through.
const TURNS_MAX: u32 = 200;

/// How work runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    /// Each statement for itself.
    Alone,
    /// In one transaction.
    Together,
    /// In one transaction that holds the advisory lock of this number from its first moment.
    Behind(i64),
}

/// Why an attempt failed.
enum Failed {
    /// As the work says.
    Work(Fault),
    /// It did not get as far, or nobody knows how far it got.
    Cause(Cause),
}

/// What the database never said by itself.
#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(
        "no connection within {} s: the database is down, out of reach, or has no connection to spare",
        .0.as_secs()
    )]
    NoConnection(Duration),
    #[error("the database did not answer within {} s", .0.as_secs())]
    Slow(Duration),
    #[error("the connection was lost at the commit; whether it did {during} is not known")]
    Unsure {
        during: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl PostgresStore {
    /// Does the work, again from its start when another transaction was in the way or a connection turned out dead.
    pub(super) async fn run<A: Sync, T>(
        &self,
        how: How,
        during: &'static str,
        args: &A,
        work: Work<A, T>,
    ) -> Result<T, StoreError> {
        counts::store_call(counts::POSTGRES, self.repeated(how, during, args, work)).await
    }

    async fn repeated<A: Sync, T>(
        &self,
        how: How,
        during: &'static str,
        args: &A,
        work: Work<A, T>,
    ) -> Result<T, StoreError> {
        let (mut turns, mut lost) = (0, 0);
        loop {
            let fault = match self.attempt(how, during, args, work).await {
                Ok(done) => return Ok(done),
                Err(Failed::Cause(cause)) => {
                    return Err(StoreError::Unavailable { during, source: Box::new(cause) });
                }
                Err(Failed::Work(fault)) => fault,
            };
            let again = match &fault {
                Fault::Database(error) if was_in_the_way(error) => {
                    turns += 1;
                    turns <= TURNS_MAX
                }
                // After a restart of the database, every connection that was kept is dead.
                Fault::Database(error) if is_lost(error) => {
                    lost += 1;
                    lost <= self.connections_max
                }
                Fault::Database(_) | Fault::Sqlite(_) | Fault::Damaged(_) | Fault::Unserved(_) => false,
            };
            if !again {
                return Err(fault.during(during));
            }
        }
    }

    async fn attempt<A: Sync, T>(
        &self,
        how: How,
        during: &'static str,
        args: &A,
        work: Work<A, T>,
    ) -> Result<T, Failed> {
        let mut lent = self.lend().await?;
        let worked = async {
            let connection = lent.connection();
            match how {
                How::Alone => {
                    kill_point!("before commit", during);
                    let done = work(connection, args).await.map_err(Failed::Work)?;
                    kill_point!("after commit", during);
                    Ok(done)
                }
                How::Together => in_transaction(connection, BEGIN.to_owned(), during, args, work).await,
                How::Behind(lock) => {
                    let begin = format!("{BEGIN}; SELECT pg_advisory_xact_lock({lock})");
                    in_transaction(connection, begin, during, args, work).await
                }
            }
        };
        let Ok(outcome) = timeout(self.wait, worked).await else {
            return Err(Failed::Cause(Cause::Slow(self.wait)));
        };
        if outcome.as_ref().err().is_none_or(Failed::leaves_it_whole) {
            lent.give_back();
        }
        outcome
    }

    async fn lend(&self) -> Result<Lent, Failed> {
        self.pool.lend(self.wait).await.map_err(|why| match why {
            NoConnection::InTime => Failed::Cause(Cause::NoConnection(self.wait)),
            NoConnection::Refused(error) => Failed::Work(Fault::Database(error)),
        })
    }

    /// A connection for something that may take as long as it takes.
    pub(super) async fn lend_for(&self, during: &'static str) -> Result<Lent, StoreError> {
        self.lend().await.map_err(|failed| match failed {
            Failed::Work(fault) => fault.during(during),
            Failed::Cause(cause) => StoreError::Unavailable { during, source: Box::new(cause) },
        })
    }
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

async fn in_transaction<A: Sync, T>(
    connection: &mut PgConnection,
    begin: String,
    during: &'static str,
    args: &A,
    work: Work<A, T>,
) -> Result<T, Failed> {
    let failed = |error| Failed::Work(Fault::Database(error));
    // Made of two constants and a number.
    let mut tx = connection.begin_with(AssertSqlSafe(begin)).await.map_err(failed)?;
    let done = match work(&mut tx, args).await {
        Ok(done) => done,
        Err(fault) => {
            // The fault says more than a rollback that fails after it.
            let _ = tx.rollback().await;
            return Err(Failed::Work(fault));
        }
    };
    kill_point!("before commit", during);
    tx.commit().await.map_err(|source| {
        if is_lost(&source) { Failed::Cause(Cause::Unsure { during, source }) } else { failed(source) }
    })?;
    kill_point!("after commit", during);
    Ok(done)
}

impl Failed {
    /// True when the connection can go on with something else. After what nobody expects it is closed instead.
    fn leaves_it_whole(&self) -> bool {
        match self {
            Self::Work(Fault::Database(error)) => was_in_the_way(error),
            Self::Work(Fault::Sqlite(_) | Fault::Damaged(_) | Fault::Unserved(_)) => true,
            Self::Cause(_) => false,
        }
    }
}

/// Another transaction took what this one needed: a deadlock, or the next place of a chain.
fn was_in_the_way(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    match error.code().as_deref() {
        Some("40001" | "40P01") => true,
        Some("23505") => error.constraint() == Some("audit_pkey"),
        _ => false,
    }
}

/// The connection is gone: cut, or ended by whoever stopped the database.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P0")),
        _ => false,
    }
}
