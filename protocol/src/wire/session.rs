use serde::{Deserialize, Serialize};

use super::Account;
use crate::id::{DeviceId, RequestId, SessionId};
use crate::time::Timestamp;

/// Answer to a redeem, 201.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedeemedBody {
    /// Who is signed in.
    pub account: Account,
    /// Where the page goes next.
    pub return_to: Option<String>,
    /// When the token is refused.
    pub expires_at: Timestamp,
    /// The server's clock.
    pub now: Timestamp,
}

/// `GET /api/session`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionBody {
    /// Who is signed in.
    pub account: Account,
    /// By which authenticator.
    pub device: SessionDevice,
    /// Since when.
    pub created_at: Timestamp,
    /// When the token is refused.
    pub expires_at: Timestamp,
    /// The server's clock.
    pub now: Timestamp,
}

/// The authenticator as the page may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionDevice {
    /// Its name.
    pub name: String,
}

/// `DELETE /api/session`; the body may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndSessionBody {
    /// True for "Not me".
    #[serde(default)]
    pub report: bool,
}

/// `GET /api/sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionsBody {
    /// Live ones, newest first.
    pub sessions: Vec<SessionRow>,
}

/// A browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionRow {
    /// The session's public id.
    pub id: SessionId,
    /// The login request that it came from.
    pub request: RequestId,
    /// Since when.
    pub created_at: Timestamp,
    /// Last seen.
    pub last_seen_at: Timestamp,
    /// Network address at the sign-in.
    pub address: String,
    /// "Firefox 153", as claimed.
    pub browser: String,
    /// "Windows 11", as claimed.
    pub system: String,
    /// By which authenticator.
    pub device: SessionRowDevice,
    /// Names of the clients of standard front doors that it is used at.
    #[serde(default)]
    pub clients: Vec<String>,
}

/// The authenticator that approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionRowDevice {
    /// Its id.
    pub id: DeviceId,
    /// Its name.
    pub name: String,
}
