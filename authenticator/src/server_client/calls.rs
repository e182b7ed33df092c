//! The calls of an authenticator, one function each.

use protocol::context::{Context, Via};
use protocol::frame::FrameCode;
use protocol::id::{DeviceId, SessionId, Ticket};
use protocol::key::SigningKey;
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use protocol::wire::{
    ActivityBody, DecisionBody, DeviceName, DevicesBody, EnrolBody, EnrolledBody, EnrolmentBody, ProblemName,
    ScanBody, ScannedBody, SessionsBody, VERSION, WellKnown,
};
use reqwest::Method;

use super::{Auth, CallError, Credentials, SESSIONS, ServerClient};

/// No body.
const NOTHING: Option<&()> = None;

/// A code on its way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScannedCode {
    /// A frame, and how it was read (not [`Via::Typed`]).
    Frame(FrameCode, Via),
    /// A typed code.
    User(UserCode),
}

/// A scan that was accepted, its context read.
#[derive(Debug, Clone)]
pub struct Scanned {
    /// Names the scan.
    pub ticket: Ticket,
    /// What the server says about the login.
    pub context: Context,
    /// SHA-256 of exactly the bytes that `context` was read from.
    pub context_hash: [u8; 32],
    /// An approval needs the number.
    pub check_wanted: bool,
    /// Seconds until a decision counts no more, by the server's clock.
    pub left_s: u32,
    /// The server's clock.
    pub now: Timestamp,
}

/// What became of a statement.
#[derive(Debug)]
pub enum DecisionAnswer {
    /// It counts.
    Accepted,
    /// 422: another number is on that screen.
    WrongCheck {
        /// Tries left.
        tries_left: u8,
    },
    /// 409: another decision counts.
    DecidedBefore,
    /// 410, or 404: the login is over, or the server does not know it any more.
    Ended,
    /// Anything else; sending it again is harmless.
    Failed(CallError),
}

impl ServerClient {
    /// Asks the server who it is, once in this run: name, versions, and a first nonce come with it.
    ///
    /// # Errors
    /// [`CallError::AppTooOld`], [`CallError::ServerTooOld`], [`CallError::OriginDiffers`], and the usual ones.
    pub async fn meet(&self) -> Result<&WellKnown, CallError> {
        self.met.get_or_try_init(|| self.ask_who()).await
    }

    async fn ask_who(&self) -> Result<WellKnown, CallError> {
        let known: WellKnown =
            match self.ask(Method::GET, "/.well-known/countersign", NOTHING, Auth::None).await {
                Err(CallError::Refused { refusal, .. }) if refusal.name == Some(ProblemName::NotFound) => {
                    return Err(self.not_protocol("404 for its description"));
                }
                other => other?,
            };
        self.check_version(&known.versions)?;
        self.check_origin(&known.origin)?;
        Ok(known)
    }

    fn check_version(&self, versions: &[u32]) -> Result<(), CallError> {
        if versions.contains(&VERSION) {
            Ok(())
        } else if versions.iter().any(|version| *version > VERSION) {
            Err(CallError::AppTooOld { host: self.host() })
        } else {
            Err(CallError::ServerTooOld { host: self.host() })
        }
    }

    fn check_origin(&self, claimed: &str) -> Result<(), CallError> {
        if claimed == self.origin.as_str() {
            Ok(())
        } else {
            let claimed = protocol::text::clean(claimed, 200);
            Err(CallError::OriginDiffers { contacted: self.origin.to_string(), claimed })
        }
    }

    /// Enrols this computer. An answer whose `server.origin` differs is refused.
    ///
    /// # Errors
    /// As [`Self::meet`]; 401 `enrolment_refused`; 404 for an unknown or used link.
    pub async fn enrol(&self, body: &EnrolBody, key: &SigningKey) -> Result<EnrolledBody, CallError> {
        self.meet().await?;
        let enrolled: EnrolledBody =
            self.ask(Method::POST, "/api/devices", Some(body), Auth::Key(key)).await?;
        self.check_origin(&enrolled.server.origin)?;
        Ok(enrolled)
    }

    /// Scans a code. Repeating it after a lost reply gives the same answer.
    ///
    /// # Errors
    /// 403 `network_refused`, 404, 409 `already_scanned`, 410 `frame_expired` and `ended`, 429;
    /// [`CallError::NotProtocol`] when the context contradicts what was scanned.
    pub async fn scan(&self, code: &ScannedCode, auth: &Credentials) -> Result<Scanned, CallError> {
        self.meet().await?;
        let body = match code {
            ScannedCode::Frame(frame, via) => {
                ScanBody { code: Some(frame.to_string()), user_code: None, via: *via }
            }
            ScannedCode::User(code) => {
                ScanBody { code: None, user_code: Some(code.to_string()), via: Via::Typed }
            }
        };
        let via = body.via;
        let answer: ScannedBody =
            self.ask(Method::POST, "/api/scans", Some(&body), Auth::Device(auth)).await?;
        let (context, bytes) =
            Context::parse(&answer.context).ok_or_else(|| self.unreadable_context(&answer.context))?;
        if context.origin != self.origin.as_str() {
            return Err(self.contradiction("origin"));
        }
        if context.request != answer.request {
            return Err(self.contradiction("request"));
        }
        if context.via != via {
            return Err(self.contradiction("via"));
        }
        let left_s = u32::try_from(answer.expires_at.since_s(answer.now).max(0)).unwrap_or(u32::MAX);
        let context_hash = protocol::context::hash(&bytes);
        Ok(Scanned {
            ticket: answer.ticket,
            context,
            context_hash,
            check_wanted: answer.check,
            left_s,
            now: answer.now,
        })
    }

    /// A context of a version that is not spoken here asks for an update; anything else unreadable is a broken server.
    fn unreadable_context(&self, wire: &str) -> CallError {
        #[derive(serde::Deserialize)]
        struct Versioned {
            v: u32,
        }
        let version = protocol::encoding::from_base64url(wire)
            .and_then(|bytes| serde_json::from_slice::<Versioned>(&bytes).ok());
        match version {
            Some(Versioned { v }) if v > protocol::context::VERSION => {
                CallError::AppTooOld { host: self.host() }
            }
            Some(Versioned { v }) if v < protocol::context::VERSION => {
                CallError::ServerTooOld { host: self.host() }
            }
            _ => self.not_protocol("the context cannot be read"),
        }
    }

    fn contradiction(&self, member: &str) -> CallError {
        CallError::Contradiction { host: self.host(), member: member.to_owned() }
    }

    /// Sends a statement. Whoever holds it may send it, as often as needed: the same one changes nothing twice.
    pub async fn decide(&self, statement: &str) -> DecisionAnswer {
        let body = DecisionBody { statement: statement.to_owned() };
        let answer = self.tell(Method::POST, "/api/decisions", Some(&body), Auth::None).await;
        let Err(error) = answer else { return DecisionAnswer::Accepted };
        match (error.name(), error.tries_left()) {
            (Some(ProblemName::WrongCheck), tries_left) => {
                DecisionAnswer::WrongCheck { tries_left: tries_left.unwrap_or(0) }
            }
            (Some(ProblemName::AlreadyDecided), _) => DecisionAnswer::DecidedBefore,
            (Some(ProblemName::Ended | ProblemName::FrameExpired | ProblemName::NotFound), _) => {
                DecisionAnswer::Ended
            }
            _ => DecisionAnswer::Failed(error),
        }
    }

    /// Where the account is signed in.
    ///
    /// # Errors
    /// The usual ones.
    pub async fn sessions(&self, auth: &Credentials) -> Result<SessionsBody, CallError> {
        self.ask(Method::GET, SESSIONS, NOTHING, Auth::Device(auth)).await
    }

    /// Ends one session.
    ///
    /// # Errors
    /// 404 when it is gone already.
    pub async fn end_session(&self, session: SessionId, auth: &Credentials) -> Result<(), CallError> {
        self.delete(&format!("{SESSIONS}/{session}"), auth).await
    }

    /// Ends all sessions and every login under way.
    ///
    /// # Errors
    /// The usual ones.
    pub async fn end_all_sessions(&self, auth: &Credentials) -> Result<(), CallError> {
        self.delete(SESSIONS, auth).await
    }

    /// The account's trusted devices.
    ///
    /// # Errors
    /// The usual ones.
    pub async fn devices(&self, auth: &Credentials) -> Result<DevicesBody, CallError> {
        self.ask(Method::GET, "/api/devices", NOTHING, Auth::Device(auth)).await
    }

    /// Gives a device another name.
    ///
    /// # Errors
    /// 404 when it is gone.
    pub async fn rename_device(
        &self,
        device: DeviceId,
        name: &str,
        auth: &Credentials,
    ) -> Result<(), CallError> {
        let body = DeviceName { name: name.to_owned() };
        let path = format!("/api/devices/{device}");
        self.tell(Method::PATCH, &path, Some(&body), Auth::Device(auth)).await
    }

    /// Removes a device; its own is a sign-out.
    ///
    /// # Errors
    /// 404 when it is gone.
    pub async fn remove_device(&self, device: DeviceId, auth: &Credentials) -> Result<(), CallError> {
        self.delete(&format!("/api/devices/{device}"), auth).await
    }

    /// Makes an enrolment link for another device of the account.
    ///
    /// # Errors
    /// The usual ones.
    pub async fn new_enrolment(&self, auth: &Credentials) -> Result<EnrolmentBody, CallError> {
        self.ask(Method::POST, "/api/enrolments", NOTHING, Auth::Device(auth)).await
    }

    /// A page of the account's activity after entry `after`.
    ///
    /// # Errors
    /// The usual ones.
    pub async fn activity(&self, after: i64, auth: &Credentials) -> Result<ActivityBody, CallError> {
        self.ask(Method::GET, &format!("/api/activity?after={after}"), NOTHING, Auth::Device(auth)).await
    }

    async fn delete(&self, path: &str, auth: &Credentials) -> Result<(), CallError> {
        self.tell(Method::DELETE, path, NOTHING, Auth::Device(auth)).await
    }
}
