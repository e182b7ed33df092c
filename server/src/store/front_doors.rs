//! What the standard front doors keep (OpenID Connect, RFC 8628, forward auth): clients, consents, grants with their codes
//! and refresh tokens, and keys that sign.

use std::fmt;

use async_trait::async_trait;
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit::By;
use super::error::StoreError;
use super::sessions::{SessionLives, SessionView};

/// What `forward:` stands before: the built-in client of a forward-auth host.
const FORWARD: &str = "forward:";

/// `client_id` (RFC 6749 §2.2): 1 to 128 characters of `A-Z a-z 0-9 - . _ ~`, or `forward:` and a host with its port.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(String);

/// A client as kept. Without a secret it is a public one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredClient {
    /// Its id.
    pub id: ClientId,
    /// Its name for people; cleaned.
    pub name: String,
    /// Hash of its secret; `None` for a public client.
    pub secret: Option<SecretHash>,
    /// Hash of the secret before that, refused from this moment on.
    pub previous_secret: Option<(SecretHash, Timestamp)>,
    /// Where a browser may come back to, compared by `Client::may_redirect_to`.
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after a sign-out, compared byte for byte.
    pub post_logout_redirect_uris: Vec<String>,
    /// Whether it may ask by RFC 8628.
    pub device_grant: bool,
    /// What it may ask for and how.
    pub policy: ClientPolicy,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a client may ask for and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientPolicy {
    /// Scopes that it may have beside those of OpenID Connect.
    pub scopes: Vec<String>,
    /// Longest life of a grant, in seconds; `None`: as long as its session.
    pub session_s: Option<u32>,
    /// Whether the person has to be verified by the authenticator (`user_verification`).
    pub step_up: bool,
    /// Whether its devices show the code as well: then they get `verification_uri_complete` (RFC 8628 §3.3.1).
    pub shows_user_code: bool,
    /// What its ID tokens are signed with.
    pub id_token_alg: Alg,
    /// Where it is told that a session is over (OpenID Connect Back-Channel Logout 1.0 §2.2).
    pub back_channel_logout: Option<String>,
    /// Whether it has to push its authorization requests (RFC 9126 §6).
    pub require_pushed: bool,
    /// Whether pages of its redirect addresses' origins may show the login page in a frame.
    pub embed: bool,
}

/// What a token is signed with, by its name in JOSE (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Alg {
    /// ECDSA on P-256 with SHA-256.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

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

impl ClientId {
    /// Reads an id; `None` for what cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = match text.strip_prefix(FORWARD) {
            Some(host) => {
                !host.is_empty() && host.bytes().all(|byte| is_unreserved(byte) || b":[]".contains(&byte))
            }
            None => !text.is_empty() && text.bytes().all(is_unreserved),
        };
        (is_allowed && text.len() <= 128).then(|| Self(text.to_owned()))
    }

    /// The built-in client of a forward-auth host with its port, if it has one.
    pub fn forward(host: &str) -> Option<Self> {
        Self::parse(&format!("{FORWARD}{host}"))
    }

    /// The host of a built-in client.
    pub fn forward_host(&self) -> Option<&str> {
        self.0.strip_prefix(FORWARD)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Of a URL (RFC 3986 §2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({self})")
    }
}

impl Alg {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// Reads the name.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_unreserved_characters_or_names_a_host() {
        for good in ["a", "Grafana-1.2_x~", "forward:files.example.com", "forward:[::1]:8080"] {
            assert_eq!(ClientId::parse(good).map(|id| id.to_string()).as_deref(), Some(good));
        }
        let long = "a".repeat(129);
        for bad in ["", "forward:", "a b", "a:b", "a/b", "ä", "forward:a/b", long.as_str()] {
            assert_eq!(ClientId::parse(bad), None, "{bad}");
        }
        assert!(ClientId::parse(&long[1..]).is_some());
        let id = ClientId::forward("files.example.com:8443");
        assert_eq!(id.as_ref().and_then(ClientId::forward_host), Some("files.example.com:8443"));
    }
}
