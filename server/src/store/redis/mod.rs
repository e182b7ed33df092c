//! The short-lived store of many nodes: Redis or Valkey, one server, reached over the network.
//!
//! 1. [`RedisStore::open`] connects (`link`) and joins the nodes that are there (`join`): keys that fit, same origin.
//! 2. Each transition is one script (`scripts/`), so two nodes cannot both win; it publishes what changed.
//! 3. Each node hears all changes over its one connection and wakes the pages that wait there (`pages`).
//! 4. Everything has a time to live, counted from the `now` that comes in; a sweep only forgets it sooner.
//!
//! Nothing in Redis signs anybody in: page secrets lie there as hashes, and a decision or session is settled by the durable
//! store. Losing all of it costs fresh codes. Which life of the data it is, `store_id` says: it changes when the server
//! process does (a restart may lose the last second even where data is kept) and after a flush.

mod address;
mod join;
mod keys;
mod link;
mod pages;
mod record;
mod scripts;
#[cfg(all(test, unix))]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use protocol::check::TRIES;
use protocol::id::{AccountId, Handle, RequestId, StoreId, Ticket};
use protocol::key::Thumbprint;
use protocol::origin::Origin;
use protocol::request::{Lives, Request, State};
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use redis::{FromRedisValue, ScriptInvocation};

use super::error::StoreError;
use super::short_lived::{
    Allowance, Counter, Inserted, Limit, Replaced, ShortLived, Spent, Version, Versioned, Wakeups,
    forgotten_at,
};
use crate::causes;
use crate::counts;
use crate::server_keys::ServerKeys;
use join::Joining;
use keys::Keys;
use link::Link;
use scripts::Scripts;

pub use address::{ALLOWED as ALLOWED_ADDRESSES, RedisAddress};
pub use join::Fingerprint;
#[cfg(all(test, unix))]
pub(in crate::store) use tests::fresh;

/// How much longer than needed Redis keeps things, in seconds: nodes' clocks and its own differ.
const SLACK_S: i64 = 60;
/// Records that one call of a sweep forgets, so that it holds up nobody.
const SWEPT_AT_ONCE: usize = 500;
/// Begins the names of all keys.
const NAME: &str = "countersign";

/// Login requests, spent proofs and limits in Redis.
pub struct RedisStore {
    link: Link,
    joining: Joining,
    keys: Keys,
    scripts: Arc<Scripts>,
    lives: Lives,
    open_max: u32,
}

impl RedisStore {
    /// Connects to the server at `address` and joins the nodes with the same fingerprint; `open_max` is how many requests
    /// may be open at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it is out of reach, may forget what is still needed, or serves nodes with another
    /// fingerprint; the sources say what to do.
    pub async fn open(
        address: &RedisAddress,
        fingerprint: Fingerprint,
        lives: Lives,
        open_max: u32,
    ) -> Result<Self, StoreError> {
        Self::open_as(NAME, address, fingerprint, lives, open_max).await
    }

    async fn open_as(
        name: &str,
        address: &RedisAddress,
        fingerprint: Fingerprint,
        lives: Lives,
        open_max: u32,
    ) -> Result<Self, StoreError> {
        let scripts = Arc::new(Scripts::new());
        let joining = Joining::new(address.clone(), Keys::new(name), Arc::clone(&scripts), fingerprint)?;
        let link = Link::open(joining.clone()).await?;
        let keys = joining.keys().clone();
        Ok(Self { link, joining, keys, scripts, lives, open_max })
    }

    async fn run<T: FromRedisValue>(
        &self,
        during: &'static str,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        counts::store_call(counts::REDIS, async {
            let mut joined = self.link.joined(during).await?;
            let answer = call.invoke_async(&mut joined.connection).await;
            joined.judge(during, answer)
        })
        .await
    }

    async fn ask<T: FromRedisValue>(&self, during: &'static str, call: &redis::Cmd) -> Result<T, StoreError> {
        counts::store_call(counts::REDIS, async {
            let mut joined = self.link.joined(during).await?;
            let answer = call.query_async(&mut joined.connection).await;
            joined.judge(during, answer)
        })
        .await
    }

    async fn find(&self, kind: &str, name: impl fmt::Display) -> Result<Option<Versioned>, StoreError> {
        let mut call = self.scripts.find.prepare_invoke();
        call.key(self.keys.leading(kind, name)).arg(self.keys.prefix());
        let found: Option<Vec<u8>> = self.run("find a login request", &call).await?;
        Ok(found.and_then(|record| record::read(&record)))
    }

    /// Learns anew which life of the store this is.
    async fn adopt(&self) -> Result<StoreId, StoreError> {
        let joined = self.link.joined("join the nodes in Redis").await?;
        self.joining.adopt(&joined).await
    }

    async fn judge(
        &self,
        key: &str,
        limit: Limit,
        now: Timestamp,
        counts: bool,
    ) -> Result<Allowance, StoreError> {
        let mut call = self.scripts.limit.prepare_invoke();
        call.key(self.keys.hits(key))
            .arg(now.unix_s())
            .arg(limit.hits)
            .arg(limit.window_s)
            .arg(u8::from(counts));
        let wait_s: i64 = self.run("judge a limit", &call).await?;
        Ok(match wait_s {
            0 => Allowance::Allowed,
            wait_s => Allowance::Refused { retry_after_s: seconds(wait_s) },
        })
    }

    /// Life of a record in Redis from `now` on.
    fn record_s(&self, request: &Request, now: Timestamp) -> i64 {
        forgotten_at(request, &self.lives).since_s(now).max(0) + SLACK_S
    }

    /// Life of what leads to a record: no request can be known for longer.
    const fn index_s(&self) -> i64 {
        let lives = &self.lives;
        lives.waiting_s + lives.scanned_s + lives.approved_s + lives.final_s + SLACK_S
    }
}

#[async_trait]
impl ShortLived for RedisStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.ask::<()>("answer a ping", &redis::cmd("PING")).await
    }

    async fn store_id(&self) -> Result<StoreId, StoreError> {
        match self.joining.store_id() {
            Some(id) => Ok(id),
            None => self.adopt().await,
        }
    }

    async fn rekey(&self, keys: &ServerKeys, origin: &Origin) -> Result<(), StoreError> {
        let joined = self.link.joined("join the nodes in Redis").await?;
        self.joining.rekey(&joined, Fingerprint::of(keys, origin)).await
    }

    fn connections(&self) -> Option<(&'static str, u64)> {
        Some(("redis_connected", u64::from(self.link.is_up())))
    }

    async fn leave(&self) {
        let left = async { self.joining.leave(&self.link.joined("leave the nodes in Redis").await?).await };
        if let Err(error) = left.await {
            let error = causes::told(&error);
            tracing::info!(redis = %self.joining.address(), error, "The other nodes reckon with this one a while longer");
        }
    }

    async fn insert(
        &self,
        start: Option<Counter<'_>>,
        request: &Request,
        client: &str,
        per_client: u32,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        const DURING: &str = "take in a login request";
        let ends_at = request.state.ends_at().unwrap_or(now);
        let mut call = self.scripts.insert.prepare_invoke();
        call.key(self.keys.request(request.id))
            .key(self.keys.leading("handle", request.handle))
            .key(self.keys.client(client))
            .key(self.keys.open())
            .key(self.keys.forgotten())
            .arg(record::first(request, client))
            .arg(request.id.to_string())
            .arg(now.unix_s())
            .arg(ends_at.unix_s())
            .arg(forgotten_at(request, &self.lives).unix_s())
            .arg(per_client)
            .arg(self.open_max)
            .arg(self.record_s(request, now))
            .arg(self.index_s());
        if let Some(Counter { key, limit }) = start {
            call.key(self.keys.hits(key)).arg(limit.hits).arg(limit.window_s);
        }
        match self.run::<i64>(DURING, &call).await? {
            0 => Ok(Inserted::Inserted(Version(1))),
            -1 => Err(StoreError::Full { during: DURING }),
            wait_s => Ok(Inserted::TooMany { retry_after_s: seconds(wait_s) }),
        }
    }

    async fn by_id(&self, id: RequestId) -> Result<Option<Versioned>, StoreError> {
        let call = redis::Cmd::get(self.keys.request(id));
        let found: Option<Vec<u8>> = self.ask("read a login request", &call).await?;
        Ok(found.and_then(|record| record::read(&record)))
    }

    async fn by_handle(&self, handle: Handle) -> Result<Option<Versioned>, StoreError> {
        self.find("handle", handle).await
    }

    async fn by_user_code(&self, code: UserCode) -> Result<Option<Versioned>, StoreError> {
        self.find("code", code).await
    }

    async fn by_ticket(&self, ticket: Ticket) -> Result<Option<Versioned>, StoreError> {
        self.find("ticket", ticket).await
    }

    async fn replace(
        &self,
        request: &Request,
        expected: Version,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let ends_at = request.state.ends_at().map(Timestamp::unix_s);
        // That a number took a try is told to no page.
        let shows = !matches!(request.state, State::Scanned { tries_left, .. } if tries_left < TRIES);
        let mut call = self.scripts.replace.prepare_invoke();
        call.key(self.keys.request(request.id))
            .key(self.keys.open())
            .key(self.keys.forgotten())
            .arg(self.keys.prefix())
            .arg(self.keys.channel())
            .arg(request.id.to_string())
            .arg(expected.0)
            .arg(record::json(request))
            .arg(text(ends_at))
            .arg(forgotten_at(request, &self.lives).unix_s())
            .arg(now.unix_s())
            .arg(self.record_s(request, now))
            .arg(self.index_s())
            .arg(text(request.user_code))
            .arg(text(request.state.lock().map(|lock| lock.ticket)))
            .arg(text(record::locked_by(request)))
            .arg(u8::from(shows));
        Ok(match self.run::<i64>("write a login request", &call).await? {
            0 => Replaced::Gone,
            -1 => Replaced::Changed,
            -2 => Replaced::UserCodeTaken,
            version => {
                let version = u64::try_from(version).unwrap_or_default();
                if shows {
                    // The same word comes back over the channel and wakes nobody a second time.
                    self.joining.pages().note(request.id, version);
                }
                Replaced::Replaced(Version(version))
            }
        })
    }

    async fn scanned_by(&self, account: AccountId) -> Result<Vec<Versioned>, StoreError> {
        let mut call = self.scripts.scanned.prepare_invoke();
        call.key(self.keys.account(account)).arg(self.keys.prefix());
        let found: Vec<Vec<u8>> = self.run("find an account's login requests", &call).await?;
        let read = found.iter().filter_map(|record| record::read(record));
        Ok(read.filter(|read| record::locked_by(&read.request) == Some(account)).collect())
    }

    async fn subscribe(&self, id: RequestId) -> Result<Option<(Versioned, Wakeups)>, StoreError> {
        // Before the look: a change after it is heard, one before it is seen.
        let mut changes = self.joining.pages().wait_for(id);
        let Some(read) = self.by_id(id).await? else {
            drop(changes);
            self.joining.pages().forget_idle(id);
            return Ok(None);
        };
        self.joining.pages().note(id, read.version.0);
        changes.mark_unchanged();
        Ok(Some((read, Wakeups::new(changes))))
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
        let mut call = self.scripts.spend.prepare_invoke();
        call.key(self.keys.store())
            .key(self.keys.proof(key, jti))
            .arg(store.to_string())
            .arg(until.since_s(now).max(0) + SLACK_S);
        if let Some(Counter { key, limit }) = unless {
            call.key(self.keys.hits(key)).arg(now.unix_s()).arg(limit.hits).arg(limit.window_s);
        }
        match self.run::<i64>("spend a proof", &call).await? {
            0 => Ok(Spent::Spent),
            -1 => Ok(Spent::Before),
            -2 => {
                self.adopt().await?;
                Ok(Spent::OtherStore)
            }
            wait_s => Ok(Spent::Refused { retry_after_s: seconds(wait_s) }),
        }
    }

    async fn hit(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError> {
        self.judge(key, limit, now, true).await
    }

    async fn peek(&self, key: &str, limit: Limit, now: Timestamp) -> Result<Allowance, StoreError> {
        self.judge(key, limit, now, false).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.joining.pages().tidy();
        // Says that this node is still there, and notices a store that was flushed while nobody came.
        self.adopt().await?;
        loop {
            let mut call = self.scripts.sweep.prepare_invoke();
            call.key(self.keys.forgotten())
                .key(self.keys.open())
                .arg(self.keys.prefix())
                .arg(now.unix_s())
                .arg(SWEPT_AT_ONCE);
            let gone: Vec<String> = self.run("forget login requests", &call).await?;
            for id in gone.iter().filter_map(|id| RequestId::parse(id)) {
                self.joining.pages().end(id);
            }
            if gone.len() < SWEPT_AT_ONCE {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({})", self.joining.address())
    }
}

/// As scripts take what may be missing.
fn text(value: Option<impl fmt::Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn seconds(wait_s: i64) -> u32 {
    u32::try_from(wait_s.max(1)).unwrap_or(u32::MAX)
}
