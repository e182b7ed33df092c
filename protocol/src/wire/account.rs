use serde::{Deserialize, Serialize};

use crate::id::{AccountId, DeviceId, SessionId};
use crate::time::Timestamp;

/// An account as a page may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// Its name for signing in.
    pub username: String,
    /// Its name for people.
    pub display_name: String,
}

/// An account as its authenticator knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountRef {
    /// Its id: the `sub` of statements and the chain of its activity.
    pub id: AccountId,
    /// Its name for signing in.
    pub username: String,
    /// Its name for people.
    pub display_name: String,
}

/// `GET /api/activity?after=SEQ`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityBody {
    /// Contiguous from `after`, oldest first, a page at a time.
    pub entries: Vec<ActivityEntry>,
    /// The last one returned, or what `after` stood at.
    pub head: ActivityHead,
}

/// One entry of an account's audit chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityEntry {
    /// Place in the chain, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What, a word.
    pub kind: String,
    /// From where.
    pub address: Option<String>,
    /// By which device.
    pub device: Option<DeviceId>,
    /// About which session.
    pub session: Option<SessionId>,
    /// A short English sentence.
    pub summary: String,
    /// The JSON text that the hash covers, byte for byte.
    pub body: String,
    /// base64url of the entry's hash (see [`crate::audit::hash`]).
    pub hash: String,
}

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityHead {
    /// The last entry's place; 0 for an empty chain.
    pub seq: i64,
    /// base64url of its hash; [`crate::audit::GENESIS`] for an empty chain.
    pub hash: String,
}
