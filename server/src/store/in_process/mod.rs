//! The short-lived store of a single node: maps in this process, in shards, all of them bounded.

mod limits;
mod proofs;
mod requests;
mod shards;

use async_trait::async_trait;
use protocol::id::{AccountId, Handle, RequestId, StoreId, Ticket};
use protocol::key::Thumbprint;
use protocol::request::{Lives, Request};
use protocol::time::Timestamp;
use protocol::user_code::UserCode;

use super::error::StoreError;
use super::short_lived::{
    Allowance, Counter, Inserted, Limit, Replaced, ShortLived, Spent, Version, Versioned, Wakeups,
};
use limits::Windows;
use proofs::SpentProofs;
use requests::Requests;

/// Login requests, spent proofs and limits in memory. Ends with the process: pages then show a fresh code.
#[derive(Debug)]
pub struct InProcess {
    id: StoreId,
    requests: Requests,
    proofs: SpentProofs,
    windows: Windows,
}

impl InProcess {
    /// An empty store. `id` is fresh randomness: see [`ShortLived::store_id`]; `open_max` is how many requests may
    /// be open at once.
    pub fn new(id: StoreId, lives: Lives, open_max: usize) -> Self {
        Self {
            id,
            requests: Requests::new(lives, open_max),
            proofs: SpentProofs::default(),
            windows: Windows::default(),
        }
    }
}

#[async_trait]
impl ShortLived for InProcess {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn store_id(&self) -> Result<StoreId, StoreError> {
        Ok(self.id)
    }

    async fn insert(
        &self,
        start: Option<Counter<'_>>,
        request: &Request,
        client: &str,
        per_client: u32,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        if let Some(Counter { key, limit }) = start
            && let Allowance::Refused { retry_after_s } = self.windows.hit(key, limit, now)
        {
            return Ok(Inserted::TooMany { retry_after_s });
        }
        self.requests.insert(request, client, per_client, now)
    }

    async fn by_id(&self, id: RequestId) -> Result<Option<Versioned>, StoreError> {
        Ok(self.requests.by_id(id))
    }

    async fn by_handle(&self, handle: Handle) -> Result<Option<Versioned>, StoreError> {
        Ok(self.requests.by_handle(handle))
    }

    async fn by_user_code(&self, code: UserCode) -> Result<Option<Versioned>, StoreError> {
        Ok(self.requests.by_user_code(code))
    }

    async fn by_ticket(&self, ticket: Ticket) -> Result<Option<Versioned>, StoreError> {
        Ok(self.requests.by_ticket(ticket))
    }

    async fn replace(
        &self,
        request: &Request,
        expected: Version,
        _now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        Ok(self.requests.replace(request, expected))
    }

    async fn scanned_by(&self, account: AccountId) -> Result<Vec<Versioned>, StoreError> {
        Ok(self.requests.scanned_by(account))
    }

    async fn subscribe(&self, id: RequestId) -> Result<Option<(Versioned, Wakeups)>, StoreError> {
        // Before the look: a change after it wakes, one before it is seen.
        let Some(wakeups) = self.requests.subscribe(id) else { return Ok(None) };
        Ok(self.requests.by_id(id).map(|read| (read, wakeups)))
    }

    async fn spend_proof(
        &self,
        unless: Option<Counter<'_>>,
        store: StoreId,
        key: &Thumbprint,
        jti: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Spent, StoreError> {
        if let Some(Counter { key, limit }) = unless
            && let Allowance::Refused { retry_after_s } = self.windows.peek(key, limit, now)
        {
            return Ok(Spent::Refused { retry_after_s });
        }
        if store != self.id {
            return Ok(Spent::OtherStore);
        }
        let is_first = self.proofs.spend(key, jti, until, now)?;
        Ok(if is_first { Spent::Spent } else { Spent::Before })
    }

    async fn hit(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError> {
        Ok(self.windows.hit(key, limit, now))
    }

    async fn peek(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError> {
        Ok(self.windows.peek(key, limit, now))
    }

    fn peek_here(&self, key: &str, limit: Limit, now: Timestamp) -> Allowance {
        self.windows.peek(key, limit, now)
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.requests.sweep(now);
        self.proofs.sweep(now);
        self.windows.sweep(now);
        Ok(())
    }
}
