//! The one connection that writes.
//!
//! Whatever waits while a commit is on its way to the disk goes into the next transaction together, so that a hundred
//! logins at once cost few flushes. None is answered before the commit that holds it. When one of them fails, the
//! whole transaction is rolled back and each runs again in one of its own.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::rows::Fault;
use super::{Reading, Writing};
use crate::kill_point::kill_point;
use crate::store::audit::Head;
use crate::store::error::StoreError;

/// Most writes in one transaction: what one of them waits for at most.
const BATCH_MAX: usize = 64;
/// Most writes that wait; more callers wait to be let in.
const WAITING_MAX: usize = 1_024;
/// Chain ends kept in memory: 100 bytes each.
const HEADS_MAX: usize = 10_000;

/// Hands work to the writing connection's task.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

/// The writing connection inside a transaction.
pub(super) struct Tx {
    pub(super) connection: SqliteConnection,
    /// Ends of chains as this connection last wrote them. One may be behind when another process wrote, which the
    /// next append notices; none may be ahead, so a rollback forgets them all.
    pub(super) heads: HashMap<String, Head>,
}

#[async_trait]
trait Job: Send {
    /// True for work that must not see what is not committed.
    fn only_reads(&self) -> bool;
    /// Does the work and keeps its result.
    async fn run(&mut self, tx: &mut Tx) -> Result<(), Fault>;
    /// Gives the answer away.
    fn answer(self: Box<Self>, outcome: Result<(), Shared>);
}

/// Why a whole transaction failed: told to each that was in it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the transaction failed")]
struct Shared(#[source] Arc<sqlx::Error>);

struct Pending<A, T> {
    during: &'static str,
    args: A,
    work: Work<A, T>,
    result: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

enum Work<A, T> {
    Read(Reading<A, T>),
    Write(Writing<A, T>),
}

impl Writer {
    /// Gives the connection a task of its own, which ends when the last writer is dropped.
    pub(super) fn start(connection: SqliteConnection) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let tx = Tx { connection, heads: HashMap::new() };
        tokio::spawn(work_off(waiting, tx));
        Self { jobs }
    }

    pub(super) async fn write<A, T>(
        &self,
        during: &'static str,
        args: A,
        work: Writing<A, T>,
    ) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.submit(during, args, Work::Write(work)).await
    }

    pub(super) async fn read<A, T>(
        &self,
        during: &'static str,
        args: A,
        work: Reading<A, T>,
    ) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.submit(during, args, Work::Read(work)).await
    }

    async fn submit<A, T>(&self, during: &'static str, args: A, work: Work<A, T>) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Pending { during, args, work, result: None, reply };
        let stopped = || Fault::Database(sqlx::Error::WorkerCrashed).during(during);
        self.jobs.send(Box::new(job)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

async fn work_off(mut waiting: mpsc::Receiver<Box<dyn Job>>, mut tx: Tx) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (reads, mut writes): (Vec<_>, Vec<_>) = batch.drain(..).partition(|job| job.only_reads());
        for mut read in reads {
            // A reader keeps its own fault; there is nothing to roll back.
            let _ = read.run(&mut tx).await;
            read.answer(Ok(()));
        }
        match together(&mut tx, &mut writes).await {
            Together::Committed => {
                for job in writes {
                    job.answer(Ok(()));
                }
            }
            Together::Locked(error) => {
                for job in writes {
                    job.answer(Err(Shared(Arc::clone(&error))));
                }
            }
            Together::Failed => {
                for job in writes {
                    alone(&mut tx, job).await;
                }
            }
        }
    }
    // Nobody is left to tell; closing also folds the write-ahead log into the file.
    let _ = tx.connection.close().await;
}

/// How a transaction of many went; only the first wrote anything.
enum Together {
    Committed,
    /// It could not begin, and neither could one alone: each try would wait as long again.
    Locked(Arc<sqlx::Error>),
    Failed,
}

async fn together(tx: &mut Tx, writes: &mut [Box<dyn Job>]) -> Together {
    // One runs alone, where it can tell its own fault.
    if writes.len() < 2 {
        return Together::Failed;
    }
    if let Err(error) = begin(tx).await {
        return Together::Locked(Arc::new(error));
    }
    for job in writes {
        if job.run(tx).await.is_err() {
            rollback(tx).await;
            return Together::Failed;
        }
    }
    if commit(tx).await.is_ok() { Together::Committed } else { Together::Failed }
}

async fn alone(tx: &mut Tx, mut job: Box<dyn Job>) {
    let outcome = match begin(tx).await {
        Err(error) => Err(error),
        Ok(()) if job.run(tx).await.is_err() => {
            rollback(tx).await;
            Ok(())
        }
        Ok(()) => commit(tx).await,
    };
    job.answer(outcome.map_err(|error| Shared(Arc::new(error))));
}

/// Takes the write lock at once: a lock that is taken later cannot be waited for.
async fn begin(tx: &mut Tx) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut tx.connection).await.map(drop)
}

async fn commit(tx: &mut Tx) -> Result<(), sqlx::Error> {
    let outcome = sqlx::query("COMMIT").execute(&mut tx.connection).await;
    if outcome.is_err() {
        rollback(tx).await;
    } else if tx.heads.len() > HEADS_MAX {
        tx.heads.clear();
    }
    outcome.map(drop)
}

async fn rollback(tx: &mut Tx) {
    tx.heads.clear();
    // It fails only where SQLite has rolled back by itself already.
    let _ = sqlx::query("ROLLBACK").execute(&mut tx.connection).await;
}

#[async_trait]
impl<A: Send + Sync, T: Send> Job for Pending<A, T> {
    fn only_reads(&self) -> bool {
        matches!(self.work, Work::Read(_))
    }

    async fn run(&mut self, tx: &mut Tx) -> Result<(), Fault> {
        let result = match self.work {
            Work::Read(work) => work(&mut tx.connection, &self.args).await,
            Work::Write(work) => work(tx, &self.args).await,
        };
        let outcome = match &result {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::Kept),
        };
        if outcome.is_ok() && !self.only_reads() {
            kill_point!("before commit", self.during);
        }
        self.result = Some(result);
        outcome
    }

    fn answer(self: Box<Self>, outcome: Result<(), Shared>) {
        let during = self.during;
        if outcome.is_ok() && matches!((&self.work, &self.result), (Work::Write(_), Some(Ok(_)))) {
            kill_point!("after commit", during);
        }
        let answer = match (outcome, self.result) {
            (Err(shared), _) => Err(StoreError::Unavailable { during, source: Box::new(shared) }),
            (Ok(()), Some(result)) => result.map_err(|fault| fault.during(during)),
            (Ok(()), None) => Err(Fault::Kept.during(during)),
        };
        // Nobody waits any more: the work is done all the same, and a repeat finds it so.
        let _ = self.reply.send(answer);
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}
