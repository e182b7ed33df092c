//! Why a call to a server failed, and what the person is told.

use std::error::Error as StdError;

use protocol::jws::JwsError;
use protocol::wire::{ProblemBody, ProblemName};
use thiserror::Error;

use crate::error_code::{ErrorCode, Problem};

/// Why a call failed. What happened matters to the caller in one respect above all: could the server have got it?
#[derive(Debug, Error)]
pub enum CallError {
    /// No connection: the server got nothing.
    #[error("cannot connect to {host}")]
    Connect {
        /// Host and port.
        host: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke after the call was sent: the server may have got it.
    #[error("the connection to {host} broke")]
    Lost {
        /// Host and port.
        host: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// No answer in time: the server may have got it.
    #[error("{host} did not answer in time")]
    TimedOut {
        /// Host and port.
        host: String,
    },
    /// The server's certificate is not trusted.
    #[error("the certificate of {host} is not trusted")]
    Certificate {
        /// Host and port.
        host: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The server holds another key than the pinned one.
    #[error("the key of {host} is not the pinned one")]
    Pin {
        /// Host and port.
        host: String,
    },
    /// The server pointed elsewhere.
    #[error("{host} answered {status}, a redirect")]
    Redirect {
        /// Host and port.
        host: String,
        /// HTTP status.
        status: u16,
    },
    /// The answer does not follow the protocol.
    #[error("the answer of {host} does not follow the protocol: {what}")]
    NotProtocol {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        what: String,
    },
    /// The server speaks only versions above ours.
    #[error("{host} speaks only newer versions")]
    AppTooOld {
        /// Host and port.
        host: String,
    },
    /// The server speaks only versions below ours.
    #[error("{host} speaks only older versions")]
    ServerTooOld {
        /// Host and port.
        host: String,
    },
    /// The server calls itself by another origin.
    #[error("{contacted} calls itself {claimed}")]
    OriginDiffers {
        /// What was contacted.
        contacted: String,
        /// What it calls itself.
        claimed: String,
    },
    /// The context contradicts what was scanned.
    #[error("{host} describes another login than the scanned one: {member}")]
    Contradiction {
        /// Host and port.
        host: String,
        /// The member that differs.
        member: String,
    },
    /// A problem that the protocol names.
    #[error("{host} answered {}: {}", .refusal.status, .refusal.word)]
    Refused {
        /// Host and port.
        host: String,
        /// The problem.
        refusal: Refusal,
    },
    /// The key could not sign.
    #[error("signing failed")]
    Sign(#[source] JwsError),
}

/// A problem (RFC 9457) as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The problem's name, when it is one that this version knows.
    pub name: Option<ProblemName>,
    /// The name as sent, or `no problem details`; at most 80 characters.
    pub word: String,
    /// With `wrong_check`.
    pub tries_left: Option<u8>,
    /// With 429 and 503, in seconds.
    pub retry_after_s: Option<u32>,
}

impl Refusal {
    /// Reads a problem body; anything else still has its status.
    pub(super) fn read(status: u16, retry_after_s: Option<u32>, body: &[u8]) -> Self {
        let problem: Option<ProblemBody> = serde_json::from_slice(body).ok();
        let (name, word) = match &problem {
            Some(body) => (ProblemName::parse(&body.type_), protocol::text::clean(&body.type_, 80)),
            None => (None, "no problem details".to_owned()),
        };
        Self { status, name, word, tries_left: problem.and_then(|body| body.tries_left), retry_after_s }
    }
}

impl CallError {
    /// Sorts a transport failure.
    pub(super) fn transport(host: &str, pinned: bool, source: reqwest::Error) -> Self {
        let host = host.to_owned();
        match tls_cause(&source) {
            Some(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            )) if pinned => Self::Pin { host },
            Some(rustls::Error::InvalidCertificate(_)) => Self::Certificate { host, source },
            _ if source.is_connect() => Self::Connect { host, source },
            _ if source.is_timeout() => Self::TimedOut { host },
            _ => Self::Lost { host, source },
        }
    }

    /// The server cannot have got the call.
    pub const fn surely_not_sent(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Certificate { .. } | Self::Pin { .. } | Self::Sign(_))
    }

    /// The server may or may not have got the call; sending it again may help.
    pub const fn reply_lost(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::TimedOut { .. })
    }

    /// The problem that the server named, if it did.
    pub const fn name(&self) -> Option<ProblemName> {
        match self {
            Self::Refused { refusal, .. } => refusal.name,
            _ => None,
        }
    }

    /// The tries left, with `wrong_check`.
    pub const fn tries_left(&self) -> Option<u8> {
        match self {
            Self::Refused { refusal, .. } => refusal.tries_left,
            _ => None,
        }
    }

    /// The device or its token is unknown to the server: the account is signed out here.
    pub fn signed_out(&self) -> bool {
        self.name() == Some(ProblemName::InvalidToken)
    }

    /// For the person; `codes` says what this call's own refusals mean.
    pub fn problem(&self, codes: impl FnOnce(ProblemName) -> Option<ErrorCode>) -> Problem {
        let own = self.name().and_then(codes);
        Problem { error: own.unwrap_or_else(|| self.code()), details: details(self) }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::Connect { host, .. } | Self::Lost { host, .. } => {
                ErrorCode::ServerUnreachable { host: host.clone() }
            }
            Self::TimedOut { host } => ErrorCode::ServerTimeout { host: host.clone() },
            Self::Certificate { host, .. } => ErrorCode::CertificateRefused { host: host.clone() },
            Self::Pin { host } => ErrorCode::PinMismatch { host: host.clone() },
            Self::Redirect { host, .. } => ErrorCode::RedirectRefused { host: host.clone() },
            Self::NotProtocol { host, .. } => ErrorCode::NotCountersign { host: host.clone() },
            Self::AppTooOld { host } => ErrorCode::AppTooOld { host: host.clone() },
            Self::ServerTooOld { host } => ErrorCode::ServerTooOld { host: host.clone() },
            Self::OriginDiffers { contacted, claimed } => {
                ErrorCode::OriginDiffers { contacted: contacted.clone(), claimed: claimed.clone() }
            }
            Self::Contradiction { .. } => ErrorCode::ContextRefused,
            Self::Sign(_) => ErrorCode::Internal,
            Self::Refused { host, refusal } => refusal_code(host, refusal),
        }
    }
}

/// What a refusal means wherever the call has no better word for it.
fn refusal_code(host: &str, refusal: &Refusal) -> ErrorCode {
    match (refusal.status, refusal.name) {
        (429, _) => ErrorCode::RateLimited { retry_after_s: refusal.retry_after_s.unwrap_or(60) },
        (_, Some(ProblemName::InvalidToken)) => ErrorCode::SignedOut,
        (_, Some(ProblemName::InvalidProof | ProblemName::UseDpopNonce)) => ErrorCode::ProofRefused,
        (_, Some(ProblemName::NotFound)) => ErrorCode::NotThere,
        (_, Some(ProblemName::NetworkRefused)) => ErrorCode::NetworkRefused,
        (_, Some(ProblemName::UserVerificationRequired)) => ErrorCode::PinAsked,
        (500..=599, _) => ErrorCode::ServerUnavailable { host: host.to_owned() },
        _ => ErrorCode::NotCountersign { host: host.to_owned() },
    }
}

/// An error with its causes, joined by `: `, for "Copy details".
pub fn details(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text.chars().take(2_000).collect()
}

/// The TLS error among the causes; some of them sit inside an [`std::io::Error`].
fn tls_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        if let Some(inner) = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && let Some(tls) = tls_cause(inner)
        {
            return Some(tls);
        }
        next = cause.source();
    }
    None
}
