//! The context: what the server tells the authenticator about the asking browser, as exact bytes that the decision signs.

use serde::{Deserialize, Serialize};

use crate::encoding;
use crate::id::RequestId;
use crate::key::Thumbprint;
use crate::secret::sha256;
use crate::time::Timestamp;

/// The version that this crate writes and reads.
pub const VERSION: u32 = 1;

/// What the person decides about. Unknown members are ignored, an unknown `v` is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Context {
    /// [`VERSION`].
    pub v: u32,
    /// The login request.
    pub request: RequestId,
    /// The server's origin: what the person signs in to.
    pub origin: String,
    /// Thumbprint of the page's key; null for a device grant.
    pub page_key: Option<Thumbprint>,
    /// The client behind a standard front door, when there is one.
    pub client: Option<Client>,
    /// What the client asks for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// How the code was read.
    pub via: Via,
    /// What the server itself saw.
    pub seen: Seen,
    /// What the browser says of itself.
    pub claimed: Claimed,
    /// Whether the authenticator has to verify its person before an approval; left out unless the owner asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_verification: Option<UserVerification>,
}

/// Whether the person at the authenticator has to show that it is theirs, by the words of WebAuthn (§5.8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum UserVerification {
    /// An approval counts only with `user_verified`.
    Required,
    /// Any other word: read as if it were not there, as WebAuthn does.
    #[serde(other)]
    Other,
}

/// A client of a standard front door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Client {
    /// `client_id` (RFC 6749 §2.2).
    pub id: String,
    /// Its name for people.
    pub name: String,
}

/// How an authenticator came by a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Via {
    /// Read by the camera.
    Camera,
    /// Read from this computer's own screen.
    Screen,
    /// Read from a picture file, a drop or the clipboard.
    Image,
    /// Pasted, clicked or given as an argument.
    Link,
    /// A user code that was typed.
    Typed,
}

/// What the server itself saw of the page, at its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Seen {
    /// The page's network address.
    pub address: String,
    /// When the page started the request.
    pub at: Timestamp,
    /// Whether page and authenticator share a network; null when that cannot be told.
    pub same_network: Option<bool>,
    /// Whether this page key has held a session of this account.
    pub known_browser: bool,
    /// Age of the frame at the scan in seconds; null for a typed code.
    pub frame_age_s: Option<i64>,
}

/// What the browser claims; cleaned, never trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Claimed {
    /// "Firefox 153", or empty.
    pub browser: String,
    /// "Windows 11", or empty.
    pub system: String,
    /// First language asked for (BCP 47), or empty.
    pub language: String,
}

impl Context {
    /// Whether an approval counts only with `user_verified`.
    pub fn requires_verification(&self) -> bool {
        self.user_verification == Some(UserVerification::Required)
    }

    /// Whether a device of RFC 8628 asks: no page and so no key of one, and a client that it runs.
    pub const fn is_of_device(&self) -> bool {
        self.page_key.is_none() && self.client.is_some()
    }

    /// The exact bytes that are sent, hashed and kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a context has string keys only")
    }

    /// Reads the wire form: base64url of JSON bytes. Gives the bytes as they came, since those are what is signed.
    ///
    /// `None` for anything unreadable and for an unknown `v`.
    pub fn parse(wire: &str) -> Option<(Self, Vec<u8>)> {
        let bytes = encoding::from_base64url(wire)?;
        let context: Self = serde_json::from_slice(&bytes).ok()?;
        (context.v == VERSION).then_some((context, bytes))
    }
}

/// `ctx` of a statement: SHA-256 of the context bytes.
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    sha256(bytes)
}
