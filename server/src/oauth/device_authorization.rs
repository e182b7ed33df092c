//! RFC 8628 §3.1 and §3.2: a device or program without a browser asks for a code that its person types into the
//! authenticator.

use std::fmt;

use protocol::context;
use protocol::encoding::{array_from_base64url, base64url};
use protocol::hole;
use protocol::id::{Handle, RequestId};
use protocol::key::Thumbprint;
use protocol::request::{Event, POLL_INTERVAL_S, Polls, Redeemer, Request, apply};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use serde::Serialize;

use super::clients::{Client, is_scope};
use super::error::{ErrorCode, OAuthError};
use crate::counts;
use crate::service::{ClientAddress, Failure, NEVER_AT_REST, Service, TURNS_MAX, Written, user_agent};
use crate::store::{Counter, Inserted, Versioned};

/// Where the person reads what to do.
const VERIFICATION_PATH: &str = "/device";

/// The answer to a device (RFC 8628 §3.2).
#[derive(Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DeviceAuthorizationBody {
    /// The device's own: whoever has it gets the tokens. 64 base64url characters.
    pub device_code: String,
    /// What the person types, as `XXXX-XXXX`.
    #[schema(value_type = String)]
    pub user_code: UserCode,
    /// Where the person reads what to do.
    pub verification_uri: String,
    /// The same with the code in it; left out unless the client shows the code as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// Life of both codes, in seconds.
    pub expires_in: i64,
    /// Smallest wait between two polls, in seconds.
    pub interval: u32,
}

/// Silent: one of its codes gives the tokens, the other could be typed.
impl fmt::Debug for DeviceAuthorizationBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceAuthorizationBody(..)")
    }
}

/// Names a request and proves that its device asks.
pub(super) struct DeviceCode {
    pub(super) request: RequestId,
    pub(super) secret: Secret,
}

impl DeviceCode {
    /// Reads base64url(request id ‖ secret); `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = zeroize::Zeroizing::new(array_from_base64url::<48>(text)?);
        let (request, secret) = bytes.split_at(16);
        Some(Self {
            request: RequestId::from_random(request.try_into().ok()?),
            secret: Secret::new(secret.try_into().ok()?),
        })
    }

    fn expose(&self) -> String {
        let mut bytes = zeroize::Zeroizing::new([0; 48]);
        bytes[..16].copy_from_slice(self.request.as_bytes());
        bytes[16..].copy_from_slice(self.secret.expose_bytes());
        base64url(&*bytes)
    }
}

/// What a device says of itself in the head of its call.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// `Accept-Language`.
    pub accept_language: Option<&'a str>,
    /// Where it comes from.
    pub address: ClientAddress,
}

impl Service {
    /// `POST /oauth/device-authorization`: makes a login request that is typed, for the client that showed who it is.
    /// Without a scope it is `openid` (RFC 6749 §3.3), as at the authorization endpoint. `dpop` binds its device code to a
    /// key.
    ///
    /// # Errors
    /// `unauthorized_client` unless the client may ask so, `invalid_scope` for what cannot be read or all of which it may
    /// not have, 429 above a limit.
    pub async fn authorize_device(
        &self,
        client: &Client,
        scope: Option<&str>,
        dpop: Option<Thumbprint>,
        asking: Asking<'_>,
    ) -> Result<DeviceAuthorizationBody, OAuthError> {
        if !client.device_grant && !hole!("device_grant") {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "This client may not use the device grant; the operator allows it with --device-grant",
            ));
        }
        let asked: Vec<String> = scope.unwrap_or("openid").split(' ').map(str::to_owned).collect();
        if !asked.iter().all(|scope| is_scope(scope)) {
            return Err(OAuthError::new(
                ErrorCode::InvalidScope,
                "Send scopes with one space between them (RFC 6749, 3.3)",
            ));
        }
        let scopes = client.scopes_of(&asked);
        if scopes.is_empty() {
            return Err(OAuthError::new(ErrorCode::InvalidScope, "The client may have none of these scopes"));
        }
        let now = self.now();
        let code = DeviceCode {
            request: RequestId::from_random(self.entropy.bytes_16()),
            secret: self.entropy.secret(),
        };
        let redeemer = Redeemer::Device { code: code.secret.hash(), key: dpop, polls: Polls::NONE };
        let shown = context::Client { id: client.id.to_string(), name: client.name.clone() };
        let mut request = Request::start(
            code.request,
            Handle::from_random(self.entropy.bytes_16()),
            redeemer,
            None,
            asking.address.to_string(),
            asking.address.is_certain(),
            user_agent::claimed(asking.user_agent, asking.accept_language),
            now,
            &self.lives,
        )
        .for_device(shown, scopes);
        request.verification = client.policy.step_up || self.requires_verification();
        let user_code = self.take_in(request, asking.address, now).await?;
        let verification_uri = format!("{}{VERIFICATION_PATH}", self.origin());
        let complete = format!("{verification_uri}?user_code={user_code}");
        tracing::debug!(request.id = %code.request, client.id = %client.id, "Device grant started");
        Ok(DeviceAuthorizationBody {
            device_code: code.expose(),
            user_code,
            verification_uri,
            verification_uri_complete: client.policy.shows_user_code.then_some(complete),
            expires_in: self.lives.waiting_s,
            interval: POLL_INTERVAL_S,
        })
    }

    /// Takes the request in and gives it its code, within the limits of starts.
    async fn take_in(
        &self,
        request: Request,
        address: ClientAddress,
        now: Timestamp,
    ) -> Result<UserCode, Failure> {
        let most = self.settings.limits.live_requests_per_address;
        let per_client = if hole!("live_requests") { u32::MAX } else { most };
        let (key, limit, seat) = self.device_starts(address);
        let start = Some(Counter { key: &key, limit });
        let version = match self.short_lived.insert(start, &request, &seat, per_client, now).await? {
            Inserted::Inserted(version) => version,
            Inserted::TooMany { retry_after_s } => {
                counts::LIMITED.count(["starts", "address"]);
                return Err(Failure::TooMany { retry_after_s });
            }
        };
        counts::login(&request.state);
        let read = Versioned { request: request.into(), version };
        for _ in 0..TURNS_MAX {
            let fresh = UserCode::from_random(self.entropy.bytes_16());
            let step = apply(&read.request, &Event::ShowUserCode(fresh), now, &self.lives);
            match self.write(&read, &step, now).await? {
                Written::Yes(_) => return Ok(fresh),
                Written::UserCodeTaken => {}
                // Nobody else knows of it yet.
                Written::Again | Written::Gone => break,
            }
        }
        Err(Failure::Internal(NEVER_AT_REST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_code_reads_back_and_nothing_else_does() {
        let code = DeviceCode { request: RequestId::from_random([7; 16]), secret: Secret::new([9; 32]) };
        let text = code.expose();
        assert_eq!(text.len(), 64);
        let read = DeviceCode::parse(&text).unwrap();
        assert_eq!((read.request, read.secret), (code.request, code.secret));
        for other in ["", "A", &text[1..], &format!("{text}A"), &format!("{}=", &text[..63])] {
            assert!(DeviceCode::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn debug_shows_no_code() {
        let body = DeviceAuthorizationBody {
            device_code: "SECRET".to_owned(),
            user_code: UserCode::from_random([1; 16]),
            verification_uri: "https://a/device".to_owned(),
            verification_uri_complete: Some("SECRET".to_owned()),
            expires_in: 300,
            interval: 5,
        };
        assert_eq!(format!("{body:?}"), "DeviceAuthorizationBody(..)");
    }
}
