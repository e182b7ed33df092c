//! The writing connection, and work that is done in its transactions.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::prepared::KEPT_MAX;
use super::rows::Fault;
use crate::kill_point::kill_point;
use crate::store::audit::Head;
use crate::store::error::StoreError;

/// Chain ends kept in memory: 100 bytes each.
const HEADS_MAX: usize = 10_000;

/// The writing connection inside a transaction.
#[derive(Debug)]
pub(super) struct Tx {
    pub(super) connection: Connection,
    /// Ends of chains as this connection last wrote them. One may be behind when another process wrote, which the
    /// next append notices; none may be ahead, so a rollback forgets them all.
    pub(super) heads: HashMap<String, Head>,
}

/// Work for a transaction, and who waits for its result.
pub(super) trait Job: Send {
    /// Does the work and keeps its result; `false` when the transaction must not be kept.
    fn run(&mut self, tx: &mut Tx) -> bool;
    /// Gives the answer away.
    fn answer(self: Box<Self>, outcome: Result<(), Shared>);
}

/// What a job answers to.
pub(super) type Answer<T> = oneshot::Receiver<Result<T, StoreError>>;

/// Why a whole transaction failed: told to each that was in it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the transaction failed")]
pub(super) struct Shared(#[source] Arc<rusqlite::Error>);

struct Pending<T, W> {
    during: &'static str,
    /// Runs again from the start when its transaction had to be rolled back.
    work: W,
    result: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

/// A job of this work, and where its answer comes.
pub(super) fn job<T: Send + 'static>(
    during: &'static str,
    work: impl Fn(&mut Tx) -> Result<T, Fault> + Send + 'static,
) -> (Box<dyn Job>, Answer<T>) {
    let (reply, answer) = oneshot::channel();
    (Box::new(Pending { during, work, result: None, reply }), answer)
}

impl Tx {
    pub(super) fn new(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(KEPT_MAX);
        Self { connection, heads: HashMap::new() }
    }

    /// Does the work in a transaction of its own.
    pub(super) fn alone(&mut self, mut job: Box<dyn Job>) {
        let outcome = match self.begin() {
            Err(shared) => Err(shared),
            Ok(()) if job.run(self) => self.commit(),
            Ok(()) => {
                self.rollback();
                Ok(())
            }
        };
        job.answer(outcome);
    }

    /// Takes the write lock at once: a lock that is taken later cannot be waited for.
    pub(super) fn begin(&self) -> Result<(), Shared> {
        self.turn("BEGIN IMMEDIATE")
    }

    pub(super) fn commit(&mut self) -> Result<(), Shared> {
        let outcome = self.turn("COMMIT");
        if outcome.is_err() {
            self.rollback();
        } else if self.heads.len() > HEADS_MAX {
            self.heads.clear();
        }
        outcome
    }

    pub(super) fn rollback(&mut self) {
        self.heads.clear();
        // It fails only where SQLite has rolled back by itself already.
        let _ = self.turn("ROLLBACK");
    }

    fn turn(&self, statement: &str) -> Result<(), Shared> {
        let done = self.connection.prepare_cached(statement).and_then(|mut turn| turn.raw_execute());
        done.map(drop).map_err(|error| Shared(Arc::new(error)))
    }
}

impl<T: Send, W: Fn(&mut Tx) -> Result<T, Fault> + Send> Job for Pending<T, W> {
    fn run(&mut self, tx: &mut Tx) -> bool {
        let result = (self.work)(tx);
        let is_done = result.is_ok();
        if is_done {
            kill_point!("before commit", self.during);
        }
        self.result = Some(result);
        is_done
    }

    fn answer(self: Box<Self>, outcome: Result<(), Shared>) {
        let during = self.during;
        if outcome.is_ok() && matches!(self.result, Some(Ok(_))) {
            kill_point!("after commit", during);
        }
        let answer = match (outcome, self.result) {
            (Err(shared), _) => Err(StoreError::Unavailable { during, source: Box::new(shared) }),
            (Ok(()), Some(result)) => result.map_err(|fault| fault.during(during)),
            (Ok(()), None) => Err(Fault::Unserved("the work was not done").during(during)),
        };
        // Nobody waits any more: the work is done all the same, and a repeat finds it so.
        let _ = self.reply.send(answer);
    }
}
