use std::fmt;

use serde::{Deserialize, Serialize};

use crate::check::CheckNumber;
use crate::context::{Client, Via};
use crate::id::{RequestId, Ticket};
use crate::request::Phase;
use crate::time::Timestamp;
use crate::user_code::UserCode;

/// `POST /api/login-requests`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartBody {
    /// Where to go afterwards: a path of the same origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_to: Option<String>,
    /// A site's authorization request, as `/login?transaction=` has it; then without `return_to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

/// The request state: answer to a start, to polling, and each WebSocket message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestBody {
    /// The request.
    pub id: RequestId,
    /// Its state's word.
    pub state: Phase,
    /// Why it is over; null while open and when redeemed.
    pub reason: Option<String>,
    /// The frame to show; null unless waiting without a user code.
    pub frame: Option<FrameBody>,
    /// The code to type; null unless asked for.
    pub user_code: Option<UserCode>,
    /// The number to show; null unless scanned.
    pub check: Option<CheckNumber>,
    /// The site behind a standard front door that the person signs in to; null when it is this server's own page.
    #[serde(default)]
    pub client: Option<Client>,
    /// When the state ends; for a final one, when the record is forgotten.
    pub expires_at: Timestamp,
    /// The server's clock.
    pub now: Timestamp,
}

/// One QR picture.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FrameBody {
    /// The link that the picture holds.
    pub url: String,
    /// A one-bit PNG as a data URI.
    pub png: String,
    /// Issue.
    pub issued_at: Timestamp,
    /// End.
    pub expires_at: Timestamp,
}

/// Silent: whoever reads the link can scan it.
impl fmt::Debug for FrameBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameBody(issued at {}, ..)", self.issued_at.unix_s())
    }
}

/// `POST /api/scans`: exactly one of `code` and `user_code`; `via` typed goes with `user_code`, the others with `code`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScanBody {
    /// The 40 characters of a frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the person typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_code: Option<String>,
    /// How it was read.
    pub via: Via,
}

/// Silent: both codes are good until they are scanned.
impl fmt::Debug for ScanBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScanBody({:?}, ..)", self.via)
    }
}

/// Answer to a scan, 201.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScannedBody {
    /// The request.
    pub request: RequestId,
    /// Names the scan.
    pub ticket: Ticket,
    /// base64url of the context bytes.
    pub context: String,
    /// Whether an approval needs the number.
    pub check: bool,
    /// Until when a decision counts.
    pub expires_at: Timestamp,
    /// The server's clock.
    pub now: Timestamp,
}

/// `POST /api/decisions`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionBody {
    /// The compact JWS.
    pub statement: String,
}

/// Silent: whoever holds the statement may send it.
impl fmt::Debug for DecisionBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecisionBody(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_code_and_no_statement() {
        let frame = FrameBody {
            url: "HTTPS://A.EXAMPLE/Q/SECRET".to_owned(),
            png: "data:SECRET".to_owned(),
            issued_at: Timestamp(1),
            expires_at: Timestamp(61),
        };
        let secret = || Some("SECRET".to_owned());
        let scan = ScanBody { code: secret(), user_code: secret(), via: Via::Camera };
        let decision = DecisionBody { statement: "SECRET".to_owned() };
        let shown = format!("{frame:?} {scan:?} {decision:?}");
        assert_eq!(shown, "FrameBody(issued at 1, ..) ScanBody(Camera, ..) DecisionBody(..)");
    }
}
