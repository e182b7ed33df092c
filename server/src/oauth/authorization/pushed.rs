//! Pushed authorization requests (RFC 9126): a client sends its request to this server itself, and the browser brings a
//! reference to it. What the request says is then in no address, and nobody in between can change it.
//!
//! The reference is the judged request, sealed: nothing is stored for it, so nothing fills up. That it was used is
//! remembered where spent proofs are.

use protocol::hole;
use protocol::key::Thumbprint;
use protocol::secret::sha256;
use serde::Serialize;

use super::transaction::NotOpen;
use super::{Answer, Judged, Refusal, Transaction, Way, back};
use crate::oauth::parameters::Parameters;
use crate::oauth::{Client, ErrorCode, OAuthError};
use crate::seal::Seal;
use crate::service::{Failure, Service};

/// What pushed requests are sealed for: none is a transaction, since a transaction names no client any more.
const PURPOSE: &str = "pushed request";
/// RFC 9126 §2.2.
const URN: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a client may take to send the browser here, in seconds (RFC 9126 §2.2: 5 to 600).
const LIFE_S: u32 = 90;

/// What a client is told (RFC 9126 §2.2).
#[derive(Serialize)]
pub struct PushedBody {
    /// What the browser brings.
    pub request_uri: String,
    /// How long it is good, in seconds.
    pub expires_in: u32,
}

/// Silent: who has it can begin this sign-in.
impl std::fmt::Debug for PushedBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PushedBody(.., {})", self.expires_in)
    }
}

/// The reference that the browser brings, if it is one to a pushed request.
pub(super) fn text_of(parameters: &Parameters) -> Option<&str> {
    parameters.one("request_uri").ok().flatten()?.strip_prefix(URN)
}

impl Service {
    /// `POST /oauth/par`: judges the request of a client that has shown who it is. `key`: of the proof that came with it
    /// (RFC 9449 §10.1).
    ///
    /// # Errors
    /// The error of RFC 6749 §4.1.2.1 that the browser would have brought back, for the client itself (RFC 9126 §2.3).
    pub(crate) async fn push(
        &self,
        client: &Client,
        parameters: &Parameters,
        key: Option<Thumbprint>,
    ) -> Result<PushedBody, OAuthError> {
        if parameters.one("request_uri") != Ok(None) {
            return Err(invalid("Push the parameters themselves, without request_uri (RFC 9126, 2.1)"));
        }
        let redirect_uri = match parameters.one("redirect_uri") {
            Ok(Some(uri)) if client.may_redirect_to(uri) => uri,
            Ok(_) | Err(_) => return Err(invalid("Send one redirect_uri that is registered for the client")),
        };
        let mut transaction = self.checked(client, redirect_uri, parameters).await?;
        if key.is_some() && transaction.dpop.is_some_and(|named| Some(named) != key) {
            return Err(invalid("dpop_jkt is another key than that of the DPoP proof (RFC 9449, 10.1)"));
        }
        transaction.dpop = transaction.dpop.or(key);
        let text = self.closed(&self.pushed_requests(), &transaction)?;
        Ok(PushedBody { request_uri: format!("{URN}{text}"), expires_in: LIFE_S })
    }

    /// Goes on with a pushed request that a browser brings, once. Whatever else the browser brings beside it does not count
    /// (RFC 9101 §6.3).
    pub(super) async fn take_up(&self, client: Client, text: &str) -> Result<Judged, Failure> {
        let refused = |why| Ok(Err(Way::refused(why)));
        let now = self.now();
        let opened = Transaction::open_within(LIFE_S.into(), &self.pushed_requests(), text, now);
        let (transaction, is_over) = match opened {
            Ok(transaction) => (transaction, false),
            Err(NotOpen::Over(transaction)) => (*transaction, true),
            Err(NotOpen::Unreadable) => return refused(Refusal::Unreadable),
        };
        // RFC 9126 §2.2 and §4: bound to who pushed it.
        if transaction.client != client.id.as_str() && !hole!("pushed_client") {
            return refused(Refusal::Unreadable);
        }
        if !client.may_redirect_to(&transaction.redirect_uri) {
            return refused(Refusal::RedirectUnknown);
        }
        let answer = |error| {
            let Transaction { redirect_uri, state, .. } = &transaction;
            back(Answer { redirect_uri, state: state.as_deref(), issuer: self.origin() }.error(&error))
        };
        let until = now.plus_s(i64::from(LIFE_S) * 2);
        let spent = async || self.spend_once(PURPOSE, &sha256(text.as_bytes()), until).await;
        if is_over || !(spent().await? || hole!("pushed_once")) {
            let over = "The request was pushed too long ago, or used already; push it again";
            return Ok(Err(answer(OAuthError::new(ErrorCode::InvalidRequestUri, over))));
        }
        let begun = Transaction { started_at: now, ..transaction.clone() };
        Ok(match self.closed(&self.transactions(), &begun) {
            Ok(text) => Ok((begun, text, client)),
            Err(error) => Err(answer(error)),
        })
    }

    fn pushed_requests(&self) -> Seal {
        Seal::new(&self.keys(), PURPOSE)
    }
}

const fn invalid(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, description)
}
