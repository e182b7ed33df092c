use protocol::hole;
use protocol::id::{Handle, RequestId};
use protocol::key::PublicKey;
use protocol::request::{Redeemer, Request};
use protocol::secret::Secret;
use protocol::wire::{RequestBody, StartBody};

use super::{ClientAddress, Failure, Service, return_to, user_agent};
use crate::config::VerificationRule;
use crate::counts;
use crate::kill_point::kill_point;
use crate::store::{Counter, Inserted};

/// A fresh request and the secret that makes it the page's.
#[derive(Debug)]
pub struct Started {
    /// What the page shows.
    pub body: RequestBody,
    /// For the page's cookie; only its hash is kept.
    pub secret: Secret,
    /// Life of that cookie, in seconds: until the record is forgotten at the latest.
    pub cookie_s: u32,
}

impl Service {
    /// `POST /api/login-requests` (step 1): makes a request for the page that proved `key`.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for a `return_to` that leads elsewhere and a transaction that is not from here,
    /// [`Failure::Request`] for one that is over, [`Failure::TooMany`] above a limit.
    pub async fn start(
        &self,
        key: &PublicKey,
        body: &StartBody,
        user_agent: Option<&str>,
        accept_language: Option<&str>,
        address: ClientAddress,
    ) -> Result<Started, Failure> {
        let (asking, return_to) = match (&body.transaction, &body.return_to) {
            (None, None) => (None, None),
            (None, Some(text)) => (
                None,
                Some(
                    return_to::checked(text, &self.origin)
                        .ok_or(Failure::Malformed("return_to must be a path of this site"))?,
                ),
            ),
            (Some(text), None) => {
                let mut asking = self.asking(text).await?;
                let return_to = std::mem::take(&mut asking.return_to);
                (Some(asking), Some(return_to))
            }
            (Some(_), Some(_)) => return Err(Failure::Malformed("Send transaction or return_to, not both")),
        };
        let now = self.now();
        let secret = self.entropy.secret();
        let mut request = Request::start(
            RequestId::from_random(self.entropy.bytes_16()),
            Handle::from_random(self.entropy.bytes_16()),
            Redeemer::Page { secret: secret.hash(), key: key.thumbprint() },
            return_to,
            address.to_string(),
            address.is_certain(),
            user_agent::claimed(user_agent, accept_language),
            now,
            &self.lives,
        );
        request.verification = self.requires_verification();
        if let Some(asking) = asking {
            request.verification |= asking.verification;
            request.client = Some(asking.client);
            request.scopes = asking.scopes;
        }
        let client = address.neighbourhood().to_string();
        let most = self.settings.limits.live_requests_per_address;
        let per_client = if hole!("live_requests") { u32::MAX } else { most };
        kill_point!("before record", "Waiting");
        let (key, limit) = self.starts(address);
        let start = Some(Counter { key: &key, limit });
        match self.short_lived.insert(start, &request, &client, per_client, now).await? {
            Inserted::Inserted(_) => kill_point!("after record", "Waiting"),
            Inserted::TooMany { retry_after_s } => {
                counts::LIMITED.count(["starts", "address"]);
                return Err(Failure::TooMany { retry_after_s });
            }
        }
        counts::login(&request.state);
        tracing::debug!(request.id = %request.id, "Login request started");
        Ok(Started { body: self.show(&request, now), secret, cookie_s: self.request_life_s() })
    }

    /// Whether the owner's policy asks for a verified person at each approval.
    pub(crate) fn requires_verification(&self) -> bool {
        match self.settings.policy.user_verification {
            VerificationRule::Discouraged => false,
            VerificationRule::Required => true,
        }
    }

    /// The longest that a request can be known, in seconds.
    fn request_life_s(&self) -> u32 {
        let lives = &self.lives;
        let sum = lives.waiting_s + lives.scanned_s + lives.approved_s + lives.final_s;
        u32::try_from(sum).unwrap_or(u32::MAX)
    }
}
