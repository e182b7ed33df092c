//! The end of a node's life: first it says that it leaves, so that it gets no new work; then who holds a long connection
//! hears of it, says goodbye and is waited for.
//!
//! A WebSocket is no call, so the HTTP server does not wait for it. Each socket task holds a [`Guard`], selects on
//! [`Guard::draining`] beside its own work, closes with 1001 and drops the guard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Shared by everything that holds long connections. Clones are the same drain.
#[derive(Debug, Clone)]
pub struct Drain {
    leaving: Arc<AtomicBool>,
    begun: Arc<watch::Sender<bool>>,
    open: Arc<watch::Sender<usize>>,
}

/// One long connection. Dropping it says that the connection is closed.
#[derive(Debug)]
pub struct Guard {
    begun: watch::Receiver<bool>,
    open: Arc<watch::Sender<usize>>,
}

impl Drain {
    /// A drain that has not begun.
    pub fn new() -> Self {
        Self {
            leaving: Arc::new(AtomicBool::new(false)),
            begun: Arc::new(watch::Sender::new(false)),
            open: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Registers a long connection.
    pub fn guard(&self) -> Guard {
        self.open.send_modify(|open| *open += 1);
        Guard { begun: self.begun.subscribe(), open: Arc::clone(&self.open) }
    }

    /// How many long connections are open.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Says that the node will end: it still serves everybody but should get no new work.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Tells every long connection to close.
    pub fn begin(&self) {
        self.leave();
        self.begun.send_replace(true);
    }

    /// Whether the node should get no new work: [`Drain::leave`] or [`Drain::begin`] was called.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Waits until no long connection is open.
    pub async fn closed(&self) {
        // The sender lives in `self`, so the channel cannot close while this waits.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl Guard {
    /// Waits until the node drains; at once when it does already.
    pub async fn draining(&mut self) {
        // A dropped drain is the end of the node as well.
        let _ = self.begun.wait_for(|begun| *begun).await;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.open.send_modify(|open| *open -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_guard_hears_of_the_end_and_is_waited_for() {
        let drain = Drain::new();
        let sockets: Vec<_> = (0..3)
            .map(|_| {
                let mut guard = drain.guard();
                tokio::spawn(async move { guard.draining().await })
            })
            .collect();
        assert_eq!(drain.open(), 3);
        drain.begin();
        drain.closed().await;
        assert_eq!(drain.open(), 0);
        for socket in sockets {
            socket.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_guard_taken_after_the_end_hears_at_once() {
        let drain = Drain::new();
        drain.begin();
        drain.guard().draining().await;
        drain.closed().await;
    }
}
