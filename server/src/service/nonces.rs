use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use protocol::id::StoreId;
use protocol::nonce::NonceKey;

use super::{Failure, Service};
use crate::server_keys::ServerKeys;

/// The server keys, and the nonce key of the short-lived store's present life. Another node, or this one after the store
/// has lost its data, finds the nonce key by the store's id.
pub(super) struct Nonces(RwLock<Keyed>);

/// A nonce key with what it follows from.
#[derive(Clone)]
pub(super) struct Keyed {
    pub(super) store: StoreId,
    pub(super) key: Arc<NonceKey>,
    keys: ServerKeys,
}

impl Nonces {
    pub(super) fn new(keys: ServerKeys, store: StoreId) -> Self {
        Self(RwLock::new(Keyed::of(keys, store)))
    }

    /// No code under the lock panics, so a poisoned one is good.
    fn known(&self) -> Keyed {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, change: impl FnOnce(&Keyed) -> Keyed) -> Keyed {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *known = change(&known);
        known.clone()
    }
}

impl Keyed {
    fn of(keys: ServerKeys, store: StoreId) -> Self {
        Self { store, key: Arc::new(keys.nonce_key(&store)), keys }
    }
}

impl Service {
    /// A nonce for the next proof.
    ///
    /// # Errors
    /// [`Failure::Store`] when the short-lived store does not say which one it is.
    pub async fn nonce(&self) -> Result<String, Failure> {
        Ok(self.nonce_key().await?.key.make(self.now()))
    }

    /// The key by which nonces are judged now.
    pub(super) async fn nonce_key(&self) -> Result<Keyed, Failure> {
        let store = self.short_lived.store_id().await?;
        let known = self.nonces.known();
        if known.store == store {
            return Ok(known);
        }
        // The keys may have been replaced in between.
        Ok(self.nonces.replace(|known| Keyed::of(known.keys.clone(), store)))
    }

    /// Figures about the connections to the stores, by their names for `/metrics`.
    pub fn connections(&self) -> Vec<(&'static str, u64)> {
        self.short_lived.connections().into_iter().chain(self.durable.connections()).collect()
    }

    /// The server keys in use.
    pub(crate) fn keys(&self) -> ServerKeys {
        self.nonces.known().keys
    }

    /// Goes on with other server keys. Nodes that share Redis are told first and must accept them: what this node makes
    /// is judged by the others, and what they make by this one.
    ///
    /// # Errors
    /// [`Failure::Store`] when they do not fit, or Redis does not answer; the keys stay as they were.
    pub async fn rekey(&self, keys: ServerKeys) -> Result<(), Failure> {
        let before = self.keys();
        // Nobody meets a node that says it accepts a key and does not yet.
        self.use_keys(before.and(&keys));
        match self.short_lived.rekey(&keys, &self.origin).await {
            Ok(()) => {
                self.use_keys(keys);
                self.pictures.forget();
                self.signing.forget();
                Ok(())
            }
            Err(refused) => {
                self.use_keys(before);
                Err(refused.into())
            }
        }
    }

    fn use_keys(&self, keys: ServerKeys) {
        self.nonces.replace(|known| Keyed::of(keys, known.store));
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}
