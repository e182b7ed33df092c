use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use countersign_server::store::{
    Allowance, Inserted, Limit, Replaced, ShortLived, StoreError, Version, Versioned, Wakeups,
};
use protocol::id::{AccountId, Handle, RequestId, StoreId, Ticket};
use protocol::key::Thumbprint;
use protocol::request::Request;
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use tokio::task::yield_now;

/// A short-lived store as one over the network: between any two calls, others come first, and it may be cut off.
pub struct Remote<S> {
    store: S,
    line: Arc<Line>,
}

/// The line to the store.
#[derive(Debug, Default)]
pub struct Line {
    /// True while nothing gets through.
    pub cut: AtomicBool,
    /// Typed codes that were looked up.
    pub typed: AtomicUsize,
}

impl<S> Remote<S> {
    pub fn new(store: S, line: &Arc<Line>) -> Self {
        Self { store, line: Arc::clone(line) }
    }

    async fn reach(&self) -> Result<(), StoreError> {
        yield_now().await;
        if self.line.cut.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable {
                during: "reach the store",
                source: "the line is cut".into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl<S: ShortLived> ShortLived for Remote<S> {
    async fn ping(&self) -> Result<(), StoreError> {
        self.reach().await?;
        self.store.ping().await
    }

    async fn store_id(&self) -> Result<StoreId, StoreError> {
        self.reach().await?;
        self.store.store_id().await
    }

    async fn insert(
        &self,
        request: &Request,
        client: &str,
        per_client: u32,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        self.reach().await?;
        self.store.insert(request, client, per_client, now).await
    }

    async fn by_id(&self, id: RequestId) -> Result<Option<Versioned>, StoreError> {
        self.reach().await?;
        self.store.by_id(id).await
    }

    async fn by_handle(&self, handle: Handle) -> Result<Option<Versioned>, StoreError> {
        self.reach().await?;
        self.store.by_handle(handle).await
    }

    async fn by_user_code(&self, code: UserCode) -> Result<Option<Versioned>, StoreError> {
        self.reach().await?;
        self.line.typed.fetch_add(1, Ordering::AcqRel);
        self.store.by_user_code(code).await
    }

    async fn by_ticket(&self, ticket: Ticket) -> Result<Option<Versioned>, StoreError> {
        self.reach().await?;
        self.store.by_ticket(ticket).await
    }

    async fn replace(
        &self,
        request: &Request,
        expected: Version,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        self.reach().await?;
        self.store.replace(request, expected, now).await
    }

    async fn scanned_by(&self, account: AccountId) -> Result<Vec<Versioned>, StoreError> {
        self.reach().await?;
        self.store.scanned_by(account).await
    }

    async fn subscribe(&self, id: RequestId) -> Result<Option<Wakeups>, StoreError> {
        self.reach().await?;
        self.store.subscribe(id).await
    }

    async fn spend_proof(
        &self,
        key: &Thumbprint,
        jti: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.reach().await?;
        self.store.spend_proof(key, jti, until, now).await
    }

    async fn hit(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError> {
        self.reach().await?;
        self.store.hit(key, limit, now).await
    }

    async fn peek(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError> {
        self.reach().await?;
        self.store.peek(key, limit, now).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.reach().await?;
        self.store.sweep(now).await
    }
}
