use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use protocol::id::StoreId;
use protocol::nonce::NonceKey;

use super::{Failure, Service};

/// The nonce key of the short-lived store's present life. Another node, or this one after the store has lost its data,
/// finds the key by the store's id.
pub(super) struct Nonces(RwLock<Keyed>);

/// A nonce key with the id that it follows from.
#[derive(Clone)]
pub(super) struct Keyed {
    pub(super) store: StoreId,
    pub(super) key: Arc<NonceKey>,
}

impl Nonces {
    pub(super) fn new(secret: &protocol::secret::Secret, store: StoreId) -> Self {
        Self(RwLock::new(Keyed { store, key: Arc::new(NonceKey::derive(secret, &store)) }))
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
        let known = self.nonces.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if known.store == store {
            return Ok(known);
        }
        let fresh = Keyed { store, key: Arc::new(NonceKey::derive(&self.secret, &store)) };
        *self.nonces.0.write().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        Ok(fresh)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}
