//! Clients of the standard front doors as they are kept (RFC 6749 §2).

use std::fmt;

use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

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
