//! What a node signs and verifies tokens with.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use protocol::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::jose::{Signer, key_id};
use super::signing_keys::{Keyring, Loaded, published};
use super::{ErrorCode, OAuthError};
use crate::service::{Failure, Service};
use crate::store::Alg;

/// How long a node goes on with the keys that it has loaded, in seconds: so long may it take until it follows a key that
/// takes over at once.
const LOADED_S: i64 = 60;

/// The keys that this node has loaded. The store has them all.
#[derive(Default)]
pub(crate) struct Signing(RwLock<Option<Arc<Loaded>>>);

impl Signing {
    /// Reads them anew at the next need.
    pub(crate) fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known(&self, now: Timestamp) -> Option<Arc<Loaded>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|loaded| (0..LOADED_S).contains(&now.since_s(loaded.at)))
    }

    fn keep(&self, loaded: Loaded) -> Arc<Loaded> {
        let loaded = Arc::new(loaded);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&loaded));
        loaded
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signing")
    }
}

impl Service {
    /// A JWS of `claims` by the key that signs now.
    ///
    /// # Errors
    /// `temporarily_unavailable` when the store does not answer, `server_error` when there is no key of this algorithm: an
    /// RSA key comes from the operator alone.
    pub(crate) async fn sign_jwt(
        &self,
        typ: &str,
        alg: Alg,
        claims: &(impl Serialize + Sync),
    ) -> Result<String, OAuthError> {
        let signer = self.signer(alg).await?;
        signer.sign(typ, claims).map_err(|_| Failure::Internal("a key did not sign").into())
    }

    /// The claims of a token that one of the published keys signed; whether it is over is not judged. `None`: it is
    /// none of ours.
    pub(crate) async fn verify_jwt<T: DeserializeOwned>(
        &self,
        typ: &str,
        token: &str,
    ) -> Result<Option<T>, OAuthError> {
        let Some(kid) = key_id(token) else { return Ok(None) };
        let mut loaded = self.loaded().await?;
        // Another node may have made a key since; nobody can make this one read more often than each second.
        if loaded.public(&kid).is_none() && loaded.at < self.now() {
            loaded = self.load().await?;
        }
        Ok(loaded.public(&kid).and_then(|key| key.verify(typ, token)))
    }

    /// `GET /oauth/jwks`: all keys that are published, as the store has them at this moment (RFC 7517 §5).
    ///
    /// # Errors
    /// `temporarily_unavailable` when the store does not answer.
    pub async fn jwks(&self) -> Result<serde_json::Value, OAuthError> {
        // So that there is one, whoever asks first.
        self.loaded().await?;
        let rows = self.durable.signing_keys().await?;
        let keys: Vec<_> = rows.iter().filter_map(published).collect();
        Ok(serde_json::json!({ "keys": keys }))
    }

    /// Whether tokens can be signed by this algorithm.
    pub(crate) async fn can_sign(&self, alg: Alg) -> Result<bool, OAuthError> {
        Ok(self.loaded().await?.signer(alg, self.now()).is_some())
    }

    /// Housekeeping: see [`Keyring::tend`].
    pub(crate) async fn tend_signing_keys(&self) -> Result<(), Failure> {
        let keys = self.keys();
        Ok(Keyring::new(&*self.durable, &keys, &*self.entropy).tend(self.now()).await?)
    }

    /// The key that signs by this algorithm now.
    ///
    /// # Errors
    /// As [`Service::sign_jwt`].
    pub(crate) async fn signer(&self, alg: Alg) -> Result<Arc<Signer>, OAuthError> {
        let loaded = self.loaded().await?;
        loaded.signer(alg, self.now()).cloned().ok_or_else(|| {
            tracing::error!(
                alg = alg.as_str(),
                "There is no key that signs by this algorithm, and a client needs it; import one with `signing-keys import`"
            );
            OAuthError::new(ErrorCode::ServerError, "The server has no key that signs by the algorithm of this client")
        })
    }

    async fn loaded(&self) -> Result<Arc<Loaded>, OAuthError> {
        match self.signing.known(self.now()) {
            Some(loaded) => Ok(loaded),
            None => self.load().await,
        }
    }

    async fn load(&self) -> Result<Arc<Loaded>, OAuthError> {
        let keys = self.keys();
        let loaded = Keyring::new(&*self.durable, &keys, &*self.entropy).load(self.now()).await?;
        Ok(self.signing.keep(loaded))
    }
}
