use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use async_trait::async_trait;
use countersign_server::store::in_process::InProcess;
use countersign_server::store::{
    Allowance, Counter, Inserted, Limit, Replaced, ShortLived, Spent, StoreError, Version, Versioned, Wakeups,
};
use protocol::id::{AccountId, Handle, RequestId, StoreId, Ticket};
use protocol::key::Thumbprint;
use protocol::request::{Lives, Request};
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use tokio::sync::Notify;
use tokio::task::yield_now;

use super::fresh_bytes;

/// A short-lived store as one over the network: between any two calls, others come first, and it may be cut off.
pub struct Remote {
    store: RwLock<Arc<InProcess>>,
    line: Arc<Line>,
}

/// The line to the store.
#[derive(Debug, Default)]
pub struct Line {
    /// True while nothing gets through.
    pub cut: AtomicBool,
    /// True when the store loses all it holds before the next call.
    pub loses: AtomicBool,
    /// Typed codes that were looked up.
    pub typed: AtomicUsize,
    /// The next record that is written and fits waits on its way.
    held_back: Mutex<Option<Fits>>,
    is_held: Notify,
    released: Notify,
}

type Fits = fn(&Request) -> bool;

impl Line {
    /// Holds the next record back that is written and `fits`.
    pub fn hold_back(&self, fits: Fits) {
        *self.held_back.lock().unwrap() = Some(fits);
    }

    /// Waits until a record is held back.
    pub async fn held(&self) {
        self.is_held.notified().await;
    }

    /// Lets it go.
    pub fn release(&self) {
        self.released.notify_one();
    }

    async fn pass(&self, request: &Request) {
        let holds = self.held_back.lock().unwrap().take_if(|fits| fits(request)).is_some();
        if holds {
            self.is_held.notify_one();
            self.released.notified().await;
        }
    }
}

impl Remote {
    pub fn new(line: &Arc<Line>) -> Self {
        Self { store: RwLock::new(empty()), line: Arc::clone(line) }
    }

    async fn reach(&self) -> Result<Arc<InProcess>, StoreError> {
        yield_now().await;
        if self.line.cut.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable {
                during: "reach the store",
                source: "the line is cut".into(),
            });
        }
        if self.line.loses.swap(false, Ordering::AcqRel) {
            *self.store.write().unwrap() = empty();
        }
        Ok(Arc::clone(&self.store.read().unwrap()))
    }
}

fn empty() -> Arc<InProcess> {
    Arc::new(InProcess::new(StoreId::from_random(fresh_bytes()), Lives::default(), 100_000))
}

#[async_trait]
impl ShortLived for Remote {
    async fn ping(&self) -> Result<(), StoreError> {
        self.reach().await?.ping().await
    }

    async fn store_id(&self) -> Result<StoreId, StoreError> {
        self.reach().await?.store_id().await
    }

    async fn insert(
        &self,
        start: Option<Counter<'_>>,
        request: &Request,
        client: &str,
        per_client: u32,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        self.reach().await?.insert(start, request, client, per_client, now).await
    }

    async fn by_id(&self, id: RequestId) -> Result<Option<Versioned>, StoreError> {
        self.reach().await?.by_id(id).await
    }

    async fn by_handle(&self, handle: Handle) -> Result<Option<Versioned>, StoreError> {
        self.reach().await?.by_handle(handle).await
    }

    async fn by_user_code(&self, code: UserCode) -> Result<Option<Versioned>, StoreError> {
        let store = self.reach().await?;
        self.line.typed.fetch_add(1, Ordering::AcqRel);
        store.by_user_code(code).await
    }

    async fn by_ticket(&self, ticket: Ticket) -> Result<Option<Versioned>, StoreError> {
        self.reach().await?.by_ticket(ticket).await
    }

    async fn replace(
        &self,
        request: &Request,
        expected: Version,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let store = self.reach().await?;
        self.line.pass(request).await;
        store.replace(request, expected, now).await
    }

    async fn scanned_by(&self, account: AccountId) -> Result<Vec<Versioned>, StoreError> {
        self.reach().await?.scanned_by(account).await
    }

    async fn subscribe(&self, id: RequestId) -> Result<Option<(Versioned, Wakeups)>, StoreError> {
        self.reach().await?.subscribe(id).await
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
        self.reach().await?.spend_proof(unless, store, key, jti, until, now).await
    }

    async fn hit(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError> {
        self.reach().await?.hit(key, limit, now).await
    }

    async fn peek(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError> {
        self.reach().await?.peek(key, limit, now).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.reach().await?.sweep(now).await
    }
}
