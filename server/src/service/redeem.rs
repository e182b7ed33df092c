use std::time::Duration;

use protocol::frame::FrameKey;
use protocol::hole;
use protocol::id::{RequestId, SessionId};
use protocol::key::{PublicKey, Thumbprint};
use protocol::request::{Done, Event, PageProof, Refused, Request, State, apply};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use protocol::wire::{Account, RedeemedBody};

use super::settle::{NEVER_AT_REST, TURNS_MAX, is_cancelled};
use super::{ClientAddress, Failure, Service};
use crate::counts;
use crate::kill_point::hold_point;
use crate::store::{
    By, ClientId, Consent, EndReason, NewSession, RedeemRefused, Redeemed, SessionView, Versioned,
};

/// A page that is signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// What the page is told.
    pub body: RedeemedBody,
    /// The session's public id, for its cookie.
    pub session: SessionId,
    /// The session's token, for its cookie; the same for each repeat.
    pub token: Secret,
    /// Longest life of the session, in seconds.
    pub session_s: u32,
}

impl Service {
    /// `POST /api/login-requests/{id}/session` (step 5): makes the session. Again by the same page gives the same.
    ///
    /// The token follows from the page secret, so a repeat needs no stored secret.
    ///
    /// # Errors
    /// [`Failure::NotFound`] without the page's cookie; [`Failure::InvalidProof`] with it but another key;
    /// [`Failure::Request`] too early (409) or too late (410).
    pub async fn redeem(
        &self,
        id: RequestId,
        secret: Option<&Secret>,
        key: &PublicKey,
        address: ClientAddress,
    ) -> Result<SignedIn, Failure> {
        for _ in 0..TURNS_MAX {
            let mut read = self.owned(id, secret).await?;
            if !matches!(read.request.state, State::Approved { .. }) {
                read = self.settle(read).await?.ok_or(Failure::NotFound)?;
            }
            let read = self.settle_if_past(read).await?.ok_or(Failure::NotFound)?;
            let secret = secret.ok_or(Failure::NotFound)?;
            if let Some(signed_in) = self.redeem_once(&read, secret, key, address).await? {
                return Ok(signed_in);
            }
        }
        Err(Failure::Internal(NEVER_AT_REST))
    }

    /// One turn; `None`: the record changed before anything was made, so read and decide again.
    async fn redeem_once(
        &self,
        read: &Versioned,
        secret: &Secret,
        key: &PublicKey,
        address: ClientAddress,
    ) -> Result<Option<SignedIn>, Failure> {
        let now = self.now();
        let page = PageProof { secret: secret.hash(), key: key.thumbprint() };
        let event = Event::Redeem(page);
        let step = apply(&read.request, &event, now, &self.lives);
        if step.answer == Err(Refused::WrongKey) {
            return Err(self.failed(address, Failure::InvalidProof).await);
        }
        let done = step.answer?;
        let made = self.make_session(read, &event, done, (secret, Some(page.key)), address, now).await?;
        Ok(made.map(|(session, token)| self.signed_in(&read.request, session, token, now)))
    }

    /// Makes the session that `event` may have, or finds the one of before, with its token. The token follows from the
    /// secret of whoever redeems. `None` as in [`Service::redeem_once`].
    pub(crate) async fn make_session(
        &self,
        read: &Versioned,
        event: &Event,
        done: Done,
        (secret, page_key): (&Secret, Option<Thumbprint>),
        address: ClientAddress,
        now: Timestamp,
    ) -> Result<Option<(SessionView, Secret)>, Failure> {
        let ticket = match (done, &read.request.state) {
            (Done::Redeemed, State::Approved { lock, .. }) => lock.ticket,
            (Done::RedeemedAgain, State::Over { decided: Some(decided), .. }) => decided.lock.ticket,
            _ => return Err(Failure::Internal("only an approved request can be redeemed")),
        };
        let by = By::address(address.to_string());
        let keys = self.keys();
        let mut token = session_token(keys.making(), &read.request, secret);
        let mut new = NewSession {
            id: SessionId::from_random(self.entropy.bytes_16()),
            ticket,
            request: read.request.id,
            token: token.hash(),
            page_key,
            consent: consent(&read.request)?,
            kind: self.settings.session.kind,
            address: address.to_string(),
            browser: read.request.shown_as().to_owned(),
            system: read.request.claimed.system.clone(),
            verified: read.request.verification,
        };
        hold_point!("redeem");
        let mut made =
            self.durable.redeem(&new, self.lives.approved_s, &self.session_lives, &by, now).await?;
        // A session that was made under another server key, before or by another node, is found by its token.
        for key in &keys.all()[1..] {
            if !matches!(made, Redeemed::Refused(RedeemRefused::Ended)) {
                break;
            }
            token = session_token(key, &read.request, secret);
            new.token = token.hash();
            made = self.durable.redeem(&new, self.lives.approved_s, &self.session_lives, &by, now).await?;
        }
        let session = match made {
            Redeemed::Created { session, ended } => {
                self.note_wait(&read.request, now);
                // Grants of the same account go over to the session that was made.
                for (_, account) in ended.iter().filter(|(_, account)| *account != session.account.id) {
                    self.ring(*account);
                }
                self.finish(read.clone(), event, &session, now).await?;
                tracing::info!(request.id = %read.request.id, session.id = %session.session.id, "Signed in");
                session
            }
            Redeemed::Existing(session) => {
                self.finish(read.clone(), event, &session, now).await?;
                session
            }
            Redeemed::Refused(why) => return self.not_redeemed(read, why).await.map(|()| None),
        };
        Ok(Some((session, token)))
    }

    /// Lets the short-lived record follow the session that was made. Where the request was called off in between, the
    /// session ends again; a deadline that passed in between comes too late, since the durable store had said yes.
    async fn finish(
        &self,
        read: Versioned,
        event: &Event,
        session: &SessionView,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if let Some((written, answer)) = self.follow(read, event, now).await?
            && is_cancelled(&written.request.state)
            && !hole!("called_off")
        {
            let (account, id) = (session.account.id, session.session.id);
            self.durable.end_session(account, id, EndReason::Ended, &By::server(), now).await?;
            self.ring(account);
            answer?;
        }
        Ok(())
    }

    /// The durable store said no to an approval that the short-lived record shows.
    async fn not_redeemed(&self, read: &Versioned, why: RedeemRefused) -> Result<(), Failure> {
        match why {
            RedeemRefused::Other => Err(Failure::NotFound),
            // An approval that the record shows and the durable store does not have went with its account.
            RedeemRefused::NotApproved | RedeemRefused::Ended => {
                self.settle(read.clone()).await?;
                Err(Refused::Ended.into())
            }
        }
    }

    /// Notes how long the page took from the approval on.
    fn note_wait(&self, request: &Request, now: Timestamp) {
        if let State::Approved { ends_at, .. } = &request.state {
            let waited_s = self.lives.approved_s - ends_at.since_s(now);
            counts::REDEEMED_AFTER.note("", Duration::from_secs(u64::try_from(waited_s).unwrap_or(0)));
        }
    }

    fn signed_in(&self, request: &Request, session: SessionView, token: Secret, now: Timestamp) -> SignedIn {
        SignedIn {
            body: RedeemedBody {
                account: Account {
                    username: session.account.username,
                    display_name: session.account.display_name,
                },
                return_to: request.return_to.clone(),
                expires_at: session.token_ends_at,
                now,
            },
            session: session.session.id,
            token,
            session_s: u32::try_from(self.session_lives.max_s).unwrap_or(u32::MAX),
        }
    }
}

/// What an approval of the request lets its client have.
fn consent(request: &Request) -> Result<Option<Consent>, Failure> {
    let Some(client) = &request.client else { return Ok(None) };
    let client =
        ClientId::parse(&client.id).ok_or(Failure::Internal("a request names a client that is there"))?;
    Ok(Some(Consent { client, scopes: request.scopes.clone() }))
}

/// The token of a request's session: it follows from the page secret.
fn session_token(key: &Secret, request: &Request, secret: &Secret) -> Secret {
    FrameKey::derive(key, &request.handle).session_token(secret, &request.id)
}
