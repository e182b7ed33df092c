use protocol::check::CheckNumber;
use protocol::context::{self, Context, Seen, UserVerification, Via};
use protocol::encoding::base64url;
use protocol::frame::{FrameAge, FrameCode};
use protocol::hole;
use protocol::id::Ticket;
use protocol::request::{Event, Lock, Redeemer, Refused, Request, Scan, Sight, State, apply};
use protocol::time::Timestamp;
use protocol::user_code::UserCode;
use protocol::wire::{ScanBody, ScannedBody};

use super::settle::{NEVER_AT_REST, TURNS_MAX, Written};
use super::{ClientAddress, Failure, Service};
use crate::config::RelayGuard;
use crate::store::{AuditKind, Body, By, Holder, Versioned};

impl Service {
    /// `POST /api/scans` (step 3): locks the request to this device and account.
    ///
    /// # Errors
    /// [`Failure::Malformed`] unless exactly one code comes, and `typed` with the typed one; [`Failure::NotFound`] for a
    /// code that this server did not make; [`Failure::TooMany`] after wrong typed codes; [`Failure::Request`].
    pub async fn scan(
        &self,
        holder: &Holder,
        body: &ScanBody,
        address: ClientAddress,
    ) -> Result<ScannedBody, Failure> {
        match (&body.code, &body.user_code, body.via) {
            (Some(code), None, Via::Camera | Via::Screen | Via::Image | Via::Link) => {
                self.scan_frame(holder, code, body.via, address).await
            }
            (None, Some(typed), Via::Typed) => self.scan_typed(holder, typed, address).await,
            (Some(_) | None, Some(_) | None, _) => {
                Err(Failure::Malformed("Send user_code with via typed, or code with another via"))
            }
        }
    }

    async fn scan_frame(
        &self,
        holder: &Holder,
        code: &str,
        via: Via,
        address: ClientAddress,
    ) -> Result<ScannedBody, Failure> {
        let code = FrameCode::parse(code).ok_or(Failure::NotFound)?;
        if !self.keys().made(&code) {
            return Err(Failure::NotFound);
        }
        let read = self.short_lived.by_handle(code.handle).await?;
        self.scanned(read, holder, Sight::Frame(code), via, address).await
    }

    async fn scan_typed(
        &self,
        holder: &Holder,
        typed: &str,
        address: ClientAddress,
    ) -> Result<ScannedBody, Failure> {
        let (device, account) = (holder.device.id, holder.account.id);
        let _one_at_a_time = self.typed_codes.lock().await;
        self.may_type(device, account).await?;
        let code = UserCode::parse(typed);
        let read = match code {
            Some(code) => self.remembered(self.short_lived.by_user_code(code).await?).ok(),
            None => None,
        };
        let (Some(code), Some(read)) = (code, read) else {
            self.mistyped(device, account).await?;
            return Err(Failure::NotFound);
        };
        self.scanned(Some(read), holder, Sight::UserCode(code), Via::Typed, address).await
    }

    async fn scanned(
        &self,
        mut read: Option<Versioned>,
        holder: &Holder,
        sight: Sight,
        via: Via,
        address: ClientAddress,
    ) -> Result<ScannedBody, Failure> {
        for _ in 0..TURNS_MAX {
            let found = self.settle(self.remembered(read)?).await?.ok_or(Failure::NotFound)?;
            let now = self.now();
            let scan = self.prepare(&found.request, holder, sight, via, address, now).await?;
            let step = apply(&found.request, &Event::Scan(Box::new(scan)), now, &self.lives);
            match self.write(&found, &step, now).await? {
                Written::Yes(Versioned { request, .. }) => {
                    if step.answer == Err(Refused::NetworkRefused) {
                        self.note_refused(&request, holder, address, now).await?;
                    }
                    step.answer?;
                    tracing::debug!(request.id = %request.id, device.id = %holder.device.id, "Login request scanned");
                    return scanned_body(&request, now);
                }
                Written::Again | Written::UserCodeTaken => {}
                Written::Gone => return Err(Failure::NotFound),
            }
            read = self.short_lived.by_id(found.request.id).await?;
        }
        Err(Failure::Internal(NEVER_AT_REST))
    }

    /// What a scan that succeeds will write. A repeat or a refusal uses none of it.
    async fn prepare(
        &self,
        request: &Request,
        holder: &Holder,
        sight: Sight,
        via: Via,
        address: ClientAddress,
        now: Timestamp,
    ) -> Result<Scan, Failure> {
        let same_network = address.same_network(&request.address, request.address_is_certain);
        let verification = self.asks_for_verification(request);
        let context = match request.state {
            State::Waiting { .. } => {
                self.context(request, holder, sight, via, same_network, now).await?.to_bytes()
            }
            State::Scanned { .. } | State::Approved { .. } | State::Over { .. } => Vec::new(),
        };
        Ok(Scan {
            lock: Lock {
                device: holder.device.id,
                account: holder.account.id,
                ticket: Ticket::from_random(self.entropy.bytes_16()),
                context_hash: context::hash(&context),
            },
            sight,
            network_allowed: self.network_allowed(via, same_network),
            check: CheckNumber::from_random(self.entropy.bits_64()),
            context,
            verification: verification.is_some(),
        })
    }

    async fn context(
        &self,
        request: &Request,
        holder: &Holder,
        sight: Sight,
        via: Via,
        same_network: Option<bool>,
        now: Timestamp,
    ) -> Result<Context, Failure> {
        let page_key = match request.redeemer {
            Redeemer::Page { key, .. } => Some(key),
            // It is no browser, and nothing of it is known before.
            Redeemer::Device { .. } => None,
        };
        let known_browser = match &page_key {
            Some(key) => self.durable.is_known_browser(holder.account.id, key).await?,
            None => false,
        };
        Ok(Context {
            v: context::VERSION,
            request: request.id,
            origin: self.origin.to_string(),
            page_key,
            client: request.client.clone(),
            scopes: request.scopes.clone(),
            via,
            seen: Seen {
                address: request.address.clone(),
                at: request.started_at,
                same_network,
                known_browser,
                frame_age_s: match sight {
                    Sight::Frame(frame) => match frame.age(request.started_at, now, &self.lives) {
                        FrameAge::Good(age_s) => Some(age_s),
                        FrameAge::Expired | FrameAge::Ahead => None,
                    },
                    Sight::UserCode(_) => None,
                },
            },
            claimed: request.claimed.clone(),
            user_verification: self.asks_for_verification(request),
        })
    }

    /// What the policy of site or client puts into a context; nothing unless it asks for more than the protocol.
    fn asks_for_verification(&self, request: &Request) -> Option<UserVerification> {
        (request.verification || self.requires_verification()).then_some(UserVerification::Required)
    }

    /// The relay rule: a shared screen and a mailed link are the easiest relays, so both need a shared network.
    fn network_allowed(&self, via: Via, same_network: Option<bool>) -> bool {
        let relay = &self.settings.relay;
        let by_via = match via {
            Via::Screen => relay.allow_screen,
            Via::Link => relay.allow_link,
            Via::Camera | Via::Image | Via::Typed => true,
        };
        let by_guard = match relay.guard {
            RelayGuard::Warn => true,
            RelayGuard::Refuse => false,
        };
        hole!("network_rule") || same_network == Some(true) || (by_via && by_guard)
    }

    /// Leaves a note that the network rule ended a sign-in.
    async fn note_refused(
        &self,
        request: &Request,
        holder: &Holder,
        address: ClientAddress,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let body = Body {
            request: Some(request.id),
            browser: Some(request.shown_as().to_owned()),
            system: Some(request.claimed.system.clone()),
            reason: Some("network".to_owned()),
            ..By::device(&holder.device, address.to_string()).body()
        };
        self.durable.note(holder.account.id, AuditKind::SignInRefused, body, now).await?;
        Ok(())
    }
}

fn scanned_body(request: &Request, now: Timestamp) -> Result<ScannedBody, Failure> {
    let State::Scanned { ends_at, lock, check, context, .. } = &request.state else {
        return Err(Failure::Internal("a scan succeeded without locking the request"));
    };
    Ok(ScannedBody {
        request: request.id,
        ticket: lock.ticket,
        context: base64url(context),
        check: check.is_some(),
        expires_at: *ends_at,
        now,
    })
}
