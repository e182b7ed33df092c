use std::sync::Arc;

use async_trait::async_trait;
use protocol::id::{AccountId, Handle, RequestId, StoreId, Ticket};
use protocol::key::Thumbprint;
use protocol::origin::Origin;
use protocol::request::{Lives, Request, State};
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use tokio::sync::watch;

use super::error::StoreError;
use crate::server_keys::ServerKeys;

/// What lives for minutes: login requests, spent proofs, limits and wake-ups. Everything here is bounded.
///
/// A transition is: read, decide with [`protocol::request::apply`], [`replace`](Self::replace) with the version that
/// was read, and start over when it says [`Replaced::Changed`].
#[async_trait]
pub trait ShortLived: Send + Sync {
    /// Answers when the store is in reach: for readiness.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Names this life of the store; another one after it forgot anything. Salt of the nonces, so it is asked for each of
    /// them: a store over the network answers from memory, and [`spend_proof`](Self::spend_proof) tells when that is old.
    async fn store_id(&self) -> Result<StoreId, StoreError>;

    /// Tells the other nodes which server keys this one has from here on. [`StoreError::Unavailable`] when one of them
    /// could not judge what this one makes, or the other way round. A store of one process has no other nodes.
    async fn rekey(&self, _keys: &ServerKeys, _origin: &Origin) -> Result<(), StoreError> {
        Ok(())
    }

    /// A figure about connections to it, by its name for `/metrics`.
    fn connections(&self) -> Option<(&'static str, u64)> {
        None
    }

    /// Says that this node ends, so that the others need not reckon with it.
    async fn leave(&self) {}

    // Login requests

    /// Takes in a fresh request. `client` is what the cap counts by: an IPv4 address or an IPv6 /64; at most
    /// `per_client` of its requests may be open and in time. `start` is counted as by [`hit`](Self::hit) first.
    /// [`StoreError::Full`]: too many are open in all.
    async fn insert(
        &self,
        start: Option<Counter<'_>>,
        request: &Request,
        client: &str,
        per_client: u32,
        now: Timestamp,
    ) -> Result<Inserted, StoreError>;

    /// By the id that the page has.
    async fn by_id(&self, id: RequestId) -> Result<Option<Versioned>, StoreError>;

    /// By the handle in a frame.
    async fn by_handle(&self, handle: Handle) -> Result<Option<Versioned>, StoreError>;

    /// By a typed code.
    async fn by_user_code(&self, code: UserCode) -> Result<Option<Versioned>, StoreError>;

    /// By the ticket of its scan.
    async fn by_ticket(&self, ticket: Ticket) -> Result<Option<Versioned>, StoreError>;

    /// Writes `request` if its version is still `expected`, and wakes who waits for it. Ids never change;
    /// a store that forgets by itself counts from `now`.
    async fn replace(
        &self,
        request: &Request,
        expected: Version,
        now: Timestamp,
    ) -> Result<Replaced, StoreError>;

    /// Open requests that a device of this account scanned or approved.
    async fn scanned_by(&self, account: AccountId) -> Result<Vec<Versioned>, StoreError>;

    /// The request as it is, and what wakes at each change that a page could see from here on. `None`: no such request.
    async fn subscribe(&self, id: RequestId) -> Result<Option<(Versioned, Wakeups)>, StoreError>;

    // Proofs and limits

    /// Spends a proof whose nonce was judged under `store`, unless a [`peek`](Self::peek) at `unless` refuses. Remembered
    /// until `until`.
    async fn spend_proof(
        &self,
        unless: Option<Counter<'_>>,
        store: StoreId,
        key: &Thumbprint,
        jti: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Spent, StoreError>;

    /// Counts one hit of `key` and judges it. A hit that is refused is not counted.
    async fn hit(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError>;

    /// Judges without counting: whether a [`hit`](Self::hit) would be allowed.
    async fn peek(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError>;

    /// [`peek`](Self::peek) as far as this process knows without asking anybody, so that what a limit refuses need not be
    /// looked at. A store elsewhere allows.
    fn peek_here(&self, _key: &str, _limit: Limit, _now: Timestamp) -> Allowance {
        Allowance::Allowed
    }

    /// Forgets what is over. Everything is right without it too; it gives memory back.
    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError>;
}

/// Counts the changes of one record, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// A record as it was read.
#[derive(Clone, Debug)]
pub struct Versioned {
    /// The record.
    pub request: Arc<Request>,
    /// What [`ShortLived::replace`] asks for.
    pub version: Version,
}

/// How taking in a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is there.
    Inserted(Version),
    /// The client has as many open requests as it may, or started too many.
    TooMany {
        /// Until the first of them is over by itself, or another start is allowed, in seconds; at least 1.
        retry_after_s: u32,
    },
}

/// How a write went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// Written.
    Replaced(Version),
    /// Somebody else wrote first: read and decide again.
    Changed,
    /// The record is gone.
    Gone,
    /// Another live request has this user code: make another one.
    UserCodeTaken,
}

/// How spending a proof went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It is spent from here on.
    Spent,
    /// It was spent before.
    Before,
    /// The counter is over its limit; nothing is written.
    Refused {
        /// When it is worth trying again, in seconds; at least 1.
        retry_after_s: u32,
    },
    /// The store has another id by now: it has forgotten what was spent under that one. Nothing is written, and
    /// [`ShortLived::store_id`] gives the new id.
    OtherStore,
}

/// So many hits in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Hits.
    pub hits: u32,
    /// Seconds.
    pub window_s: u32,
}

/// What a limit counts under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter<'a> {
    /// The name.
    pub key: &'a str,
    /// What is allowed.
    pub limit: Limit,
}

/// Whether a hit is within its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// It is.
    Allowed,
    /// It is not.
    Refused {
        /// When it is worth trying again, in seconds; at least 1.
        retry_after_s: u32,
    },
}

/// Changes of one request, for one waiting page.
#[derive(Debug)]
pub struct Wakeups(watch::Receiver<u64>);

impl Wakeups {
    /// Listens to a channel that carries the newest version.
    pub(super) const fn new(receiver: watch::Receiver<u64>) -> Self {
        Self(receiver)
    }

    /// Waits for a change since the last call; several at once wake once. `false`: the record is gone.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// When a record is forgotten: [`Lives::final_s`] after it is over, by itself or otherwise.
pub const fn forgotten_at(request: &Request, lives: &Lives) -> Timestamp {
    let over_at = match &request.state {
        State::Waiting { ends_at } | State::Scanned { ends_at, .. } | State::Approved { ends_at, .. } => {
            *ends_at
        }
        State::Over { at, .. } => *at,
    };
    over_at.plus_s(lives.final_s)
}

/// True while a request is open and in time.
pub fn is_live_at(request: &Request, now: Timestamp) -> bool {
    request.state.ends_at().is_some_and(|ends_at| now < ends_at)
}
