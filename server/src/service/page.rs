//! What the page may do with the request that it started, besides redeeming it.

use protocol::frame::counter_at;
use protocol::hole;
use protocol::id::RequestId;
use protocol::link::LoginLink;
use protocol::request::{Cause, Event, Redeemer, Request, State, apply};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use protocol::wire::{FrameBody, RequestBody};
use subtle::ConstantTimeEq as _;

use super::settle::{NEVER_AT_REST, TURNS_MAX, Written};
use super::{Failure, Service};
use crate::store::Versioned;

impl Service {
    /// `GET /api/login-requests/{id}` (step 2): the polling fallback, and each socket message.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for everybody but the page that started it.
    pub async fn state(&self, id: RequestId, secret: Option<&Secret>) -> Result<RequestBody, Failure> {
        let read = self.owned(id, secret).await?;
        let read = self.settle(read).await?.ok_or(Failure::NotFound)?;
        Ok(self.show(&read.request, self.now()))
    }

    /// `POST /api/login-requests/{id}/user-code`: turns the request to a code to type; frames shown before are dead.
    ///
    /// # Errors
    /// As [`Service::state`]; [`Failure::Request`] once scanned (409) or over (410).
    pub async fn show_user_code(
        &self,
        id: RequestId,
        secret: Option<&Secret>,
    ) -> Result<RequestBody, Failure> {
        let fresh = || Event::ShowUserCode(UserCode::from_random(self.entropy.bytes_16()));
        let (shown, now) = self.transit(id, secret, fresh).await?;
        Ok(self.show(&shown.request, now))
    }

    /// `DELETE /api/login-requests/{id}`: the page calls it off. Again is harmless.
    ///
    /// # Errors
    /// As [`Service::state`]; [`Failure::Request`] (410) when it ended otherwise.
    pub async fn cancel(&self, id: RequestId, secret: Option<&Secret>) -> Result<(), Failure> {
        self.transit(id, secret, || Event::Cancel(Cause::Page)).await.map(drop)
    }

    /// Does what its page asks for to a request; the record that came of it, and when.
    async fn transit(
        &self,
        id: RequestId,
        secret: Option<&Secret>,
        event: impl Fn() -> Event,
    ) -> Result<(Versioned, Timestamp), Failure> {
        for _ in 0..TURNS_MAX {
            let read = self.owned(id, secret).await?;
            let read = self.settle(read).await?.ok_or(Failure::NotFound)?;
            let now = self.now();
            let step = apply(&read.request, &event(), now, &self.lives);
            match self.write(&read, &step, now).await? {
                Written::Yes(written) => {
                    step.answer?;
                    return Ok((written, now));
                }
                Written::Again | Written::UserCodeTaken => {}
                Written::Gone => return Err(Failure::NotFound),
            }
        }
        Err(Failure::Internal(NEVER_AT_REST))
    }

    /// The request, if `secret` is its page's.
    pub(super) async fn owned(&self, id: RequestId, secret: Option<&Secret>) -> Result<Versioned, Failure> {
        self.owned_by(self.short_lived.by_id(id).await?, secret)
    }

    /// As [`Service::owned`], of what was read.
    pub(super) fn owned_by(
        &self,
        read: Option<Versioned>,
        secret: Option<&Secret>,
    ) -> Result<Versioned, Failure> {
        let read = self.remembered(read)?;
        let mine = match &read.request.redeemer {
            Redeemer::Page { secret: kept, .. } => {
                secret.is_some_and(|secret| bool::from(secret.hash().as_bytes().ct_eq(kept.as_bytes())))
            }
            Redeemer::Device { .. } => false,
        };
        if mine || hole!("page_secret") { Ok(read) } else { Err(Failure::NotFound) }
    }

    /// The request as its page sees it.
    pub(super) fn show(&self, request: &Request, now: Timestamp) -> RequestBody {
        let (reason, check, expires_at) = match &request.state {
            State::Waiting { ends_at } | State::Approved { ends_at, .. } => (None, None, *ends_at),
            State::Scanned { ends_at, check, .. } => (None, *check, *ends_at),
            State::Over { outcome, at, .. } => (outcome.reason(), None, at.plus_s(self.lives.final_s)),
        };
        RequestBody {
            id: request.id,
            state: request.state.phase(),
            reason: reason.map(str::to_owned),
            frame: self.frame(request, now),
            user_code: match request.state {
                State::Over { .. } => None,
                State::Waiting { .. } | State::Scanned { .. } | State::Approved { .. } => request.user_code,
            },
            check,
            client: request.client.clone(),
            expires_at,
            now,
        }
    }

    /// When the picture changes by itself; `None` when none is shown.
    pub(super) fn next_frame_at(&self, request: &Request, now: Timestamp) -> Option<Timestamp> {
        if !shows_frame(request) {
            return None;
        }
        let counter = i64::from(counter_at(request.started_at, now, &self.lives));
        Some(request.started_at.plus_s((counter + 1) * self.lives.frame_step_s))
    }

    fn frame(&self, request: &Request, now: Timestamp) -> Option<FrameBody> {
        if !shows_frame(request) {
            return None;
        }
        let counter = counter_at(request.started_at, now, &self.lives);
        let code = self.keys().frame_key(&request.handle).code(request.handle, counter);
        let issued_at = code.issued_at(request.started_at, &self.lives);
        let link = LoginLink { origin: self.origin.clone(), code };
        let url = link.to_string();
        Some(FrameBody {
            png: self.pictures.of(request.id, counter, &url).to_string(),
            url,
            issued_at,
            expires_at: issued_at.plus_s(self.lives.frame_s),
        })
    }
}

const fn shows_frame(request: &Request) -> bool {
    matches!(request.state, State::Waiting { .. }) && request.user_code.is_none()
}
