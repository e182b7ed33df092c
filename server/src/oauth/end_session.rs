//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): a site asks to sign the browser out.
//!
//! Whoever shows an ID token of this very account has a say; everybody else makes the person be asked, and the answer has
//! to come from the page that asked.

use protocol::hole;
use protocol::id::{AccountId, SessionId};
use protocol::origin::Origin;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::authorization::Refusal;
use super::parameters::{Parameters, Repeated};
use crate::seal::Seal;
use crate::service::{ClientAddress, Failure, Service, SessionCookies};
use crate::store::{By, ClientId, EndReason, SessionView};

/// How long the question may stand, in seconds.
const QUESTION_LIFE_S: i64 = 900;
const PURPOSE: &str = "sign-out";

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// On to this address: the client's, or a path of this server.
    To(String),
    /// The person is asked.
    Ask {
        /// What the answer comes with.
        question: String,
        /// Where it leads to afterwards.
        target: Option<Origin>,
    },
    /// Nobody is signed in here (any more).
    Done,
    /// A page says what is wrong; nothing ended.
    Refused(Refusal),
}

/// What was judged of a call.
struct Asked {
    account: Option<AccountId>,
    target: Option<String>,
}

/// Claims of an ID token, as far as it is a hint.
#[derive(Deserialize)]
pub(super) struct Hint {
    iss: String,
    pub(super) sub: AccountId,
    aud: String,
}

#[derive(Serialize, Deserialize)]
struct Question {
    session: SessionId,
    target: Option<String>,
    at: Timestamp,
}

impl Service {
    /// `GET /oauth/end-session`. `query` is what `parameters` were read from.
    ///
    /// # Errors
    /// [`Failure::Store`], [`Failure::TooMany`].
    pub async fn end_session_for(
        &self,
        parameters: &Parameters,
        query: &str,
        cookies: &SessionCookies,
        address: ClientAddress,
    ) -> Result<Ending, Failure> {
        let asked = match self.asked_to_end(parameters).await? {
            Ok(asked) => asked,
            Err(why) => return Ok(Ending::Refused(why)),
        };
        let view = match self.visitor(cookies, address).await {
            Ok(view) => view,
            Err(Failure::StaleSession) => {
                let here = format!("/oauth/end-session?{query}");
                let mut renew = url::form_urlencoded::Serializer::new(String::new());
                return Ok(Ending::To(format!("/renew?{}", renew.append_pair("return_to", &here).finish())));
            }
            Err(Failure::InvalidToken) => return Ok(onwards(asked.target)),
            Err(failure) => return Err(failure),
        };
        if asked.account == Some(view.account.id) || (asked.account.is_some() && hole!("sign_out_account")) {
            self.end_by_page(&view, address).await?;
            return Ok(onwards(asked.target));
        }
        let target = asked.target.as_deref().and_then(|url| Origin::of(&Url::parse(url).ok()?).ok());
        let question = Question { session: view.session.id, target: asked.target, at: self.now() };
        let plain = serde_json::to_vec(&question).expect("a question has string keys only");
        Ok(Ending::Ask { question: self.questions().close(&plain, self.entropy.bytes_12()), target })
    }

    /// The answer to the question, sent by its page.
    ///
    /// # Errors
    /// As [`Service::end_session_for`].
    pub async fn end_session_confirmed(
        &self,
        question: &str,
        cookies: &SessionCookies,
        address: ClientAddress,
    ) -> Result<Ending, Failure> {
        let plain = self.questions().open(question);
        let asked = plain.and_then(|plain| serde_json::from_slice::<Question>(&plain).ok());
        let Some(asked) = asked.filter(|asked| self.now().since_s(asked.at) < QUESTION_LIFE_S) else {
            return Ok(Ending::Refused(Refusal::Over));
        };
        match self.visitor(cookies, address).await {
            Ok(view) if view.session.id == asked.session || hole!("sign_out_session") => {
                self.end_by_page(&view, address).await?;
            }
            // Somebody else has signed in since: they were not asked.
            Ok(_) => return Ok(Ending::Refused(Refusal::Over)),
            Err(Failure::StaleSession) if cookies.id == Some(asked.session) => {
                // The question stood for longer than a token lives; it was put to whoever had a good one.
                let live = self.durable.session(asked.session, &self.session_lives, self.now()).await?;
                if let Some(view) = live {
                    self.end_by_page(&view, address).await?;
                }
            }
            Err(Failure::StaleSession | Failure::InvalidToken) => {}
            Err(failure) => return Err(failure),
        }
        Ok(onwards(asked.target))
    }

    async fn end_by_page(&self, view: &SessionView, address: ClientAddress) -> Result<(), Failure> {
        let by = By::address(address.to_string());
        let (account, id) = (view.account.id, view.session.id);
        self.durable.end_session(account, id, EndReason::SignedOut, &by, self.now()).await?;
        self.ring(account);
        tracing::info!(session.id = %id, "Session ended by a site");
        Ok(())
    }

    /// Judges everything but who is signed in.
    async fn asked_to_end(&self, parameters: &Parameters) -> Result<Result<Asked, Refusal>, Failure> {
        let read = |name| parameters.one(name).map_err(|Repeated| Refusal::Unreadable);
        let (hint, named, target, state) =
            match (read("id_token_hint"), read("client_id"), read("post_logout_redirect_uri"), read("state"))
            {
                (Ok(hint), Ok(named), Ok(target), Ok(state)) => (hint, named, target, state),
                (Err(why), ..) | (_, Err(why), ..) | (_, _, Err(why), _) | (.., Err(why)) => {
                    return Ok(Err(why));
                }
            };
        let hint = match hint {
            Some(token) => self.hint(token).await?,
            None => None,
        };
        let account = hint.as_ref().map(|hint| hint.sub);
        let client = match (hint.as_ref().map(|hint| hint.aud.as_str()), named) {
            // §2: the OP must verify that both are the same.
            (Some(of_hint), Some(named)) if of_hint != named => return Ok(Err(Refusal::ClientUnknown)),
            (of_hint, named) => of_hint.or(named).map(ClientId::parse),
        };
        let Some(target) = target else {
            return Ok(Ok(Asked { account, target: None }));
        };
        let client = match client {
            None => return Ok(Err(Refusal::ClientMissing)),
            Some(None) => None,
            Some(Some(id)) => self.find_client(&id).await?,
        };
        let Some(client) = client else {
            return Ok(Err(Refusal::ClientUnknown));
        };
        let registered = client
            .post_logout_redirect_uris
            .iter()
            .map(String::as_str)
            .chain(hole!("sign_out_address").then_some(target))
            .find(|uri| *uri == target);
        Ok(match registered.and_then(|uri| with_state(uri, state)) {
            Some(target) => Ok(Asked { account, target: Some(target) }),
            None => Err(Refusal::RedirectUnknown),
        })
    }

    /// An ID token of ours, over or not (§2).
    pub(super) async fn hint(&self, token: &str) -> Result<Option<Hint>, Failure> {
        let read = self.verify_jwt::<Hint>("JWT", token).await;
        let hint = read.map_err(|_| Failure::Internal("the signing keys cannot be read"))?;
        Ok(hint.filter(|hint| hint.iss == self.origin().as_str()))
    }

    fn questions(&self) -> Seal {
        Seal::new(&self.keys(), PURPOSE)
    }
}

fn onwards(target: Option<String>) -> Ending {
    target.map_or(Ending::Done, Ending::To)
}

fn with_state(uri: &str, state: Option<&str>) -> Option<String> {
    let mut url = Url::parse(uri).ok()?;
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    Some(url.into())
}
