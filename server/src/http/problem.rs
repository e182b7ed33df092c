//! The one place that turns a failure into a problem.

use protocol::request::Refused;
use protocol::wire::ProblemName;

use crate::causes;
pub(super) use crate::problem::Problem;
use crate::service::Failure;

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => Self::new(ProblemName::NotFound),
            Refused::WrongKey => Self::new(ProblemName::InvalidProof),
            Refused::AlreadyScanned => Self::new(ProblemName::AlreadyScanned),
            Refused::AlreadyDecided => Self::new(ProblemName::AlreadyDecided),
            Refused::NotApproved => Self::new(ProblemName::NotApproved),
            // A device is told so by OAuth's own words.
            Refused::SlowDown { interval_s } => {
                Self { retry_after_s: Some(interval_s), ..Self::new(ProblemName::TooManyRequests) }
            }
            Refused::FrameExpired => Self::new(ProblemName::FrameExpired),
            Refused::Ended => Self::new(ProblemName::Ended),
            Refused::WrongCheck { tries_left } => {
                Self { tries_left: Some(tries_left), ..Self::new(ProblemName::WrongCheck) }
            }
            Refused::NetworkRefused => Self::new(ProblemName::NetworkRefused),
            Refused::NotVerified => Self::new(ProblemName::UserVerificationRequired),
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
            Failure::RecoveryRefused => Self {
                detail: Some("Check name and code; each code works once"),
                ..Self::new(ProblemName::EnrolmentRefused)
            },
            Failure::TooMany { retry_after_s } => {
                Self { retry_after_s: Some(retry_after_s.max(1)), ..Self::new(ProblemName::TooManyRequests) }
            }
            Failure::Store(error) => {
                tracing::error!(error = causes::told(&error), "A store is out of reach");
                Self { retry_after_s: Some(2), ..Self::new(ProblemName::StoreUnavailable) }
            }
            Failure::Internal(what) => {
                tracing::error!(what, "A call failed by a fault of ours");
                Self::new(ProblemName::Internal)
            }
        }
    }
}
