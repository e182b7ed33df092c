//! What a node does before its first call over a connection: it looks whether Redis will do, learns which life of the store
//! this is, compares itself with the other nodes, and listens to changes.

use std::sync::{Arc, PoisonError, RwLock};

use protocol::encoding::base64url;
use protocol::id::{RequestId, StoreId};
use protocol::origin::Origin;
use protocol::secret::{Secret, hkdf};
use redis::{AsyncConnectionConfig, Client, PushInfo, PushKind, Value};
use tokio::sync::Notify;
use tracing::{info, warn};

use super::address::{ALLOWED, RedisAddress};
use super::keys::Keys;
use super::link::{ANSWER_LIMIT, CONNECT_LIMIT, Joined, unavailable};
use super::pages::Pages;
use super::scripts::Scripts;
use crate::entropy::{Entropy, OsEntropy};
use crate::server_keys::ServerKeys;
use crate::store::error::StoreError;

/// How long the others reckon with a node that has ended without a word, in seconds.
const NODE_S: u32 = 300;
/// Calls on their way to the connection at once, beyond those that wait for an answer.
const CALLS_QUEUED: usize = 1_024;

/// Names what the nodes of a site share: a word for each server key together with the origin, the key that makes first.
/// Says nothing about the keys. Two nodes fit when each accepts what the other makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

/// What joins a fresh connection to the nodes. Clones share what they learn.
#[derive(Clone)]
pub(super) struct Joining(Arc<Shared>);

struct Shared {
    address: RedisAddress,
    client: Client,
    keys: Keys,
    scripts: Arc<Scripts>,
    /// Of this node, as its word changes.
    fingerprint: RwLock<Fingerprint>,
    /// Names this node among the others for as long as it runs.
    node: String,
    pages: Arc<Pages>,
    store: RwLock<Option<StoreId>>,
}

/// Why a Redis that answers cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("the address cannot be used; allowed: {ALLOWED}")]
    Address,
    #[error(
        "nodes with another server key or origin use it; give all nodes the same server_key and origin, or this one another \
         database number. To change the key of nodes that run, let all of them accept the next one first \
         (countersign-server key add). A node that ended without a word counts for {NODE_S} s"
    )]
    OtherNodes,
    #[error(
        "its maxmemory-policy is {0}, so it may forget proofs that were used; set maxmemory-policy to noeviction"
    )]
    Evicts(String),
    #[error("it does not say which run of the server it is (run_id of INFO)")]
    Nameless,
    #[error("it gave a store id that is none")]
    StoreId,
}

impl Fingerprint {
    /// The fingerprint of a node with these server keys and this origin.
    pub fn of(keys: &ServerKeys, origin: &Origin) -> Self {
        let info: [&[u8]; 2] = [b"countersign nodes v1 ", origin.as_str().as_bytes()];
        let word = |key: &Secret| base64url(&hkdf(key.expose_bytes(), b"", &info));
        Self(keys.all().iter().map(word).collect::<Vec<_>>().join(" "))
    }
}

impl Joining {
    pub(super) fn new(
        address: RedisAddress,
        keys: Keys,
        scripts: Arc<Scripts>,
        fingerprint: Fingerprint,
    ) -> Result<Self, StoreError> {
        const DURING: &str = "read the address of Redis";
        let info = address.parse().ok_or_else(|| unavailable(DURING, Unfit::Address))?;
        let keys = keys.in_database(info.redis_settings().db());
        let client = Client::open(info).map_err(|source| unavailable(DURING, source))?;
        let (pages, store) = (Arc::default(), RwLock::default());
        let entropy: &dyn Entropy = &OsEntropy;
        let node = base64url(&entropy.bytes_16());
        let fingerprint = RwLock::new(fingerprint);
        Ok(Self(Arc::new(Shared { address, client, keys, scripts, fingerprint, node, pages, store })))
    }

    pub(super) fn address(&self) -> &RedisAddress {
        &self.0.address
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    pub(super) fn pages(&self) -> &Pages {
        &self.0.pages
    }

    /// The id of the store as this node knows it.
    pub(super) fn store_id(&self) -> Option<StoreId> {
        *self.0.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a connection that is ready for calls.
    pub(super) async fn join(&self) -> Result<Joined, StoreError> {
        const DURING: &str = "connect to Redis";
        let broken = Arc::new(Notify::new());
        let (listener, lost) = (self.clone(), Arc::clone(&broken));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_LIMIT))
            .set_response_timeout(Some(ANSWER_LIMIT))
            .set_pipeline_buffer_size(CALLS_QUEUED)
            .set_push_sender(move |push: PushInfo| {
                match push.kind {
                    PushKind::Disconnection => lost.notify_one(),
                    PushKind::Message => listener.hear(&push.data),
                    // Confirmations, and what only other commands bring.
                    _ => {}
                }
                Ok::<(), std::convert::Infallible>(())
            });
        let mut connection = self
            .0
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|source| unavailable(DURING, source))?;
        let facts: String = redis::cmd("INFO")
            .query_async(&mut connection)
            .await
            .map_err(|source| unavailable("ask Redis about itself", source))?;
        self.judge_eviction(&facts)?;
        let run = fact(&facts, "run_id").ok_or_else(|| unavailable(DURING, Unfit::Nameless))?.into();
        let mut joined = Joined { connection, broken, run };
        self.adopt(&joined).await?;
        let subscribed = joined.connection.subscribe(self.0.keys.channel()).await;
        subscribed.map_err(|source| unavailable("listen to changes in Redis", source))?;
        Ok(joined)
    }

    /// Learns which life of the store this is, begins one where Redis has forgotten the last, and compares this node with
    /// the others. Repeated while the node runs, since it is forgotten a while after.
    pub(super) async fn adopt(&self, joined: &Joined) -> Result<StoreId, StoreError> {
        let fingerprint = self.0.fingerprint.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.adopt_as(joined, &fingerprint).await
    }

    /// As [`Joining::adopt`], as a node with this fingerprint from here on; where it does not fit, as before.
    pub(super) async fn rekey(&self, joined: &Joined, fingerprint: Fingerprint) -> Result<(), StoreError> {
        self.adopt_as(joined, &fingerprint).await?;
        *self.0.fingerprint.write().unwrap_or_else(PoisonError::into_inner) = fingerprint;
        Ok(())
    }

    /// Takes this node from the others' list.
    pub(super) async fn leave(&self, joined: &Joined) -> Result<(), StoreError> {
        let mut call = redis::pipe();
        call.del(self.0.keys.node(&self.0.node)).srem(self.0.keys.nodes(), &self.0.node);
        joined.judge("leave the nodes in Redis", call.exec_async(&mut joined.connection.clone()).await)
    }

    async fn adopt_as(&self, joined: &Joined, fingerprint: &Fingerprint) -> Result<StoreId, StoreError> {
        const DURING: &str = "join the nodes in Redis";
        let entropy: &dyn Entropy = &OsEntropy;
        let fresh = StoreId::from_random(entropy.bytes_16());
        let mut call = self.0.scripts.adopt.prepare_invoke();
        call.key(self.0.keys.store())
            .key(self.0.keys.nodes())
            .arg(&*joined.run)
            .arg(fresh.to_string())
            .arg(&fingerprint.0)
            .arg(NODE_S)
            .arg(self.0.keys.channel())
            .arg(self.0.keys.node(""))
            .arg(&self.0.node);
        let answer: Option<String> =
            joined.judge(DURING, call.invoke_async(&mut joined.connection.clone()).await)?;
        let text = answer.ok_or_else(|| unavailable(DURING, Unfit::OtherNodes))?;
        let id = StoreId::parse(&text).ok_or_else(|| unavailable(DURING, Unfit::StoreId))?;
        self.note_store(id);
        Ok(id)
    }

    fn note_store(&self, id: StoreId) {
        let before = self.0.store.write().unwrap_or_else(PoisonError::into_inner).replace(id);
        if before.is_some_and(|before| before != id) {
            info!(redis = %self.address(), "Redis has begun anew: pages that wait show a fresh code");
            self.pages().wake_all();
        }
    }

    /// Notes what a node has published: `ID VERSION` of a request (`replace.lua`), or `store ID` (`adopt.lua`).
    fn hear(&self, message: &[Value]) {
        let [_, Value::BulkString(text)] = message else { return };
        match std::str::from_utf8(text).ok().and_then(|text| text.split_once(' ')) {
            Some(("store", id)) => {
                if let Some(id) = StoreId::parse(id) {
                    self.note_store(id);
                }
            }
            Some((id, version)) => {
                if let (Some(id), Ok(version)) = (RequestId::parse(id), version.parse()) {
                    self.pages().note(id, version);
                }
            }
            None => {}
        }
    }

    /// At the start a Redis that may forget what it should keep is refused; later on it is only told, since refusing would
    /// end the logins that are under way.
    fn judge_eviction(&self, facts: &str) -> Result<(), StoreError> {
        let limited = fact(facts, "maxmemory").is_some_and(|bytes| bytes != "0");
        let policy = fact(facts, "maxmemory_policy").unwrap_or("noeviction");
        if !limited || policy == "noeviction" {
            return Ok(());
        }
        let unfit = Unfit::Evicts(policy.to_owned());
        if self.store_id().is_some() {
            warn!(redis = %self.address(), "Redis is unfit: {unfit}");
            return Ok(());
        }
        Err(unavailable("use Redis", unfit))
    }
}

/// One line of INFO.
fn fact<'a>(facts: &'a str, name: &str) -> Option<&'a str> {
    facts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_fingerprint_is_a_word_a_key_and_follows_from_key_and_origin() {
        let origin = |text| Origin::parse(text).unwrap();
        let (a, b) = (origin("https://a.example"), origin("https://b.example"));
        let of = |bytes: &[u8], origin| {
            let keys = bytes.iter().map(|byte| Secret::new([*byte; 32])).collect();
            Fingerprint::of(&ServerKeys::of(keys).unwrap(), origin).0
        };
        assert_eq!(of(&[1], &a), of(&[1], &a));
        assert_ne!(of(&[1], &a), of(&[2], &a));
        assert_ne!(of(&[1], &a), of(&[1], &b));
        assert_eq!(of(&[1, 2], &a), format!("{} {}", of(&[1], &a), of(&[2], &a)));
        assert!(!of(&[1], &a).contains(&Secret::new([1; 32]).expose()));
    }

    #[test]
    fn words_of_others_on_the_channel_change_nothing() {
        let keys = ServerKeys::one(Secret::new([1; 32]));
        let origin = Origin::parse("https://a.example").unwrap();
        let address = RedisAddress::new("redis://localhost");
        let scripts = Arc::new(Scripts::new());
        let joining =
            Joining::new(address, Keys::new("n"), scripts, Fingerprint::of(&keys, &origin)).unwrap();
        let id = RequestId::from_random([1; 16]);
        let mut page = joining.pages().wait_for(id);
        let mut is_woken_by = |text: &str| {
            joining.hear(&[Value::BulkString(b"changes".to_vec()), Value::BulkString(text.into())]);
            page.changed().now_or_never().is_some()
        };
        for text in ["", "hello", "hello 2", "store", "store x", &id.to_string(), &format!("{id} two")] {
            assert!(!is_woken_by(text), "{text}");
        }
        assert!(is_woken_by(&format!("{id} 2")));
        joining.hear(&[]);
        assert_eq!(joining.store_id(), None);
    }

    #[test]
    fn facts_are_found_by_their_whole_name() {
        let facts = "# Server\r\nrun_id:abc\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n";
        assert_eq!(fact(facts, "run_id"), Some("abc"));
        assert_eq!(fact(facts, "maxmemory"), Some("100"));
        assert_eq!(fact(facts, "maxmemory_policy"), Some("allkeys-lru"));
        assert_eq!(fact(facts, "mem"), None);
    }
}
