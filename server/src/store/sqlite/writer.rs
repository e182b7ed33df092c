//! The thread that writes to a file.
//!
//! Whatever waits while a commit is on its way to the disk goes into the next transaction together, so that a hundred
//! logins at once cost few flushes. None is answered before the commit that holds it. When one of them fails, the
//! whole transaction is rolled back and each runs again in one of its own.

use std::io;
use std::thread;

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::rows::Fault;
use super::transaction::{Job, Shared, Tx, job};
use crate::counts;
use crate::store::error::StoreError;

/// Most writes in one transaction: what one of them waits for at most.
const BATCH_MAX: usize = 64;
/// Most writes that wait; more callers wait to be let in.
const WAITING_MAX: usize = 1_024;

/// Hands work to the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Writer {
    /// Gives the connection a thread, which ends with the writer.
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let tx = Tx::new(connection);
        thread::Builder::new().name("sqlite writer".to_owned()).spawn(|| work_off(waiting, tx))?;
        Ok(Self { jobs })
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        during: &'static str,
        work: impl Fn(&mut Tx) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopped = || Fault::Unserved("the thread that writes has ended").during(during);
        let (job, answer) = job(during, work);
        self.jobs.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// Closing, at the end, also folds the write-ahead log into the file.
fn work_off(mut waiting: mpsc::Receiver<Box<dyn Job>>, mut tx: Tx) {
    let mut writes = Vec::with_capacity(BATCH_MAX);
    while waiting.blocking_recv_many(&mut writes, BATCH_MAX) > 0 {
        let many = writes.len();
        let outcome = together(&mut tx, &mut writes);
        let commits = match &outcome {
            Together::Committed => 1,
            Together::Locked(_) => 0,
            Together::Failed => many,
        };
        if commits > 0 {
            counts::SQLITE_WRITES.add(["writes", ""], many);
            counts::SQLITE_WRITES.add(["commits", ""], commits);
        }
        match outcome {
            Together::Committed => writes.drain(..).for_each(|job| job.answer(Ok(()))),
            Together::Locked(shared) => writes.drain(..).for_each(|job| job.answer(Err(shared.clone()))),
            Together::Failed => writes.drain(..).for_each(|job| tx.alone(job)),
        }
    }
}

/// How a transaction of many went; only the first wrote anything.
enum Together {
    Committed,
    /// It could not begin, and neither could one alone: each try would wait as long again.
    Locked(Shared),
    Failed,
}

fn together(tx: &mut Tx, writes: &mut [Box<dyn Job>]) -> Together {
    // One runs alone, where it can tell its own fault.
    if writes.len() < 2 {
        return Together::Failed;
    }
    if let Err(shared) = tx.begin() {
        return Together::Locked(shared);
    }
    if !writes.iter_mut().all(|job| job.run(tx)) {
        tx.rollback();
        return Together::Failed;
    }
    if tx.commit().is_ok() { Together::Committed } else { Together::Failed }
}
