//! What lies in the keychain, and the way from an account to a client that can speak for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::encoding::{base64url, from_base64url};
use protocol::id::DeviceId;
use protocol::key::SigningKey;
use protocol::secret::{Secret, sha256};
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::accounts::Account;
use crate::error_code::{ErrorCode, Problem};
use crate::keychain::Keychain;
use crate::ports::{Clock, Random, VaultError};
use crate::server_client::{CallError, Credentials, ServerClient, details};
use crate::view::AccountRef;

/// Keychain entry of the enrolment under way.
const PENDING: &str = "enrolling";
/// How long an enrolment can be repeated with the same key, in seconds (docs/protocol.md, Enrolment).
const REPEATABLE_S: i64 = 600;

/// A client for one account, with what it needs to speak for it.
#[derive(Debug)]
pub struct Access {
    /// Talks to the account's server.
    pub client: ServerClient,
    /// The account's device key and token.
    pub auth: Credentials,
}

/// Opens accounts: keychain in, clients out. Cheap to clone; clients are kept for the life of the app.
#[derive(Clone)]
pub struct Reach {
    /// The keychain.
    pub keychain: Keychain,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    open: Arc<Mutex<HashMap<AccountRef, Arc<Access>>>>,
    /// Held while the entry of the enrolment under way is read and written: two at once would take each other's key away.
    pending: Arc<tokio::sync::Mutex<()>>,
}

/// Why something on the way to a server, or there, failed.
#[derive(Debug, Error)]
pub enum Failure {
    /// The call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The keychain.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The keychain has nothing, or nothing usable, under the account's name.
    #[error("the key of this account is not in the keychain")]
    KeyMissing,
}

/// An enrolment's key, stored before anything is sent, so that a lost reply or a crash can be repeated.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Pending {
    /// What is enrolled with: SHA-256 over origin and link code or name.
    #[zeroize(skip)]
    what: String,
    /// When, Unix seconds of this computer.
    at: i64,
    key: String,
}

/// The secrets of an account.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Stored {
    key: String,
    token: String,
}

impl Reach {
    /// Ties the parts together.
    pub fn new(keychain: Keychain, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { keychain, clock, random, open: Arc::default(), pending: Arc::default() }
    }

    /// The client of `account`; reads the keychain the first time.
    ///
    /// # Errors
    /// [`Failure::KeyMissing`], [`Failure::Vault`], [`Failure::Call`].
    pub async fn open(&self, account: &Account) -> Result<Arc<Access>, Failure> {
        if let Some(access) = self.lock().get(&account.id) {
            return Ok(Arc::clone(access));
        }
        let stored = self.keychain.get(account.id.0.clone()).await?.ok_or(Failure::KeyMissing)?;
        let stored: Stored = serde_json::from_slice(&stored).map_err(|_| Failure::KeyMissing)?;
        let (key, _) = read_key(&stored.key).ok_or(Failure::KeyMissing)?;
        let token = Secret::parse(&stored.token).ok_or(Failure::KeyMissing)?;
        let client = self.client(account.origin.clone(), account.pin())?;
        let access = Arc::new(Access { client, auth: Credentials { key: Arc::new(key), token } });
        Ok(Arc::clone(self.lock().entry(account.id.clone()).or_insert(access)))
    }

    /// A client for a server that no account is kept for yet.
    ///
    /// # Errors
    /// As [`ServerClient::new`].
    pub fn client(
        &self,
        origin: protocol::origin::Origin,
        pin: Option<protocol::link::Pin>,
    ) -> Result<ServerClient, CallError> {
        ServerClient::new(origin, pin, Arc::clone(&self.clock), Arc::clone(&self.random))
    }

    /// The key to enrol with: the stored one while the same enrolment can be repeated, else a fresh one that is in the
    /// keychain before this returns.
    ///
    /// # Errors
    /// [`Failure::Vault`].
    pub async fn enrolment_key(&self, what: &[&str]) -> Result<EnrolmentKey, Failure> {
        let what = base64url(&sha256(what.join("\n").as_bytes()));
        let _held = self.pending.lock().await;
        let now = self.clock.unix_s();
        if let Some(stored) = self.keychain.get(PENDING.to_owned()).await?
            && let Ok(pending) = serde_json::from_slice::<Pending>(&stored)
            && pending.what == what
            && (now - pending.at).abs() < REPEATABLE_S
            && let Some((key, pkcs8)) = read_key(&pending.key)
        {
            return Ok(EnrolmentKey { key: Arc::new(key), pkcs8 });
        }
        let (key, pkcs8) = fresh_key()?;
        let pending = Pending { what, at: now, key: base64url(&pkcs8) };
        self.keychain.put(PENDING.to_owned(), to_json(&pending)).await?;
        Ok(EnrolmentKey { key: Arc::new(key), pkcs8 })
    }

    /// Keeps an enrolled device's secrets under the account's name. The enrolment is forgotten once its account is saved.
    ///
    /// # Errors
    /// [`Failure::Vault`].
    pub async fn keep(&self, account: &AccountRef, pkcs8: &[u8], token: &Secret) -> Result<(), Failure> {
        let stored = Stored { key: base64url(pkcs8), token: token.expose() };
        Ok(self.keychain.put(account.0.clone(), to_json(&stored)).await?)
    }

    /// Removes the key of an enrolment that is over; one of another enrolment stays.
    ///
    /// # Errors
    /// [`Failure::Vault`].
    pub async fn forget_enrolment(&self, pkcs8: &[u8]) -> Result<(), Failure> {
        let is_it = |stored: &[u8]| {
            serde_json::from_slice::<Pending>(stored).is_ok_and(|pending| pending.key == base64url(pkcs8))
        };
        let _held = self.pending.lock().await;
        if self.keychain.get(PENDING.to_owned()).await?.is_some_and(|stored| is_it(&stored)) {
            self.keychain.delete(PENDING.to_owned()).await?;
        }
        Ok(())
    }

    /// Removes the key of whatever enrolment was under way.
    ///
    /// # Errors
    /// [`Failure::Vault`].
    pub async fn forget_any_enrolment(&self) -> Result<(), Failure> {
        let _held = self.pending.lock().await;
        Ok(self.keychain.delete(PENDING.to_owned()).await?)
    }

    /// Removes an account's secrets.
    ///
    /// # Errors
    /// [`Failure::Vault`].
    pub async fn forget(&self, account: &AccountRef) -> Result<(), Failure> {
        self.lock().remove(account);
        Ok(self.keychain.delete(account.0.clone()).await?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AccountRef, Arc<Access>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reach(..)")
    }
}

/// A device key on its way to an account.
pub struct EnrolmentKey {
    /// The key.
    pub key: Arc<SigningKey>,
    /// The key for the keychain.
    pub pkcs8: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for EnrolmentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnrolmentKey(..)")
    }
}

impl Failure {
    /// For the person; `codes` says what the call's own refusals mean.
    pub fn problem(&self, codes: impl FnOnce(protocol::wire::ProblemName) -> Option<ErrorCode>) -> Problem {
        match self {
            Self::Call(error) => error.problem(codes),
            Self::Vault(error) => vault_problem(error),
            Self::KeyMissing => Problem { error: ErrorCode::KeyMissing, details: self.to_string() },
        }
    }

    /// The server knows this device no longer.
    pub fn signed_out(&self) -> bool {
        matches!(self, Self::Call(error) if error.signed_out())
    }
}

/// A keychain failure for the person.
pub fn vault_problem(error: &VaultError) -> Problem {
    let code = match error {
        VaultError::NoStore(_) => ErrorCode::KeychainNone,
        VaultError::Locked(_) => ErrorCode::KeychainLocked,
        VaultError::Refused(_) | VaultError::Failed(_) => ErrorCode::KeychainRefused,
        VaultError::TimedOut => ErrorCode::KeychainTimeout,
    };
    Problem { error: code, details: details(error) }
}

/// Deletes a device on its server; a server that does not know it any more is fine too.
///
/// # Errors
/// [`CallError`] when the server could not be told.
pub async fn remove_from_server(
    client: &ServerClient,
    device: DeviceId,
    auth: &Credentials,
) -> Result<(), CallError> {
    match client.remove_device(device, auth).await {
        Err(error) if error.signed_out() || error.name() == Some(protocol::wire::ProblemName::NotFound) => {
            Ok(())
        }
        other => other,
    }
}

fn to_json(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(serde_json::to_vec(value).expect("two strings and a number are JSON"))
}

#[expect(clippy::disallowed_methods, reason = "ring signs with its own generator and takes no other")]
fn read_key(text: &str) -> Option<(SigningKey, Zeroizing<Vec<u8>>)> {
    let pkcs8 = Zeroizing::new(from_base64url(text)?);
    let key = SigningKey::from_pkcs8(&pkcs8, &SystemRandom::new()).ok()?;
    Some((key, pkcs8))
}

#[expect(clippy::disallowed_methods, reason = "ring makes keys with its own generator and takes no other")]
fn fresh_key() -> Result<(SigningKey, Zeroizing<Vec<u8>>), CallError> {
    SigningKey::generate(&SystemRandom::new()).map_err(|error| CallError::Sign(error.into()))
}
