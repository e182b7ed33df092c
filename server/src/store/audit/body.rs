use protocol::id::{DeviceId, RequestId, SessionId, Ticket};
use serde::{Deserialize, Serialize};

use crate::store::devices::Device;

/// The word of an enrolment by recovery code.
pub const BY_RECOVERY: &str = "recovery_code";

/// Details of an entry. Written as JSON; what is not there is left out, unknown members are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Body {
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// By which device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceRef>,
    /// True when the operator did it at the command line.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub operator: bool,
    /// The device that it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<DeviceRef>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The login request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// The browser, as claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Its system, as claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Why, a word: an `EndReason`, a `GrantEnd`, `check` or `network`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How: `code`, `password` or [`BY_RECOVERY`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The client of a standard front door.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientRef>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// base64url SHA-256 over the statement that was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

/// A device as it was called at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRef {
    /// Its id.
    pub id: DeviceId,
    /// Its name then.
    pub name: String,
}

/// A client as it was called at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRef {
    /// Its id.
    pub id: String,
    /// Its name then.
    pub name: String,
}

/// Who acts, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct By {
    address: Option<String>,
    device: Option<DeviceRef>,
    operator: bool,
}

impl By {
    /// The operator at the command line.
    pub const fn operator() -> Self {
        Self { address: None, device: None, operator: true }
    }

    /// A trusted device that calls from `address`.
    pub fn device(device: &Device, address: impl Into<String>) -> Self {
        Self { address: Some(address.into()), device: Some(device.to_ref()), operator: false }
    }

    /// A page, or a device that is not trusted yet.
    pub fn address(address: impl Into<String>) -> Self {
        Self { address: Some(address.into()), device: None, operator: false }
    }

    /// The server itself: a deadline passed.
    pub const fn server() -> Self {
        Self { address: None, device: None, operator: false }
    }

    /// True for exactly this device.
    pub fn is_device(&self, device: DeviceId) -> bool {
        self.device.as_ref().is_some_and(|acting| acting.id == device)
    }

    /// A body that says so and nothing else yet.
    pub fn body(&self) -> Body {
        Body {
            address: self.address.clone(),
            device: self.device.clone(),
            operator: self.operator,
            ..Body::default()
        }
    }
}

impl Body {
    /// The text that is stored and hashed.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a body has string keys only")
    }

    /// Reads a stored text; what cannot be read is left out, since a log stays readable when a version differs.
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}
