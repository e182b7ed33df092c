//! Problems (RFC 9457): what a caller is told when a call was not done.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use protocol::wire::{ProblemBody, ProblemName, TYPE_PREFIX};

/// A refusal on its way to the caller. Names what happened, never to whom.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) name: ProblemName,
    pub(crate) detail: Option<&'static str>,
    pub(crate) tries_left: Option<u8>,
    pub(crate) retry_after_s: Option<u32>,
}

impl Problem {
    pub(crate) const fn new(name: ProblemName) -> Self {
        Self { name, detail: None, tries_left: None, retry_after_s: None }
    }

    /// 400 with what is wrong.
    pub(crate) const fn malformed(detail: &'static str) -> Self {
        Self { detail: Some(detail), ..Self::new(ProblemName::Malformed) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            type_: format!("{TYPE_PREFIX}{}", self.name.as_str()),
            title: self.name.title().to_owned(),
            status: self.name.status(),
            detail: Some(self.detail.unwrap_or(advice(self.name)).to_owned()),
            tries_left: self.tries_left,
        };
        let status = StatusCode::from_u16(self.name.status()).expect("every problem has an HTTP status");
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

/// What to do about it.
const fn advice(name: ProblemName) -> &'static str {
    match name {
        ProblemName::Malformed => "Compare the call with /openapi.json",
        ProblemName::UseDpopNonce => "Repeat the call with the nonce of the header DPoP-Nonce",
        ProblemName::InvalidProof => {
            "Make a fresh proof for this very call, with the key that is bound to it"
        }
        ProblemName::InvalidToken => "Sign in, or add this device again",
        ProblemName::StaleSession => "Renew the session with POST /api/session/refresh",
        ProblemName::EnrolmentRefused => "Check both, or use an enrolment link",
        ProblemName::WrongOrigin => "Open the page at the server's own address",
        ProblemName::NetworkRefused => "Bring both into one network, then start with a fresh code",
        ProblemName::UserVerificationRequired => {
            "Verify the person, then sign the approval anew with user_verified"
        }
        ProblemName::NotFound => "What was here may have ended; start with a fresh code or link",
        ProblemName::MethodNotAllowed => "See /openapi.json for what the address takes",
        ProblemName::AlreadyScanned => "Go on where it was scanned, or start with a fresh code",
        ProblemName::AlreadyDecided | ProblemName::Ended => "Start with a fresh code",
        ProblemName::NotApproved => "Repeat the call once the state is approved",
        ProblemName::FrameExpired => "Scan the code that the page shows now",
        ProblemName::TooLarge => "Send a smaller body",
        ProblemName::WrongCheck => "Type the number that the page shows",
        ProblemName::TooManyRequests => "Wait for the seconds of the header Retry-After",
        ProblemName::Internal => "Repeat the call; if it fails again, the server's log says why",
        ProblemName::StoreUnavailable => "Repeat the call in a moment",
    }
}
