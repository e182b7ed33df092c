//! Problems (RFC 9457): the one place that turns a failure into an answer.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use protocol::request::Refused;
use protocol::wire::{ProblemBody, ProblemName, TYPE_PREFIX};

use crate::service::Failure;

/// A refusal on its way to the caller. Names what happened, never to whom.
#[derive(Debug)]
pub(super) struct Problem {
    name: ProblemName,
    detail: Option<&'static str>,
    tries_left: Option<u8>,
    retry_after_s: Option<u32>,
}

impl Problem {
    pub(super) const fn new(name: ProblemName) -> Self {
        Self { name, detail: None, tries_left: None, retry_after_s: None }
    }

    /// 400 with what is wrong.
    pub(super) const fn malformed(detail: &'static str) -> Self {
        Self { detail: Some(detail), ..Self::new(ProblemName::Malformed) }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => Self::new(ProblemName::NotFound),
            Refused::WrongKey => Self::new(ProblemName::InvalidProof),
            Refused::AlreadyScanned => Self::new(ProblemName::AlreadyScanned),
            Refused::AlreadyDecided => Self::new(ProblemName::AlreadyDecided),
            Refused::NotApproved => Self::new(ProblemName::NotApproved),
            Refused::FrameExpired => Self::new(ProblemName::FrameExpired),
            Refused::Ended => Self::new(ProblemName::Ended),
            Refused::WrongCheck { tries_left } => {
                Self { tries_left: Some(tries_left), ..Self::new(ProblemName::WrongCheck) }
            }
            Refused::NetworkRefused => Self::new(ProblemName::NetworkRefused),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Request(refused) => refused.into(),
            Failure::Malformed(detail) => Self::malformed(detail),
            Failure::NotFound => Self::new(ProblemName::NotFound),
            Failure::NoNonce => Self::new(ProblemName::UseDpopNonce),
            Failure::InvalidProof => Self::new(ProblemName::InvalidProof),
            Failure::InvalidToken => Self::new(ProblemName::InvalidToken),
            Failure::StaleSession => Self::new(ProblemName::StaleSession),
            Failure::EnrolmentRefused => Self::new(ProblemName::EnrolmentRefused),
            Failure::TooMany { retry_after_s } => {
                Self { retry_after_s: Some(retry_after_s.max(1)), ..Self::new(ProblemName::TooManyRequests) }
            }
            Failure::Store(error) => {
                tracing::error!(error = %ErrorChain(&error), "A store is out of reach");
                Self { retry_after_s: Some(2), ..Self::new(ProblemName::StoreUnavailable) }
            }
            Failure::Internal(what) => {
                tracing::error!(what, "A call failed by a fault of ours");
                Self::new(ProblemName::Internal)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            type_: format!("{TYPE_PREFIX}{}", self.name.as_str()),
            title: self.name.title().to_owned(),
            status: self.name.status(),
            detail: self.detail.or_else(|| advice(self.name)).map(str::to_owned),
            tries_left: self.tries_left,
        };
        let status = StatusCode::from_u16(self.name.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = format!("DPoP error=\"{}\"", self.name.as_str());
            let challenge = HeaderValue::try_from(challenge).expect("problem words are ASCII");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// What to do about it, where there is something to do.
const fn advice(name: ProblemName) -> Option<&'static str> {
    match name {
        ProblemName::UseDpopNonce => Some("Repeat the call with the nonce of the header DPoP-Nonce"),
        ProblemName::StaleSession => Some("Renew the session with POST /api/session/refresh"),
        ProblemName::FrameExpired => Some("Scan the code that the page shows now"),
        ProblemName::Ended | ProblemName::NotFound => None,
        ProblemName::WrongCheck => Some("Type the number that the page shows"),
        ProblemName::TooManyRequests => Some("Wait for the seconds of the header Retry-After"),
        ProblemName::StoreUnavailable => Some("Repeat the call in a moment"),
        ProblemName::NotApproved => Some("Repeat the call once the state is approved"),
        ProblemName::Malformed
        | ProblemName::InvalidProof
        | ProblemName::InvalidToken
        | ProblemName::EnrolmentRefused
        | ProblemName::WrongOrigin
        | ProblemName::NetworkRefused
        | ProblemName::MethodNotAllowed
        | ProblemName::AlreadyScanned
        | ProblemName::AlreadyDecided
        | ProblemName::TooLarge
        | ProblemName::Internal => None,
    }
}

/// An error with its causes in one line.
struct ErrorChain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
