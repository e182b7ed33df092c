//! What a client is told when a call of the standard front doors was not done (RFC 6749 §4.1.2.1 and §5.2, and what others
//! add to it).

use serde::Serialize;
use thiserror::Error;

use crate::causes;
use crate::service::Failure;
use crate::store::StoreError;

/// The word that programs branch on. Each names where it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// RFC 6749 §5.2: a parameter is missing, comes twice or cannot be read.
    InvalidRequest,
    /// RFC 6749 §5.2: no such client, or it did not show who it is.
    InvalidClient,
    /// RFC 6749 §5.2: the code or refresh token is wrong, over, used or another client's.
    InvalidGrant,
    /// RFC 6749 §5.2: the client may not do this.
    UnauthorizedClient,
    /// RFC 6749 §5.2: a kind of grant that this server does not know.
    UnsupportedGrantType,
    /// RFC 6749 §5.2: scopes that cannot be read, or more than were given.
    InvalidScope,
    /// RFC 6749 §4.1.2.1 and RFC 8628 §3.5: the person said no.
    AccessDenied,
    /// RFC 6749 §4.1.2.1: another response type than `code`.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1: a fault of ours.
    ServerError,
    /// RFC 6749 §4.1.2.1: a store is out of reach, or a limit is reached.
    TemporarilyUnavailable,
    /// RFC 8628 §3.5: nobody has decided yet.
    AuthorizationPending,
    /// RFC 8628 §3.5: asked too soon; wait five seconds longer each time.
    SlowDown,
    /// RFC 8628 §3.5: the device code is over.
    ExpiredToken,
    /// RFC 6750 §3.1: the access token is not good.
    InvalidToken,
    /// RFC 6750 §3.1: the access token does not reach that far.
    InsufficientScope,
    /// RFC 9449 §5: the proof is broken, for another call, or was used.
    InvalidDpopProof,
    /// RFC 9449 §8: the proof needs the nonce of the header `DPoP-Nonce`.
    UseDpopNonce,
    /// OpenID Connect Core §3.1.2.6: nobody is signed in, and no page may be shown.
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6: the person has not agreed to this client, and no page may be shown.
    ConsentRequired,
    /// OpenID Connect Core §3.1.2.6: a page has to be shown, and may not.
    InteractionRequired,
    /// OpenID Connect Core §3.1.2.6: `request` is not taken.
    RequestNotSupported,
    /// OpenID Connect Core §3.1.2.6: `request_uri` is not taken.
    RequestUriNotSupported,
    /// OpenID Connect Core §3.1.2.6, RFC 9101 §7: `request_uri` is over.
    InvalidRequestUri,
    /// OpenID Connect Core §3.1.2.6: `registration` is not taken.
    RegistrationNotSupported,
}

/// A refusal on its way to a client. Holds no text of the caller's: it goes into logs, headers and addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// What programs branch on.
    pub code: ErrorCode,
    /// What to do, for the person who writes the client: ASCII without `"` and `\` (RFC 6749 §5.2).
    pub description: &'static str,
    /// When it is worth trying again, in seconds; `Some` for limits and stores out of reach.
    pub retry_after_s: Option<u32>,
    /// The HTTP status where the error is a body.
    pub status: u16,
}

/// `{error, error_description}` (RFC 6749 §5.2).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OAuthErrorBody)]
pub struct ErrorBody {
    /// The word.
    pub error: &'static str,
    /// What to do.
    pub error_description: &'static str,
}

impl ErrorCode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::RegistrationNotSupported => "registration_not_supported",
        }
    }

    /// The HTTP status where the error is a body: 400 but for those that HTTP has a word for.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::AccessDenied
            | Self::UnsupportedResponseType
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::ExpiredToken
            | Self::InvalidDpopProof
            | Self::UseDpopNonce
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::InteractionRequired
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::InvalidRequestUri
            | Self::RegistrationNotSupported => 400,
        }
    }
}

impl OAuthError {
    /// A refusal with what to do about it.
    pub const fn new(code: ErrorCode, description: &'static str) -> Self {
        Self { code, description, retry_after_s: None, status: code.status() }
    }

    /// A limit is reached: 429, so that it reads like one.
    pub const fn limited(retry_after_s: u32) -> Self {
        let description = "Too many calls failed; wait for the seconds of the header Retry-After";
        let retry_after_s = if retry_after_s == 0 { 1 } else { retry_after_s };
        Self {
            retry_after_s: Some(retry_after_s),
            status: 429,
            ..Self::new(ErrorCode::TemporarilyUnavailable, description)
        }
    }

    /// The body.
    pub const fn body(&self) -> ErrorBody {
        ErrorBody { error: self.code.as_str(), error_description: self.description }
    }
}

/// The one place that turns a failure into the words of OAuth.
impl From<Failure> for OAuthError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Malformed(what) => Self::new(ErrorCode::InvalidRequest, what),
            Failure::NoNonce => Self::new(
                ErrorCode::UseDpopNonce,
                "Repeat the call with a fresh proof that has the nonce of the header DPoP-Nonce",
            ),
            Failure::InvalidProof => Self::new(
                ErrorCode::InvalidDpopProof,
                "Make a fresh proof for this very call, with the key that is bound to it",
            ),
            Failure::InvalidToken => Self::new(ErrorCode::InvalidToken, "The token is over or not from here"),
            Failure::TooMany { retry_after_s } => Self::limited(retry_after_s),
            Failure::Store(error) => {
                tracing::error!(error = causes::told(&error), "A store is out of reach");
                Self { retry_after_s: Some(STORE_RETRY_S), ..UNAVAILABLE }
            }
            Failure::Internal(what) => {
                tracing::error!(what, "A call failed by a fault of ours");
                Self::new(ErrorCode::ServerError, "The server could not do it; its log says why")
            }
            Failure::Request(_)
            | Failure::NotFound
            | Failure::StaleSession
            | Failure::EnrolmentRefused
            | Failure::RecoveryRefused => {
                Self::new(ErrorCode::InvalidGrant, "What the call asks for is over; start anew")
            }
        }
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

const STORE_RETRY_S: u32 = 2;
const UNAVAILABLE: OAuthError =
    OAuthError::new(ErrorCode::TemporarilyUnavailable, "Repeat the call in a moment");

#[cfg(test)]
mod tests {
    use protocol::request::Refused;

    use super::*;

    /// RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E.
    fn may_stand_in_a_description(c: char) -> bool {
        matches!(c, ' '..='!' | '#'..='[' | ']'..='~')
    }

    #[test]
    fn every_failure_has_a_word_that_programs_know() {
        let store = StoreError::Unavailable { during: "try", source: "cut".into() };
        for (failure, status, word) in [
            (Failure::Malformed("Send grant_type"), 400, "invalid_request"),
            (Failure::NoNonce, 400, "use_dpop_nonce"),
            (Failure::InvalidProof, 400, "invalid_dpop_proof"),
            (Failure::InvalidToken, 401, "invalid_token"),
            (Failure::TooMany { retry_after_s: 0 }, 429, "temporarily_unavailable"),
            (Failure::Store(store), 503, "temporarily_unavailable"),
            (Failure::Internal("a fault"), 500, "server_error"),
            (Failure::NotFound, 400, "invalid_grant"),
            (Failure::Request(Refused::Ended), 400, "invalid_grant"),
        ] {
            let error = OAuthError::from(failure);
            assert_eq!((error.status, error.body().error), (status, word));
            assert_eq!(error.retry_after_s.is_some(), status == 429 || status == 503);
            assert_ne!(error.retry_after_s, Some(0));
            assert!(error.description.chars().all(may_stand_in_a_description), "{error}");
        }
    }
}
