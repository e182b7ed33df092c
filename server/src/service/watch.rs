//! A waiting page: the whole state on connect, at each change and every 15 s, until it is over.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::id::RequestId;
use protocol::request::{Phase, Request, State};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use protocol::wire::RequestBody;
use tokio::sync::oneshot;

use super::{Failure, Service};
use crate::clock::Elapsed;
use crate::drain::Guard;
use crate::store::{Versioned, Wakeups};

/// Longest silence of a socket, in seconds.
const SILENCE_S: u64 = 15;
/// How often a scanned or approved request is compared with the durable store, in seconds: what another process revoked
/// shows within this.
const REVIEW_S: u64 = 1;

/// One waiting page.
pub struct Watch {
    service: Arc<Service>,
    id: RequestId,
    wakeups: Wakeups,
    /// What was read when it began to wait: for the first look.
    read: Option<Versioned>,
    drain: Guard,
    seat: u64,
    evicted: oneshot::Receiver<()>,
    /// Where the request stood when it was shown last.
    shown: Option<Phase>,
    /// When that was.
    shown_at: Elapsed,
    /// When it looks again without a change; `None` is at once.
    due: Option<Elapsed>,
    /// Whether the next look asks the durable store too. Whoever wrote a change has just done so.
    reviews: bool,
    over: bool,
}

/// What a waiting page gets next.
#[derive(Debug)]
pub enum Next {
    /// The whole state.
    Show(Box<RequestBody>),
    /// The end of the socket.
    Close(Closing),
}

/// Why a socket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The final state was shown.
    Over,
    /// The page opened more sockets than it may: this is the oldest.
    Replaced,
    /// The node ends, or its store lost the request: come back.
    Draining,
}

/// The sockets of this node by request, oldest first.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    by_request: HashMap<RequestId, VecDeque<(u64, oneshot::Sender<()>)>>,
    last: u64,
}

impl Service {
    /// `GET /api/login-requests/{id}/events` (step 2): waits with the page.
    ///
    /// # Errors
    /// As [`Service::state`].
    pub async fn watch(self: &Arc<Self>, id: RequestId, secret: Option<&Secret>) -> Result<Watch, Failure> {
        let (read, wakeups) = self.short_lived.subscribe(id).await?.ok_or(Failure::NotFound)?;
        let read = self.owned_by(Some(read), secret)?;
        let most = usize::try_from(self.settings.limits.sockets_per_request).unwrap_or(usize::MAX);
        let (seat, evicted) = self.sockets.take_seat(id, most);
        Ok(Watch {
            service: Arc::clone(self),
            id,
            wakeups,
            read: Some(read),
            drain: self.drain.guard(),
            seat,
            evicted,
            shown: None,
            shown_at: Elapsed::default(),
            due: None,
            reviews: true,
            over: false,
        })
    }
}

impl Watch {
    /// What comes next. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Next {
        loop {
            if self.over {
                return Next::Close(Closing::Over);
            }
            if let Some(closing) = self.wait().await {
                return Next::Close(closing);
            }
            // Boxed, so that a socket that waits does not keep the room for looking.
            match Box::pin(self.look()).await {
                Ok(Some(body)) => return Next::Show(Box::new(body)),
                Ok(None) => {}
                Err(Failure::NotFound) => return Next::Close(Closing::Draining),
                Err(error) => {
                    tracing::warn!(request.id = %self.id, %error, "A waiting page could not be served; it stays");
                    self.due = Some(self.service.clock.elapsed().plus_s(REVIEW_S));
                }
            }
        }
    }

    /// Waits for a reason to look; `Some`: the socket ends instead.
    async fn wait(&mut self) -> Option<Closing> {
        let due = self.due?;
        let closing = tokio::select! {
            biased;
            () = self.drain.draining() => Some(Closing::Draining),
            _ = &mut self.evicted => Some(Closing::Replaced),
            there = self.wakeups.changed() => {
                self.reviews = false;
                (!there).then_some(Closing::Draining)
            }
            () = self.service.clock.reached(due) => {
                self.reviews = true;
                None
            }
        };
        // Until a look has been finished, the next call looks at once.
        self.due = None;
        closing
    }

    /// The state, unless it is the one that was shown and its time has not come.
    async fn look(&mut self) -> Result<Option<RequestBody>, Failure> {
        let service = &self.service;
        // Before anything is read: what passes while it looks counts towards the next look.
        let began = service.clock.elapsed();
        let read = match self.read.take() {
            Some(read) => Some(read),
            None => service.short_lived.by_id(self.id).await?,
        };
        let read = service.remembered(read)?;
        let settled =
            if self.reviews { service.settle(read).await? } else { service.settle_if_past(read).await? };
        let read = settled.ok_or(Failure::NotFound)?;
        let now = service.now();
        let due = Some(began.plus_s(service.next_look_s(&read.request, now)));
        let phase = read.request.state.phase();
        // In these two the page sees nothing change; that a number took a try is none of its business.
        let looks_the_same = matches!(phase, Phase::Scanned | Phase::Approved) && self.shown == Some(phase);
        if looks_the_same && began.since(self.shown_at) < Duration::from_secs(SILENCE_S) {
            self.due = due;
            return Ok(None);
        }
        let body = service.show(&read.request, now);
        self.over = phase.is_final();
        self.shown = Some(phase);
        self.shown_at = began;
        self.due = due;
        Ok(Some(body))
    }
}

impl Service {
    /// Seconds until a request is worth another look although nobody changed it; at least 1.
    fn next_look_s(&self, request: &Request, now: Timestamp) -> u64 {
        let most = match request.state {
            State::Waiting { .. } | State::Over { .. } => SILENCE_S,
            State::Scanned { .. } | State::Approved { .. } => REVIEW_S,
        };
        let moments = [request.state.ends_at(), self.next_frame_at(request, now)];
        let soonest = moments.into_iter().flatten().map(|at| at.since_s(now)).min();
        soonest.map_or(most, |wait_s| u64::try_from(wait_s).unwrap_or(0).clamp(1, most))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.service.sockets.leave(self.id, self.seat);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watch({})", self.id)
    }
}

impl Closing {
    /// The WebSocket close code (RFC 6455 §7.4; 4000 is ours: do not reconnect, poll).
    pub const fn code(self) -> u16 {
        match self {
            Self::Over => 1000,
            Self::Draining => 1001,
            Self::Replaced => 4000,
        }
    }
}

impl Sockets {
    /// Registers a socket; above `most` of one request the oldest is told to go.
    fn take_seat(&self, id: RequestId, most: usize) -> (u64, oneshot::Receiver<()>) {
        let (evict, evicted) = oneshot::channel();
        let mut seats = self.lock();
        seats.last += 1;
        let seat = seats.last;
        let row = seats.by_request.entry(id).or_default();
        row.push_back((seat, evict));
        while row.len() > most.max(1) {
            if let Some((_, oldest)) = row.pop_front() {
                // Its socket may have gone by itself a moment ago.
                let _ = oldest.send(());
            }
        }
        (seat, evicted)
    }

    fn leave(&self, id: RequestId, seat: u64) {
        let mut seats = self.lock();
        if let Some(row) = seats.by_request.get_mut(&id) {
            row.retain(|(other, _)| *other != seat);
            if row.is_empty() {
                seats.by_request.remove(&id);
            }
        }
    }

    /// A panic while it was held has left usable seats.
    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
