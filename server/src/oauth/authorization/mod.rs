//! The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): a site sends somebody here, who goes back with
//! a code.
//!
//! 1. [`Service::authorize`] judges the request: client and `redirect_uri` first, since without them nothing may go back.
//!    A client may have sent it before, server to server (`pushed`); then it was judged there, by the same rules.
//! 2. What was judged becomes a [`Transaction`], sealed; nothing is stored of it.
//! 3. Who is signed in and has agreed gets a code at once. Everybody else goes to the login page with the transaction.
//! 4. The page starts a login request with it ([`Service::start`]); the approval is the consent.
//! 5. [`Service::resume`] judges the transaction by the session that came of it.

pub mod answer;
mod pushed;
pub mod request;
pub mod standing;
pub mod transaction;

use protocol::hole;
use protocol::id::GrantId;
use protocol::origin::Origin;
use protocol::time::Timestamp;

use self::answer::Answer;
pub use self::pushed::PushedBody;
use self::standing::{Next, Present, Standing};
pub use self::transaction::{LENGTH_MAX as TRANSACTION_LENGTH_MAX, Transaction};
use self::transaction::{NotOpen, PURPOSE, Prompt};
use super::parameters::Parameters;
use super::{Client, ErrorCode, OAuthError};
use crate::seal::Seal;
use crate::service::{ClientAddress, Failure, Service, SessionCookies};
use crate::store::{By, ClientId, NewCode, NewGrant, SessionView};

/// How long a code is good, in seconds (RFC 6749 §4.1.2: ten minutes at most).
const CODE_LIFE_S: i64 = 60;

/// Why somebody who was sent here is not sent back (RFC 6749 §4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No `client_id`.
    ClientMissing,
    /// No such client.
    ClientUnknown,
    /// No `redirect_uri`.
    RedirectMissing,
    /// Not one of the client's.
    RedirectUnknown,
    /// One of both came twice, or a transaction is not from here.
    Unreadable,
    /// The transaction is too old.
    Over,
}

/// Where a browser goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// To this address: a path of this server, or the client's with an answer.
    To(String),
    /// Nowhere: a page says why. It leads back to the client by this path, if there is one.
    Refused(Refusal, Option<String>),
}

/// Where a browser goes, and whether it lets go of its session's cookies, since there is no such session.
#[derive(Debug)]
pub struct Led {
    /// Where.
    pub way: Way,
    /// True when its cookies are of no live session.
    pub drops_session: bool,
    /// Whose pages may lead there inside a frame.
    pub framed_by: Vec<Origin>,
}

/// Who is led on.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    /// What the browser holds of a session.
    pub cookies: &'a SessionCookies,
    /// Where it is.
    pub address: ClientAddress,
    /// Whether the browser says that this is for a frame (Fetch Metadata, `Sec-Fetch-Dest`).
    pub is_framed: bool,
}

/// A transaction with its sealed text and its client, or where the browser goes instead.
type Judged = Result<(Transaction, String, Client), Way>;

/// What a login request takes from a transaction.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) client: protocol::context::Client,
    pub(crate) scopes: Vec<String>,
    pub(crate) verification: bool,
    pub(crate) return_to: String,
}

impl From<Way> for Led {
    fn from(way: Way) -> Self {
        Self { way, drops_session: false, framed_by: Vec::new() }
    }
}

impl Way {
    const fn refused(why: Refusal) -> Self {
        Self::Refused(why, None)
    }
}

impl Service {
    /// `GET /oauth/authorize`: a code at once, the way to the login page, or back with an error.
    ///
    /// # Errors
    /// [`Failure::Store`] before it is known where an error may go.
    pub async fn authorize(&self, parameters: &Parameters, visitor: Visitor<'_>) -> Result<Led, Failure> {
        match self.judge(parameters).await? {
            Ok((transaction, text, client)) => self.lead_on(&transaction, &text, &client, visitor).await,
            Err(way) => Ok(way.into()),
        }
    }

    /// `POST /oauth/authorize` (OpenID Connect Core §3.1.2.1): the same, but cookies come with a navigation alone, so the
    /// way leads to [`Service::resume`].
    ///
    /// # Errors
    /// As [`Service::authorize`].
    pub async fn authorize_by_form(&self, parameters: &Parameters) -> Result<Way, Failure> {
        Ok(match self.judge(parameters).await? {
            Ok((_, text, _)) => Way::To(resume_path(&text)),
            Err(way) => way,
        })
    }

    /// `GET /oauth/resume`: goes on with a transaction, after a login or a renewal.
    ///
    /// # Errors
    /// As [`Service::authorize`].
    pub async fn resume(&self, parameters: &Parameters, visitor: Visitor<'_>) -> Result<Led, Failure> {
        let refused = |why, back| Ok(Way::Refused(why, back).into());
        let Ok(Some(text)) = parameters.one("transaction") else {
            return refused(Refusal::Unreadable, None);
        };
        match Transaction::open(&self.transactions(), text, self.now()) {
            Ok(transaction) => match self.client_of(&transaction).await? {
                Some(client) => self.lead_on(&transaction, text, &client, visitor).await,
                None => refused(Refusal::ClientUnknown, None),
            },
            Err(NotOpen::Over(_)) => refused(Refusal::Over, Some(cancel_path(text))),
            Err(NotOpen::Unreadable) => refused(Refusal::Unreadable, None),
        }
    }

    /// `GET /oauth/cancel`: back to the client, which hears that nobody agreed. Also with a transaction that is too old.
    ///
    /// # Errors
    /// As [`Service::authorize`].
    pub async fn call_off(&self, parameters: &Parameters) -> Result<Way, Failure> {
        let Ok(Some(text)) = parameters.one("transaction") else {
            return Ok(Way::refused(Refusal::Unreadable));
        };
        let transaction = match Transaction::open(&self.transactions(), text, self.now()) {
            Ok(transaction) => transaction,
            Err(NotOpen::Over(transaction)) => *transaction,
            Err(NotOpen::Unreadable) => return Ok(Way::refused(Refusal::Unreadable)),
        };
        if self.client_of(&transaction).await?.is_none() {
            return Ok(Way::refused(Refusal::ClientUnknown));
        }
        let denied = OAuthError::new(ErrorCode::AccessDenied, "The person did not sign in");
        Ok(back(self.answer_to(&transaction).error(&denied)))
    }

    /// What the login page's request is started with.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no transaction; [`Failure::Request`] (410) for one that is over.
    pub(crate) async fn asking(&self, text: &str) -> Result<Asking, Failure> {
        let transaction = match Transaction::open(&self.transactions(), text, self.now()) {
            Ok(transaction) if transaction.prompt != Prompt::None => transaction,
            Ok(_) | Err(NotOpen::Unreadable) => {
                return Err(Failure::Malformed(
                    "transaction must be one that /oauth/authorize led here with",
                ));
            }
            Err(NotOpen::Over(_)) => return Err(protocol::request::Refused::Ended.into()),
        };
        let client = self.client_of(&transaction).await?;
        let client = client.ok_or(Failure::Request(protocol::request::Refused::Ended))?;
        Ok(Asking {
            client: protocol::context::Client { id: client.id.to_string(), name: client.name.clone() },
            scopes: client.scopes_of(&transaction.scopes),
            verification: client.policy.step_up || transaction.verified,
            return_to: resume_path(text),
        })
    }

    /// Whose pages may show the login page with this transaction in a frame.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub(crate) async fn embedders(&self, text: &str) -> Result<Vec<Origin>, Failure> {
        match Transaction::open(&self.transactions(), text, self.now()) {
            Ok(transaction) => {
                Ok(self.client_of(&transaction).await?.map_or_else(Vec::new, |client| client.embedders()))
            }
            Err(_) => Ok(Vec::new()),
        }
    }

    /// The request as a transaction with its sealed text, or where the browser goes instead.
    async fn judge(&self, parameters: &Parameters) -> Result<Judged, Failure> {
        let refused = |why| Ok(Err(Way::refused(why)));
        let id = match parameters.one("client_id") {
            Ok(Some(id)) => id,
            Ok(None) => return refused(Refusal::ClientMissing),
            Err(_) => return refused(Refusal::Unreadable),
        };
        let known = match ClientId::parse(id) {
            Some(id) => self.find_client(&id).await?,
            None => None,
        };
        let Some(client) = known else {
            return refused(Refusal::ClientUnknown);
        };
        if let Some(text) = pushed::text_of(parameters) {
            return self.take_up(client, text).await;
        }
        let redirect_uri = match parameters.one("redirect_uri") {
            Ok(Some(uri)) if client.may_redirect_to(uri) => uri,
            Ok(Some(_)) => {
                // Not which one: a stranger's words stay out of the log.
                tracing::info!(client.id = %client.id, "The redirect_uri is none that is registered for the client");
                return refused(Refusal::RedirectUnknown);
            }
            Ok(None) => return refused(Refusal::RedirectMissing),
            Err(_) => return refused(Refusal::Unreadable),
        };
        let made = if client.policy.require_pushed {
            Err(OAuthError::new(ErrorCode::InvalidRequest, "This client has to push its requests (RFC 9126)"))
        } else {
            self.checked(&client, redirect_uri, parameters).await
        };
        let closed = made.and_then(|made| Ok((self.closed(&self.transactions(), &made)?, made)));
        Ok(match closed {
            Ok((text, transaction)) => Ok((transaction, text, client)),
            Err(error) => {
                tracing::debug!(client.id = id, %error, "Authorization request refused");
                let state = request::state(parameters);
                Err(back(Answer { redirect_uri, state, issuer: self.origin() }.error(&error)))
            }
        })
    }

    /// What a client asks for, once it and its `redirect_uri` are known to be good.
    async fn checked(
        &self,
        client: &Client,
        redirect_uri: &str,
        parameters: &Parameters,
    ) -> Result<Transaction, OAuthError> {
        // One that cannot be read says nothing about anybody.
        let hint = match parameters.one("id_token_hint") {
            Ok(Some(token)) => self.hint(token).await?.map(|hint| hint.sub),
            Ok(None) | Err(_) => None,
        };
        let asked = request::asked(parameters)?;
        let scopes = client.scopes_of(&asked.scopes);
        if scopes.is_empty() {
            let none = "The client may have none of these scopes";
            return Err(OAuthError::new(ErrorCode::InvalidScope, none));
        }
        let prompt = match asked.prompt {
            Prompt::None if client.is_anybody_at(redirect_uri) => {
                let asked = "Anybody could ask in the name of this client; ask again without prompt=none";
                return Err(OAuthError::new(ErrorCode::InteractionRequired, asked));
            }
            Prompt::Any if client.is_anybody_at(redirect_uri) => Prompt::Fresh,
            prompt => prompt,
        };
        Ok(Transaction {
            client: client.id.to_string(),
            redirect_uri: redirect_uri.to_owned(),
            scopes,
            state: request::state(parameters).map(str::to_owned),
            nonce: asked.nonce,
            challenge: asked.challenge,
            prompt,
            max_age_s: asked.max_age_s,
            verified: asked.verified,
            dpop: asked.dpop,
            hint,
            started_at: self.now(),
        })
    }

    /// The text that travels.
    fn closed(&self, seal: &Seal, transaction: &Transaction) -> Result<String, OAuthError> {
        let text = transaction.close(seal, self.entropy.bytes_12());
        if text.len() > TRANSACTION_LENGTH_MAX {
            let long = "The request is too long; shorten state, nonce, scope or redirect_uri";
            return Err(OAuthError::new(ErrorCode::InvalidRequest, long));
        }
        Ok(text)
    }

    /// A code, a page, or an error, by who is signed in.
    async fn lead_on(
        &self,
        transaction: &Transaction,
        text: &str,
        client: &Client,
        visitor: Visitor<'_>,
    ) -> Result<Led, Failure> {
        let Visitor { cookies, address, is_framed } = visitor;
        let answer = self.answer_to(transaction);
        let framed_by = client.embedders();
        // The code would come to a frame, and with it the whole site: the page asks first, and leads on outside.
        let asks_first =
            is_framed && !framed_by.is_empty() && transaction.prompt != Prompt::None && !hole!("framed_code");
        let (way, drops_session) = match self.visitor(cookies, address).await {
            Ok(view) => match self.code_or_page(transaction, text, client, view, address, asks_first).await {
                Ok(way) => (way, false),
                Err(failure) => (back(answer.error(&failure.into())), false),
            },
            Err(Failure::StaleSession) if asks_first => (Way::To(signed_in_path(text)), false),
            Err(Failure::StaleSession) => (self.way(transaction, text, client, Standing::Stale), false),
            Err(Failure::InvalidToken) => {
                let shown = cookies.id.is_some() || cookies.token.is_some();
                (self.way(transaction, text, client, Standing::Nobody), shown)
            }
            Err(failure) => (back(answer.error(&failure.into())), false),
        };
        Ok(Led { way, drops_session, framed_by })
    }

    async fn code_or_page(
        &self,
        transaction: &Transaction,
        text: &str,
        client: &Client,
        view: SessionView,
        address: ClientAddress,
        asks_first: bool,
    ) -> Result<Way, Failure> {
        let now = self.now();
        self.durable.touch_session(&view, now).await?;
        let consent = self.durable.consent(view.account.id, &client.id).await?.unwrap_or_default();
        let present = Present {
            auth_time: view.session.created_at,
            verified: view.session.verified,
            account: view.account.id,
            consent: &consent,
        };
        match standing::next(transaction, client.policy.step_up, Standing::Present(present), now) {
            Next::Code if asks_first => return Ok(Way::To(signed_in_path(text))),
            Next::Code => {}
            _ => return Ok(self.way(transaction, text, client, Standing::Present(present))),
        }
        let code = self.entropy.secret();
        let session_ends_at = view.session.created_at.plus_s(self.session_lives.max_s);
        let ends_at = client.policy.session_s.map_or(session_ends_at, |life_s| now.plus_s(life_s.into()));
        let new =
            new_grant(transaction, client, &view, GrantId::from_random(self.entropy.bytes_16()), ends_at);
        let new = NewGrant {
            code: Some(NewCode {
                hash: code.hash(),
                redirect_uri: transaction.redirect_uri.clone(),
                challenge: transaction.challenge.clone(),
                ends_at: now.plus_s(CODE_LIFE_S),
            }),
            ..new
        };
        let by = By::address(address.to_string());
        if !self.durable.create_grant(&new, &self.session_lives, &by, now).await? {
            // The session has ended in between.
            return Ok(self.way(transaction, text, client, Standing::Nobody));
        }
        tracing::info!(client.id = %new.client, grant.id = %new.id, session.id = %new.session, "Code issued");
        Ok(back(self.answer_to(transaction).code(&code.expose())))
    }

    /// Where somebody goes who gets no code.
    fn way(&self, transaction: &Transaction, text: &str, client: &Client, standing: Standing<'_>) -> Way {
        match standing::next(transaction, client.policy.step_up, standing, self.now()) {
            Next::Code | Next::Login => Way::To(login_path(text)),
            Next::Renew => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                Way::To(format!("/renew?{}", query.append_pair("return_to", &resume_path(text)).finish()))
            }
            Next::Refuse(code) => {
                back(self.answer_to(transaction).error(&OAuthError::new(code, silent(code))))
            }
        }
    }

    /// The transaction's client, if it still is one that may take the answer.
    async fn client_of(&self, transaction: &Transaction) -> Result<Option<Client>, Failure> {
        let Some(id) = ClientId::parse(&transaction.client) else {
            return Ok(None);
        };
        let client = self.find_client(&id).await?;
        let may = |client: &Client| {
            client.may_redirect_to(&transaction.redirect_uri) || hole!("transaction_client")
        };
        Ok(client.filter(may))
    }

    fn answer_to<'a>(&'a self, transaction: &'a Transaction) -> Answer<'a> {
        let Transaction { redirect_uri, state, .. } = transaction;
        Answer { redirect_uri, state: state.as_deref(), issuer: self.origin() }
    }

    fn transactions(&self) -> Seal {
        Seal::new(&self.keys(), PURPOSE)
    }
}

fn new_grant(
    transaction: &Transaction,
    client: &Client,
    view: &SessionView,
    id: GrantId,
    ends_at: Timestamp,
) -> NewGrant {
    NewGrant {
        id,
        client: client.id.clone(),
        client_name: client.name.clone(),
        account: view.account.id,
        session: view.session.id,
        scopes: transaction.scopes.clone(),
        nonce: transaction.nonce.clone(),
        verified: view.session.verified,
        dpop: transaction.dpop,
        ends_at,
        code: None,
    }
}

/// The way back; an address that was good once and is none leads nowhere.
fn back(address: Option<String>) -> Way {
    address.map_or(Way::refused(Refusal::RedirectUnknown), Way::To)
}

fn login_path(text: &str) -> String {
    format!("/login?transaction={text}")
}

/// The login page that asks whether to go on as who is signed in.
fn signed_in_path(text: &str) -> String {
    format!("{}&signed-in=1", login_path(text))
}

fn resume_path(text: &str) -> String {
    format!("/oauth/resume?transaction={text}")
}

fn cancel_path(text: &str) -> String {
    format!("/oauth/cancel?transaction={text}")
}

/// What the client is told that wanted no page.
const fn silent(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::LoginRequired => {
            "Nobody is signed in, or not lately enough; ask again without prompt=none"
        }
        ErrorCode::ConsentRequired => "The person has not agreed to this yet; ask again without prompt=none",
        _ => "The person has to be asked; ask again without prompt=none",
    }
}
