//! What the standard front doors keep (OpenID Connect, RFC 8628, forward auth): clients, consents, grants with their codes
//! and refresh tokens, and keys that sign.

use std::fmt;

use async_trait::async_trait;
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;

use super::audit::By;
use super::clients::{Alg, ClientId, StoredClient};
use super::error::StoreError;
use super::sessions::{SessionLives, SessionView};

/// What an account lets a client have, remembered from an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who gets it.
    pub client: ClientId,
    /// What.
    pub scopes: Vec<String>,
}

/// A grant to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGrant {
    /// Fresh.
    pub id: GrantId,
    /// To whom.
    pub client: ClientId,
    /// Its name for people, for the activity and the list of sessions.
    pub client_name: String,
    /// By whom.
    pub account: AccountId,
    /// The session that it hangs on; the account's.
    pub session: SessionId,
    /// What.
    pub scopes: Vec<String>,
    /// Comes back in the ID token (OpenID Connect Core §3.1.2.1).
    pub nonce: Option<String>,
    /// Whether the person was verified for it.
    pub verified: bool,
    /// The key that its tokens are bound to (RFC 9449).
    pub dpop: Option<Thumbprint>,
    /// Refused from this moment on, however long its session lives.
    pub ends_at: Timestamp,
    /// The code that is exchanged for tokens; `None` for a device grant.
    pub code: Option<NewCode>,
}

/// An authorization code to be made (RFC 6749 §4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCode {
    /// Its hash.
    pub hash: SecretHash,
    /// Where the browser took it.
    pub redirect_uri: String,
    /// `code_challenge` by S256 (RFC 7636 §4.2).
    pub challenge: String,
    /// Refused from this moment on.
    pub ends_at: Timestamp,
}

/// A grant that lives: neither ended nor old, in a session that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id, the `sid` of its tokens.
    pub id: GrantId,
    /// Whose.
    pub client: ClientId,
    /// Its name for people when the grant was made.
    pub client_name: String,
    /// The session with its account; `auth_time` is its `created_at`.
    pub session: SessionView,
    /// What.
    pub scopes: Vec<String>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// Whether the person was verified for it.
    pub verified: bool,
    /// The key that its tokens are bound to.
    pub dpop: Option<Thumbprint>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if its session does not end before.
    pub ends_at: Timestamp,
}

/// A live grant found by its code, used or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeGrant {
    /// The grant.
    pub grant: Grant,
    /// Where the browser took the code.
    pub redirect_uri: String,
    /// `code_challenge` by S256.
    pub challenge: String,
    /// The code is refused from this moment on.
    pub ends_at: Timestamp,
    /// When it was exchanged.
    pub used_at: Option<Timestamp>,
}

/// How the use of a code went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeUsed {
    /// It is used now.
    Used,
    /// It was used before: its grant has ended now, with all tokens (RFC 6749 §4.1.2).
    Before,
    /// There is no such code, it is too old, or its grant is over.
    Gone,
}

/// How the use of a refresh token went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshUsed {
    /// It is used now; its successor is good.
    Used(Grant),
    /// The same call again: soon after the first time, and its successor, which is this one, is not used yet.
    Repeated(Grant, SecretHash),
    /// It was used before: its grant has ended now (RFC 9700 §4.14.2).
    Reused,
    /// There is no such token, or its grant is over.
    Gone,
}

/// Why a grant ended by itself, its session going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantEnd {
    /// The client gave a token back (RFC 7009).
    Revoked,
    /// A code was used twice.
    CodeReused,
    /// A refresh token was used twice.
    RefreshReused,
}

/// A key that signs tokens, with its private half sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// Its name: the thumbprint of RFC 7638.
    pub kid: String,
    /// What it signs by.
    pub alg: Alg,
    /// PKCS#8, sealed.
    pub sealed: String,
    /// The public half, a JWK.
    pub public_jwk: String,
    /// Signs from this moment on, until another one does.
    pub used_from: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What the standard front doors keep.
///
/// Transactions that run side by side lock before they look, as [`Durable`](super::Durable) says: the session row before
/// the grant row. `create_grant` and `use_code` share the session row, so that an end of it waits or wins; `use_refresh`
/// holds it, since it notes the use; both hold the grant row before they judge it.
#[async_trait]
pub trait FrontDoors: Send + Sync {
    /// Makes a client. `false`: the id is taken.
    async fn create_client(&self, client: &StoredClient) -> Result<bool, StoreError>;

    /// The client with this id.
    async fn client(&self, id: &ClientId) -> Result<Option<StoredClient>, StoreError>;

    /// All clients, by name.
    async fn clients(&self) -> Result<Vec<StoredClient>, StoreError>;

    /// Gives a confidential client another secret; the one before stays good until `previous_ends_at`. `false`: there is no
    /// such client, or it is public.
    async fn rotate_client_secret(
        &self,
        id: &ClientId,
        secret: &SecretHash,
        previous_ends_at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes a client with its grants and consents. `false`: no such client.
    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError>;

    /// What the account lets this client have; `None`: it was never asked.
    async fn consent(&self, account: AccountId, client: &ClientId)
    -> Result<Option<Vec<String>>, StoreError>;

    /// Makes a grant. `false`: the session is not live, or another account's, or there was one with this id. Audit: `client_authorized` for the first
    /// grant of this client since the session began.
    async fn create_grant(
        &self,
        new: &NewGrant,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The live grant of this code, also of one that is used or too old.
    async fn grant_by_code(
        &self,
        code: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<CodeGrant>, StoreError>;

    /// Uses a code, once; binds the grant to `dpop` unless it is bound already, and adds the first refresh token. A second
    /// use ends the grant. Audit for that: `grant_ended`.
    async fn use_code(
        &self,
        code: &SecretHash,
        dpop: Option<&Thumbprint>,
        refresh: Option<&SecretHash>,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<CodeUsed, StoreError>;

    /// The live grant with this id.
    async fn grant(
        &self,
        id: GrantId,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError>;

    /// Adds the first refresh token of a device grant; again with the same one is `true` as well. `false`: the grant is over,
    /// or the token another grant's.
    async fn add_refresh(
        &self,
        grant: GrantId,
        refresh: &SecretHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The live grant of this refresh token, used or not: whose it is has to be judged before it is used.
    async fn grant_by_refresh(
        &self,
        token: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError>;

    /// Uses a refresh token, once, and makes the first of `successors` good; notes the use of the session. A call within
    /// `repeat_s` of that is a repeat while the successor is unused and among its `successors`: one a server key that is
    /// accepted, since the node of before may make with another one. Any other call ends the grant. Audit for that:
    /// `grant_ended`.
    async fn use_refresh(
        &self,
        token: &SecretHash,
        successors: &[SecretHash],
        repeat_s: i64,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<RefreshUsed, StoreError>;

    /// Ends a grant with all its tokens. `false`: there is no open grant with this id. Audit: `grant_ended`.
    async fn end_grant(
        &self,
        id: GrantId,
        reason: GrantEnd,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Names of the clients that have open grants, by the account's sessions; each once a session.
    async fn clients_in_use(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, String)>, StoreError>;

    /// All keys, the newest first (`used_from`).
    async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError>;

    /// Adds a key, if the newest one of its kind (`used_from`) is still `newest`: of two nodes one wins. `false`: it was not.
    async fn add_signing_key(&self, key: &StoredSigningKey, newest: Option<&str>)
    -> Result<bool, StoreError>;

    /// Keeps the private half of a key sealed anew, if it is still sealed as `before`: under another server key. `false`: it
    /// is not, or the key is gone.
    async fn reseal_signing_key(&self, kid: &str, before: &str, sealed: &str) -> Result<bool, StoreError>;

    /// Forgets keys; how many there were.
    async fn remove_signing_keys(&self, kids: &[String]) -> Result<u64, StoreError>;
}

impl GrantEnd {
    /// The word in audit bodies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::CodeReused => "code_reused",
            Self::RefreshReused => "refresh_reused",
        }
    }
}

/// Scopes of before and those that came, each once.
pub(super) fn joined(mut before: Vec<String>, came: &[String]) -> Vec<String> {
    for scope in came {
        if !before.contains(scope) {
            before.push(scope.clone());
        }
    }
    before
}

/// Silent about the private half, sealed as it is.
impl fmt::Debug for StoredSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredSigningKey({} {})", self.alg.as_str(), self.kid)
    }
}
