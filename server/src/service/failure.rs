use protocol::request::Refused;
use thiserror::Error;

use crate::store::StoreError;

/// Why a call was not done. Holds nothing that the caller does not know already.
#[derive(Debug, Error)]
pub enum Failure {
    /// The state table refuses.
    #[error("the login request refuses")]
    Request(#[from] Refused),
    /// The call cannot be read: what is wrong with it.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Not the caller's, or not there: the same answer.
    #[error("not there for this caller")]
    NotFound,
    /// The proof has no nonce or an old one.
    #[error("the proof needs a fresh nonce")]
    NoNonce,
    /// The proof is broken, replayed, for another call, or made with another key than the one that is bound.
    #[error("the proof is not valid")]
    InvalidProof,
    /// No device token or session that counts.
    #[error("not signed in")]
    InvalidToken,
    /// A live session whose token is too old.
    #[error("the session needs a new token")]
    StaleSession,
    /// Enrolment by password; one answer for every cause.
    #[error("the enrolment is refused")]
    EnrolmentRefused,
    /// Enrolment by recovery code; one answer for every cause.
    #[error("the recovery is refused")]
    RecoveryRefused,
    /// A limit.
    #[error("too many")]
    TooMany {
        /// When it is worth trying again, in seconds.
        retry_after_s: u32,
    },
    /// A store is out of reach.
    #[error("a store did not answer")]
    Store(#[source] StoreError),
    /// A fault of ours.
    #[error("internal: {0}")]
    Internal(&'static str),
}

/// Seconds after which a full store is worth another try: the life of most of what fills it.
const FULL_RETRY_S: u32 = 60;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full { during } => {
                tracing::warn!(during, "A bounded store is full");
                Self::TooMany { retry_after_s: FULL_RETRY_S }
            }
            StoreError::Unavailable { .. }
            | StoreError::Damaged { .. }
            | StoreError::Newer { .. }
            | StoreError::File { .. } => Self::Store(error),
        }
    }
}
