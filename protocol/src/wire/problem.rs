use serde::{Deserialize, Serialize};

/// What every problem type starts with (RFC 9457).
pub const TYPE_PREFIX: &str = "urn:countersign:problem:";

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal, $title:literal;)*) => {
        /// Every problem of the interface: its word, status and title.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemName {
            $($(#[$doc])* $name,)*
        }

        impl ProblemName {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The last part of the problem type.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// What happened, a short English sentence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problems! {
    /// The call cannot be read.
    Malformed = "malformed", 400, "The request cannot be read";
    /// No or old nonce.
    UseDpopNonce = "use_dpop_nonce", 401, "The proof needs a fresh nonce";
    /// A proof that is broken, replayed, misdirected, or made with another key.
    InvalidProof = "invalid_proof", 401, "The proof is not valid";
    /// No, unknown or revoked device token, or no session.
    InvalidToken = "invalid_token", 401, "Not signed in";
    /// A live session whose token is too old.
    StaleSession = "stale_session", 401, "The session needs a new token";
    /// Enrolment by password refused; one answer for every cause.
    EnrolmentRefused = "enrolment_refused", 401, "Name or password is wrong, or this account is added by link only";
    /// A state-changing call from elsewhere.
    WrongOrigin = "wrong_origin", 403, "The call comes from another origin";
    /// The network rule.
    NetworkRefused = "network_refused", 403, "That browser is on another network than this authenticator";
    /// The context asks for a verified person, and the approval does not say that it has one.
    UserVerificationRequired = "user_verification_required", 403, "This sign-in counts only after a PIN on the authenticator";
    /// Not yours or not there.
    NotFound = "not_found", 404, "There is nothing here";
    /// The address does not take this method.
    MethodNotAllowed = "method_not_allowed", 405, "The address does not take this method";
    /// Locked to another device.
    AlreadyScanned = "already_scanned", 409, "The code was scanned already";
    /// Decided otherwise.
    AlreadyDecided = "already_decided", 409, "The request was decided already";
    /// Redeemed too early.
    NotApproved = "not_approved", 409, "The request is not approved yet";
    /// The frame is too old.
    FrameExpired = "frame_expired", 410, "The code is too old";
    /// The request is over.
    Ended = "ended", 410, "The request has ended";
    /// The body is over the limit: 16 KiB unless the server is set otherwise.
    TooLarge = "too_large", 413, "The body is too large";
    /// A wrong number.
    WrongCheck = "wrong_check", 422, "The number is wrong";
    /// A limit.
    TooManyRequests = "too_many_requests", 429, "Too many requests";
    /// A fault of ours.
    Internal = "internal", 500, "The server could not do this";
    /// A store is out of reach.
    StoreUnavailable = "store_unavailable", 503, "The server cannot reach its store";
}

impl ProblemName {
    /// Reads a problem type.
    pub fn parse(type_: &str) -> Option<Self> {
        let word = type_.strip_prefix(TYPE_PREFIX)?;
        Self::ALL.iter().copied().find(|name| name.as_str() == word)
    }
}

/// A problem (RFC 9457), `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemBody {
    /// `urn:countersign:problem:NAME`.
    #[serde(rename = "type")]
    pub type_: String,
    /// What happened.
    #[serde(default)]
    pub title: String,
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// With `wrong_check`: numbers that may still be tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u8>,
}
