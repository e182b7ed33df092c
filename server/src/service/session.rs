//! The browser session: who is signed in, a new token in time, and the end.

use protocol::id::SessionId;
use protocol::key::PublicKey;
use protocol::secret::Secret;
use protocol::wire::{Account, SessionBody, SessionDevice};

use super::{ClientAddress, Failure, Service};
use crate::store::{By, EndReason, Refreshed, SessionView};

/// What a browser's cookies say.
#[derive(Debug, Default)]
pub struct SessionCookies {
    /// The public id.
    pub id: Option<SessionId>,
    /// The token, for ten minutes at a time.
    pub token: Option<Secret>,
}

/// A new token for a browser's cookies.
#[derive(Debug)]
pub struct Visit {
    /// The public id.
    pub session: SessionId,
    /// The token.
    pub token: Secret,
    /// What is left of the session's longest life, in seconds.
    pub session_s: u32,
}

impl Service {
    /// `GET /api/session` (step 6).
    ///
    /// # Errors
    /// [`Failure::StaleSession`] with the id of a live session but no good token; [`Failure::InvalidToken`] otherwise.
    pub async fn session(
        &self,
        cookies: &SessionCookies,
        address: ClientAddress,
    ) -> Result<SessionBody, Failure> {
        let view = self.visitor(cookies, address).await?;
        let now = self.now();
        self.durable.touch_session(&view, now).await?;
        Ok(self.session_body(view))
    }

    /// Whether a page navigation comes from a live session whose token is too old; counts nothing and writes nothing.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn is_stale(&self, cookies: &SessionCookies) -> Result<bool, Failure> {
        Ok(matches!(self.find(cookies).await?, Found::Stale))
    }

    /// `POST /api/session/refresh`: a new token for who proves the bound key. A refusal ends nothing.
    ///
    /// # Errors
    /// [`Failure::InvalidProof`] for another key; [`Failure::InvalidToken`] without a live session.
    pub async fn refresh(
        &self,
        id: Option<SessionId>,
        key: &PublicKey,
        address: ClientAddress,
    ) -> Result<Visit, Failure> {
        let id = id.ok_or(Failure::InvalidToken)?;
        let now = self.now();
        let token = self.entropy.secret();
        let refreshed = self
            .durable
            .refresh_session(id, &key.thumbprint(), &token.hash(), &self.session_lives, now)
            .await?;
        match refreshed {
            Refreshed::Refreshed(view) => {
                let ends_at = view.session.created_at.plus_s(self.session_lives.max_s);
                Ok(Visit { session: id, token, session_s: u32::try_from(ends_at.since_s(now)).unwrap_or(0) })
            }
            Refreshed::WrongKey => Err(self.failed(address, Failure::InvalidProof).await),
            Refreshed::NotFound => Err(Failure::InvalidToken),
        }
    }

    /// `DELETE /api/session`: signs out, or says "Not me". A stale session is ended by a proof of its key instead of a
    /// token: the same proof would give a token.
    ///
    /// # Errors
    /// As [`Service::session`]; as [`Service::refresh`] with a proof.
    pub async fn end_session(
        &self,
        cookies: &SessionCookies,
        proven: Option<&PublicKey>,
        report: bool,
        address: ClientAddress,
    ) -> Result<(), Failure> {
        let view = match (self.visitor(cookies, address).await, proven) {
            (Err(Failure::StaleSession), Some(key)) => {
                let visit = self.refresh(cookies.id, key, address).await?;
                let renewed = SessionCookies { id: Some(visit.session), token: Some(visit.token) };
                self.visitor(&renewed, address).await?
            }
            (found, _) => found?,
        };
        let reason = if report { EndReason::Reported } else { EndReason::SignedOut };
        let by = By::address(address.to_string());
        let (account, id) = (view.account.id, view.session.id);
        self.durable.end_session(account, id, reason, &by, self.now()).await?;
        self.ring(account);
        tracing::info!(session.id = %id, reason = reason.as_str(), "Session ended by its page");
        Ok(())
    }

    /// The live session that the cookies have a good token of.
    pub(crate) async fn visitor(
        &self,
        cookies: &SessionCookies,
        address: ClientAddress,
    ) -> Result<SessionView, Failure> {
        if cookies.token.is_some() {
            self.may_prove(address).await?;
        }
        match self.find(cookies).await? {
            Found::SignedIn(view) => Ok(*view),
            // A token that aged beside its session is no guess.
            Found::Stale => Err(Failure::StaleSession),
            Found::Nobody if cookies.token.is_some() => {
                Err(self.failed(address, Failure::InvalidToken).await)
            }
            Found::Nobody => Err(Failure::InvalidToken),
        }
    }

    async fn find(&self, cookies: &SessionCookies) -> Result<Found, Failure> {
        let now = self.now();
        if let Some(token) = &cookies.token
            && let Some(view) = self.durable.session_by_token(&token.hash(), &self.session_lives, now).await?
        {
            return Ok(Found::SignedIn(Box::new(view)));
        }
        let Some(id) = cookies.id else {
            return Ok(Found::Nobody);
        };
        let live = self.durable.session(id, &self.session_lives, now).await?;
        Ok(live.map_or(Found::Nobody, |_| Found::Stale))
    }

    fn session_body(&self, view: SessionView) -> SessionBody {
        SessionBody {
            account: Account { username: view.account.username, display_name: view.account.display_name },
            device: SessionDevice { name: view.device_name },
            created_at: view.session.created_at,
            expires_at: view.token_ends_at,
            now: self.now(),
        }
    }
}

enum Found {
    SignedIn(Box<SessionView>),
    Stale,
    Nobody,
}
