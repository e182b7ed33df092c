//! RFC 8628 §3.4 and §3.5: the device asks for its tokens until there is an answer.
//!
//! On approval three things are made, each of them found again by a repeat: the session (one a request, ever), its grant
//! and the first refresh token, whose names follow from the session's token and with it from the device code. So whatever a
//! crash left undone is done by the next poll, and nothing twice.

use protocol::hole;
use protocol::id::GrantId;
use protocol::key::Thumbprint;
use protocol::request::{DeviceProof, Event, Outcome, Redeemer, Refused, Request, State, apply};
use protocol::secret::{Secret, hkdf};
use protocol::time::Timestamp;

use super::clients::Client;
use super::device_authorization::DeviceCode;
use super::error::{ErrorCode, OAuthError};
use super::tokens::TokenBody;
use crate::kill_point::kill_point;
use crate::service::{ClientAddress, Failure, NEVER_AT_REST, Service, TURNS_MAX, Written};
use crate::store::{By, Grant, NewGrant, SessionView, Versioned};

/// `grant_type` (RFC 8628 §3.4).
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

const PENDING: OAuthError = OAuthError::new(
    ErrorCode::AuthorizationPending,
    "The person has not answered yet; ask again after the interval",
);
const SLOW_DOWN: OAuthError =
    OAuthError::new(ErrorCode::SlowDown, "Asked too early; wait 5 seconds longer than before from here on");
const DENIED: OAuthError = OAuthError::new(ErrorCode::AccessDenied, "The person said no");
const EXPIRED: OAuthError =
    OAuthError::new(ErrorCode::ExpiredToken, "The code is over; start anew when the person asks for it");
const OVER: OAuthError = OAuthError::new(
    ErrorCode::InvalidGrant,
    "The device code is wrong, used, over, or another client's; start anew",
);

impl Service {
    /// The token endpoint's answer to a device code (RFC 8628 §3.4). The same poll again within a minute of the approval
    /// gives the same refresh token.
    ///
    /// # Errors
    /// `authorization_pending`, `slow_down`, `access_denied`, `expired_token` (§3.5); `invalid_grant` for a code that is not
    /// this client's or not there, `invalid_dpop_proof` for another key than the one that is bound: both count against the
    /// address.
    pub async fn redeem_device(
        &self,
        client: &Client,
        device_code: &str,
        dpop: Option<Thumbprint>,
        address: ClientAddress,
    ) -> Result<TokenBody, OAuthError> {
        let (grant, refresh) = self.device_grant(client, device_code, dpop, address).await?;
        self.watch_logout(client, &grant).await?;
        self.issue_tokens(client, &grant, Some(refresh), self.now()).await
    }

    /// The grant behind a device code, with its first refresh token.
    async fn device_grant(
        &self,
        client: &Client,
        device_code: &str,
        dpop: Option<Thumbprint>,
        address: ClientAddress,
    ) -> Result<(Grant, Secret), OAuthError> {
        let Some(code) = DeviceCode::parse(device_code) else {
            return Err(self.counted(address, OVER).await);
        };
        let event = Event::Poll(DeviceProof { code: code.secret.hash(), key: dpop });
        for _ in 0..TURNS_MAX {
            let found = self.remembered(self.short_lived.by_id(code.request).await?).ok();
            let Some(found) = found.filter(|found| is_of(&found.request, client)) else {
                return Err(self.counted(address, OVER).await);
            };
            let Some(read) = self.settle(found).await? else { return Err(self.counted(address, OVER).await) };
            let now = self.now();
            let step = apply(&read.request, &event, now, &self.lives);
            let done = match step.answer {
                Ok(done) => done,
                Err(Refused::NotFound) => return Err(self.counted(address, OVER).await),
                Err(Refused::WrongKey) => {
                    return Err(self.failed_client(address, Failure::InvalidProof).await.into());
                }
                Err(refused) => match self.write(&read, &step, now).await? {
                    Written::Yes(written) => return Err(told(refused, &written.request.state)),
                    Written::Again | Written::UserCodeTaken | Written::Gone => continue,
                },
            };
            let asked = (&code.secret, None);
            match self.make_session(&read, &event, done, asked, address, now).await {
                Ok(Some((session, token))) => {
                    kill_point!("before grant", "device");
                    return self.grant_device(client, &read, &session, &token, dpop, address, now).await;
                }
                Ok(None) => {}
                Err(Failure::Request(refused)) => {
                    let last = self.short_lived.by_id(code.request).await?;
                    return Err(last.map_or(OVER, |last| told(refused, &last.request.state)));
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Failure::Internal(NEVER_AT_REST).into())
    }

    /// Makes grant and refresh token of a session, or finds them.
    #[expect(clippy::too_many_arguments, reason = "who asks, with what, for which session")]
    async fn grant_device(
        &self,
        client: &Client,
        read: &Versioned,
        session: &SessionView,
        token: &Secret,
        dpop: Option<Thumbprint>,
        address: ClientAddress,
        now: Timestamp,
    ) -> Result<(Grant, Secret), OAuthError> {
        let made = &session.session;
        let longest_s = client.policy.session_s.map_or(self.session_lives.max_s, i64::from);
        let new = NewGrant {
            id: GrantId::from_random(named::<16>(token, "device grant")),
            client: client.id.clone(),
            client_name: client.name.clone(),
            account: session.account.id,
            session: made.id,
            scopes: read.request.scopes.clone(),
            nonce: None,
            verified: made.verified,
            dpop,
            ends_at: made.created_at.plus_s(longest_s),
            code: None,
        };
        let mut grant = self.durable.grant(new.id, &self.session_lives, now).await?;
        if grant.is_none() {
            let by = By::address(address.to_string());
            if self.durable.create_grant(&new, &self.session_lives, &by, now).await? {
                tracing::info!(
                    request.id = %read.request.id, session.id = %made.id, grant.id = %new.id, client.id = %client.id,
                    "A device is signed in"
                );
            }
            grant = self.durable.grant(new.id, &self.session_lives, now).await?;
        }
        // One that is over was ended by somebody: nothing brings it back.
        let grant = grant.ok_or(OVER)?;
        if grant.dpop != dpop {
            return Err(self.failed_client(address, Failure::InvalidProof).await.into());
        }
        kill_point!("before refresh", "device");
        let refresh = Secret::new(named::<32>(token, "device refresh token"));
        if !self.durable.add_refresh(grant.id, &refresh.hash(), now).await? {
            return Err(OVER);
        }
        Ok((grant, refresh))
    }
}

/// Whether the request was started by this client for a device.
fn is_of(request: &Request, client: &Client) -> bool {
    matches!(request.redeemer, Redeemer::Device { .. })
        && request
            .client
            .as_ref()
            .is_some_and(|started| started.id == client.id.as_str() || hole!("device_client"))
}

/// The word for a refusal where the request stands.
const fn told(refused: Refused, state: &State) -> OAuthError {
    match (refused, state) {
        (Refused::NotApproved, _) => PENDING,
        (Refused::SlowDown { .. }, _) => SLOW_DOWN,
        (_, State::Over { outcome: Outcome::Denied(_) | Outcome::Cancelled(_), .. }) => DENIED,
        (_, State::Over { outcome: Outcome::Expired(_), .. }) => EXPIRED,
        (
            _,
            State::Over { outcome: Outcome::Redeemed, .. }
            | State::Waiting { .. }
            | State::Scanned { .. }
            | State::Approved { .. },
        ) => OVER,
    }
}

/// What follows from the session's token, which nobody but this server can make.
fn named<const N: usize>(token: &Secret, what: &str) -> [u8; N] {
    let bytes = hkdf(token.expose_bytes(), b"", &[b"countersign ", what.as_bytes()]);
    std::array::from_fn(|at| bytes[at])
}
