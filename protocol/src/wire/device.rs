use serde::{Deserialize, Serialize};

use super::AccountRef;
use crate::id::DeviceId;
use crate::time::Timestamp;

/// `GET /.well-known/countersign`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WellKnown {
    /// The site's name for people.
    pub name: String,
    /// The configured origin.
    pub origin: String,
    /// Protocol versions that the server speaks.
    pub versions: Vec<u32>,
}

/// `POST /api/devices`: by enrolment code, password or recovery code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EnrolBody {
    /// With a code from an enrolment link.
    Code {
        /// The 26 characters of the link.
        enrolment: String,
        /// The device.
        device: EnrolDevice,
    },
    /// With name and password.
    Password {
        /// The account's name.
        username: String,
        /// Its password.
        password: String,
        /// The device.
        device: EnrolDevice,
    },
    /// With name and recovery code.
    Recovery {
        /// The account's name.
        username: String,
        /// One of its recovery codes, as typed.
        recovery_code: String,
        /// The device.
        device: EnrolDevice,
    },
}

/// Silent: every form holds a secret.
impl std::fmt::Debug for EnrolBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Code { .. } => "EnrolBody::Code(..)",
            Self::Password { .. } => "EnrolBody::Password(..)",
            Self::Recovery { .. } => "EnrolBody::Recovery(..)",
        })
    }
}

/// The device that enrols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolDevice {
    /// Its name for people.
    pub name: String,
    /// Its system.
    pub kind: DeviceKind,
}

/// The system that an authenticator runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeviceKind {
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
    /// Anything else.
    Other,
}

/// Answer to an enrolment, 201.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolledBody {
    /// The device's id.
    pub device_id: DeviceId,
    /// Its token, 43 base64url characters.
    pub token: String,
    /// The account.
    pub account: AccountRef,
    /// The server.
    pub server: ServerRef,
}

/// Silent about the token.
impl std::fmt::Debug for EnrolledBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnrolledBody({}, ..)", self.device_id)
    }
}

/// The server as it calls itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerRef {
    /// Its name for people.
    pub name: String,
    /// Its origin; must be the link's.
    pub origin: String,
}

/// `GET /api/devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DevicesBody {
    /// Trusted ones, oldest first.
    pub devices: Vec<DeviceBody>,
}

/// A trusted device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceBody {
    /// Its id.
    pub id: DeviceId,
    /// Its name.
    pub name: String,
    /// Its system.
    pub kind: DeviceKind,
    /// Enrolled.
    pub created_at: Timestamp,
    /// Last seen.
    pub last_seen_at: Timestamp,
    /// True for the one that asks.
    pub current: bool,
}

/// `PATCH /api/devices/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceName {
    /// The new name.
    pub name: String,
}

/// `POST /api/enrolments`, 201.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolmentBody {
    /// The enrolment link for another device of the same account.
    pub link: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// The server's clock.
    pub now: Timestamp,
}

/// Silent about the link.
impl std::fmt::Debug for EnrolmentBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnrolmentBody(..)")
    }
}

/// `GET /api/recovery-codes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryStatusBody {
    /// Codes that can still be used.
    pub left: u32,
    /// When they were made; null when there are none.
    pub made_at: Option<Timestamp>,
    /// The server's clock.
    pub now: Timestamp,
}

/// `POST /api/recovery-codes`, 201.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryCodesBody {
    /// Ten of them, as `ABCD-EFGH-IJKL-MNOP`; never told again.
    pub codes: Vec<String>,
    /// The server's clock.
    pub now: Timestamp,
}

/// Silent about the codes.
impl std::fmt::Debug for RecoveryCodesBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCodesBody(..)")
    }
}
