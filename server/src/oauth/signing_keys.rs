//! The keys that sign tokens: made at the first need, followed by others, published, and gone in the end.
//!
//! 1. A key is published from the moment that it is there, and signs from `used_from` on: clients know it by then.
//! 2. The newest one whose time has come signs. When it was made [`AGE_S`] ago, another one follows [`AHEAD_S`] later.
//! 3. A key goes [`KEPT_S`] after its successor has taken over: no token that it signed is good by then.
//!
//! The private half is kept sealed under the server key, and sealed anew when that changes. Any number of nodes may do all
//! this at once: the store adds a key only where nobody else did in between.

use std::fmt;
use std::sync::Arc;

use protocol::time::Timestamp;
use zeroize::Zeroizing;

use super::jose::{KeyPair, PublicHalf, Signer, thumbprint};
use crate::entropy::Entropy;
use crate::seal::Seal;
use crate::server_keys::ServerKeys;
use crate::store::{Alg, Durable, StoreError, StoredSigningKey};

/// After how long a key that signs gets a successor, in seconds.
pub(crate) const AGE_S: i64 = 90 * DAY_S;
/// How long a successor is published before it signs, in seconds.
pub(crate) const AHEAD_S: i64 = DAY_S;
/// How long a key is published after its successor has taken over, in seconds.
pub(crate) const KEPT_S: i64 = DAY_S;
const DAY_S: i64 = 86_400;

/// What the private halves are sealed for.
const PURPOSE: &str = "signing key";
/// Turns after which two nodes that add keys at once have settled it: each turn that fails was won by another node.
const TURNS_MAX: u32 = 8;

/// The keys in the store, and what they are made and sealed with.
pub(crate) struct Keyring<'a> {
    store: &'a dyn Durable,
    seal: Seal,
    entropy: &'a dyn Entropy,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Published, and signs later.
    Next,
    /// Signs.
    Signs,
    /// Published for what it signed.
    Before,
    /// Sealed under a server key that is not accepted any more: it can sign nothing.
    Lost,
}

/// What is loaded of the keys: those that can sign, and the public halves of all.
pub(crate) struct Loaded {
    pub(crate) at: Timestamp,
    signers: Vec<(Timestamp, Arc<Signer>)>,
    public: Vec<(String, PublicHalf)>,
}

impl<'a> Keyring<'a> {
    pub(crate) fn new(store: &'a dyn Durable, keys: &ServerKeys, entropy: &'a dyn Entropy) -> Self {
        Self { store, seal: Seal::new(keys, PURPOSE), entropy }
    }

    /// The keys; makes the first ES256 one where no key can sign now.
    pub(crate) async fn load(&self, now: Timestamp) -> Result<Loaded, StoreError> {
        for _ in 0..TURNS_MAX {
            let rows = self.store.signing_keys().await?;
            let loaded = self.opened(&rows, now);
            if loaded.signer(Alg::Es256, now).is_some() {
                return Ok(loaded);
            }
            self.add(&rows, fresh()?, now, now).await?;
        }
        Err(unusable("the first one is never at rest"))
    }

    /// A fresh ES256 key that signs from [`AHEAD_S`] on. At once: it signs from now on, and no other ES256 key is published.
    pub(crate) async fn rotate(&self, at_once: bool, now: Timestamp) -> Result<StoredSigningKey, StoreError> {
        self.follow(fresh()?, at_once, now).await
    }

    /// A key pair of somebody else's making. The first of its kind signs from now on; further ones as in
    /// [`Keyring::rotate`].
    pub(crate) async fn import(
        &self,
        pair: KeyPair,
        der: &[u8],
        at_once: bool,
        now: Timestamp,
    ) -> Result<Imported, StoreError> {
        let kid = thumbprint(&pair.public_jwk());
        if self.store.signing_keys().await?.iter().any(|row| row.kid == kid) {
            return Ok(Imported::There(kid));
        }
        let key = (pair, Zeroizing::new(der.to_vec()));
        self.follow(key, at_once, now).await.map(Imported::Added)
    }

    /// Seals keys anew that are sealed under a server key that goes, adds a successor of an old one, and forgets those that
    /// are over. Makes nothing where there is no key.
    pub(crate) async fn tend(&self, now: Timestamp) -> Result<(), StoreError> {
        let rows = self.store.signing_keys().await?;
        for row in &rows {
            if self.seal.is_current(&row.sealed) {
                continue;
            }
            if let Some(der) = self.seal.open(&row.sealed).map(Zeroizing::new) {
                let sealed = self.sealed(&der);
                self.store.reseal_signing_key(&row.kid, &row.sealed, &sealed).await?;
            }
        }
        let newest = rows.iter().find(|row| row.alg == Alg::Es256);
        if newest.is_some_and(|row| now.since_s(row.created_at) >= AGE_S)
            && let Some(added) = self.add(&rows, fresh()?, now.plus_s(AHEAD_S), now).await?
        {
            tracing::info!(kid = added.kid, "Made the next signing key");
        }
        let over = over(&rows, now);
        if !over.is_empty() {
            self.store.remove_signing_keys(&over).await?;
            tracing::info!(kids = over.join(" "), "Forgot signing keys that are over");
        }
        Ok(())
    }

    /// All keys, newest first, with where they stand.
    pub(crate) async fn list(&self, now: Timestamp) -> Result<Vec<(StoredSigningKey, Standing)>, StoreError> {
        let rows = self.store.signing_keys().await?;
        let loaded = self.opened(&rows, now);
        let standing = |row: &StoredSigningKey| match loaded.signer(row.alg, now) {
            _ if self.seal.open(&row.sealed).is_none() => Standing::Lost,
            _ if row.used_from > now => Standing::Next,
            Some(signer) if signer.kid == row.kid => Standing::Signs,
            Some(_) | None => Standing::Before,
        };
        Ok(rows.iter().map(|row| (row.clone(), standing(row))).collect())
    }

    async fn follow(
        &self,
        key: (KeyPair, Zeroizing<Vec<u8>>),
        at_once: bool,
        now: Timestamp,
    ) -> Result<StoredSigningKey, StoreError> {
        let (pair, der) = key;
        let alg = pair.alg();
        let jwk = pair.public_jwk();
        for _ in 0..TURNS_MAX {
            let rows = self.store.signing_keys().await?;
            let others = || rows.iter().filter(|row| row.alg == alg);
            // A successor that waits for its time is followed, not overtaken.
            let wait_s = if at_once || others().next().is_none() { 0 } else { AHEAD_S };
            let row = self.row(alg, &jwk, &der, now.plus_s(wait_s), now);
            if self.add_row(&rows, &row).await? {
                if at_once {
                    let kids: Vec<_> = others().map(|row| row.kid.clone()).collect();
                    self.store.remove_signing_keys(&kids).await?;
                }
                return Ok(row);
            }
        }
        Err(unusable("others add keys all the time"))
    }

    /// `None`: another node added one.
    async fn add(
        &self,
        rows: &[StoredSigningKey],
        key: (KeyPair, Zeroizing<Vec<u8>>),
        used_from: Timestamp,
        now: Timestamp,
    ) -> Result<Option<StoredSigningKey>, StoreError> {
        let row = self.row(key.0.alg(), &key.0.public_jwk(), &key.1, used_from, now);
        Ok(self.add_row(rows, &row).await?.then_some(row))
    }

    async fn add_row(&self, rows: &[StoredSigningKey], row: &StoredSigningKey) -> Result<bool, StoreError> {
        let newest = rows.iter().find(|other| other.alg == row.alg).map(|other| other.kid.as_str());
        self.store.add_signing_key(row, newest).await
    }

    fn row(&self, alg: Alg, jwk: &str, der: &[u8], used_from: Timestamp, now: Timestamp) -> StoredSigningKey {
        StoredSigningKey {
            kid: thumbprint(jwk),
            alg,
            sealed: self.sealed(der),
            public_jwk: jwk.to_owned(),
            used_from,
            created_at: now,
        }
    }

    fn sealed(&self, der: &[u8]) -> String {
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        self.seal.close(der, nonce)
    }

    fn opened(&self, rows: &[StoredSigningKey], now: Timestamp) -> Loaded {
        let mut loaded = Loaded { at: now, signers: Vec::new(), public: Vec::new() };
        for row in rows {
            if let Some(public) = PublicHalf::read(row.alg, &row.public_jwk) {
                loaded.public.push((row.kid.clone(), public));
            }
            let der = self.seal.open(&row.sealed).map(Zeroizing::new);
            if let Some(Ok(pair)) = der.map(|der| KeyPair::read(row.alg, &der)) {
                loaded.signers.push((row.used_from, Arc::new(Signer::new(pair))));
            } else {
                let kid = &row.kid;
                tracing::debug!(kid, "A signing key is sealed under another server key; it signs nothing");
            }
        }
        loaded
    }
}

/// How an import went.
#[derive(Debug)]
pub(crate) enum Imported {
    Added(StoredSigningKey),
    /// The key with this name is there already.
    There(String),
}

impl Loaded {
    /// The key that signs by this algorithm at this moment.
    pub(crate) fn signer(&self, alg: Alg, now: Timestamp) -> Option<&Arc<Signer>> {
        let mut of_alg = self.signers.iter().filter(|(_, signer)| signer.pair.alg() == alg);
        of_alg.find(|(used_from, _)| *used_from <= now).map(|(_, signer)| signer)
    }

    /// The public half of a key that is published.
    pub(crate) fn public(&self, kid: &str) -> Option<&PublicHalf> {
        self.public.iter().find(|(known, _)| known == kid).map(|(_, key)| key)
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.signers.iter().map(|(_, signer)| signer)).finish()
    }
}

/// Names of the keys whose successor took over [`KEPT_S`] ago. `rows` come newest first.
fn over(rows: &[StoredSigningKey], now: Timestamp) -> Vec<String> {
    let is_followed = |at: usize| {
        let mut newer = rows[..at].iter().filter(|other| other.alg == rows[at].alg);
        newer.any(|other| other.used_from.plus_s(KEPT_S) <= now)
    };
    (0..rows.len()).filter(|at| is_followed(*at)).map(|at| rows[at].kid.clone()).collect()
}

fn fresh() -> Result<(KeyPair, Zeroizing<Vec<u8>>), StoreError> {
    KeyPair::generate().map_err(|_| unusable("none could be made"))
}

fn unusable(why: &'static str) -> StoreError {
    StoreError::Unavailable { during: "use a signing key", source: why.into() }
}

/// The JWK of a published key: its public half with its name and use (RFC 7517 §4).
pub(crate) fn published(row: &StoredSigningKey) -> Option<serde_json::Value> {
    let mut jwk: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&row.public_jwk).ok()?;
    for (name, value) in [("kid", row.kid.as_str()), ("use", "sig"), ("alg", row.alg.as_str())] {
        jwk.insert(name.to_owned(), value.into());
    }
    Some(jwk.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::secret::Secret;

    use super::*;
    use crate::entropy::OsEntropy;
    use crate::store::sqlite::SqliteStore;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn keys(bytes: &[u8]) -> ServerKeys {
        ServerKeys::of(bytes.iter().map(|byte| Secret::new([*byte; 32])).collect()).unwrap()
    }

    async fn store() -> SqliteStore {
        SqliteStore::in_memory().await.unwrap()
    }

    fn ring<'a>(store: &'a SqliteStore, bytes: &[u8]) -> Keyring<'a> {
        Keyring::new(store, &keys(bytes), &OsEntropy)
    }

    async fn signs(ring: &Keyring<'_>, now: Timestamp) -> String {
        ring.load(now).await.unwrap().signer(Alg::Es256, now).unwrap().kid.clone()
    }

    async fn kids(store: &SqliteStore) -> Vec<String> {
        use crate::store::FrontDoors as _;
        store.signing_keys().await.unwrap().into_iter().map(|row| row.kid).collect()
    }

    #[tokio::test]
    async fn twenty_nodes_that_need_the_first_key_at_once_use_the_same_one() {
        let store = store().await;
        let nodes: Vec<_> = (0..20).map(|_| ring(&store, &[1])).collect();
        let signing = futures_util::future::join_all(nodes.iter().map(|node| signs(node, NOW))).await;
        assert_eq!(kids(&store).await.len(), 1);
        assert!(signing.iter().all(|kid| *kid == signing[0]));
    }

    #[tokio::test]
    async fn a_key_of_ninety_days_is_followed_by_one_that_signs_a_day_later() {
        let store = store().await;
        let ring = ring(&store, &[1]);
        ring.tend(NOW).await.unwrap();
        assert_eq!(kids(&store).await.len(), 0, "no key where nobody needed one");
        let first = signs(&ring, NOW).await;
        ring.tend(NOW.plus_s(AGE_S - 1)).await.unwrap();
        assert_eq!(kids(&store).await.len(), 1);
        let due = NOW.plus_s(AGE_S);
        ring.tend(due).await.unwrap();
        ring.tend(due).await.unwrap();
        let published = kids(&store).await;
        assert_eq!((published.len(), &published[1]), (2, &first));
        assert_eq!(signs(&ring, due.plus_s(AHEAD_S - 1)).await, first);
        assert_eq!(signs(&ring, due.plus_s(AHEAD_S)).await, published[0]);
        ring.tend(due.plus_s(AHEAD_S + KEPT_S - 1)).await.unwrap();
        assert_eq!(kids(&store).await.len(), 2);
        ring.tend(due.plus_s(AHEAD_S + KEPT_S)).await.unwrap();
        assert_eq!(kids(&store).await, published[..1]);
    }

    #[tokio::test]
    async fn keys_are_sealed_anew_before_their_server_key_is_dropped() {
        let store = store().await;
        let first = signs(&ring(&store, &[1]), NOW).await;
        ring(&store, &[2, 1]).tend(NOW).await.unwrap();
        assert_eq!(signs(&ring(&store, &[2]), NOW).await, first);
        // A leaked server key that is dropped at once takes its signing keys along; another one signs.
        let lost = ring(&store, &[3]);
        let second = signs(&lost, NOW.plus_s(1)).await;
        assert_ne!(second, first);
        let standing: Vec<_> =
            lost.list(NOW.plus_s(1)).await.unwrap().into_iter().map(|(_, is)| is).collect();
        assert_eq!(standing, [Standing::Signs, Standing::Lost]);
    }

    #[tokio::test]
    async fn a_rotation_waits_a_day_or_takes_over_at_once() {
        let store = store().await;
        let ring = ring(&store, &[1]);
        let first = signs(&ring, NOW).await;
        let next = ring.rotate(false, NOW).await.unwrap();
        assert_eq!(next.used_from, NOW.plus_s(AHEAD_S));
        assert_eq!(signs(&ring, NOW).await, first);
        let standing: Vec<_> = ring.list(NOW).await.unwrap().into_iter().map(|(_, is)| is).collect();
        assert_eq!(standing, [Standing::Next, Standing::Signs]);
        let last = ring.rotate(true, NOW).await.unwrap();
        assert_eq!(signs(&ring, NOW).await, last.kid);
        assert_eq!(kids(&store).await, [last.kid], "no other one is published");
    }

    #[test]
    fn nothing_of_a_private_half_is_published() {
        let (pair, _) = KeyPair::generate().unwrap();
        let row = StoredSigningKey {
            kid: thumbprint(&pair.public_jwk()),
            alg: Alg::Es256,
            sealed: "sealed".to_owned(),
            public_jwk: pair.public_jwk(),
            used_from: NOW,
            created_at: NOW,
        };
        let jwk = published(&row).unwrap();
        let members: BTreeSet<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(Vec::from_iter(members), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
}
