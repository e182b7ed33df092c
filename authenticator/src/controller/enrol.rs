//! Adding an account: the offer, "Contact HOST?", the server's word, "Keep this account?".

use std::sync::Arc;

use protocol::id::{AccountId, DeviceId};
use protocol::link::{EnrolCode, EnrolLink, Payload, Pin};
use protocol::origin::{Origin, OriginError};
use protocol::recovery::RecoveryCode;
use protocol::secret::Secret;
use protocol::text::{NAME_LENGTH_MAX, clean};
use protocol::wire::{EnrolBody, EnrolDevice, ProblemName, RecoveryStatusBody};
use url::Url;
use zeroize::Zeroizing;

use super::message::Message;
use super::stage::Stage;
use super::{Controller, Turn};
use crate::accounts::Account;
use crate::error_code::{ErrorCode, Problem};
use crate::secrets::{Failure, Reach, remove_from_server};
use crate::server_client::{CallError, Credentials, ServerClient};
use crate::view::{AccountRef, NoticeMessage};

/// Name of a computer that has none: servers refuse an empty one.
const UNNAMED: &str = "Computer";

/// A chance to enrol.
#[derive(Clone)]
pub(super) struct Offer {
    /// The server.
    pub(super) origin: Origin,
    /// The one key to trust it by.
    pub(super) pin: Option<Pin>,
    with: With,
}

/// With what to enrol.
#[derive(Clone)]
enum With {
    Link(EnrolCode),
    Password { username: String, password: Zeroizing<String> },
    Recovery { username: String, code: Zeroizing<String> },
}

/// An enrolled device, not kept yet.
pub(super) struct Enrolled {
    pub(super) client: ServerClient,
    auth: Credentials,
    pkcs8: Zeroizing<Vec<u8>>,
    device: DeviceId,
    account: AccountId,
    pin: Option<Pin>,
    /// It takes the place of a lost one.
    recovered: bool,
    /// Name of the server, cleaned.
    pub(super) server_name: String,
    /// Name of the account, cleaned.
    pub(super) username: String,
    /// Name of the person, cleaned.
    pub(super) display_name: String,
}

impl Controller {
    pub(super) fn add_by_link(&mut self, link: &str) {
        if !matches!(self.stage, Stage::AddAccount { .. } | Stage::FirstStart) {
            return;
        }
        match Payload::parse(link) {
            Payload::Enrol(link) => self.offer(link),
            Payload::Login(_) | Payload::Other(_) => {
                self.show(Stage::AddAccount { problem: Some(Problem::plain(ErrorCode::LinkUnreadable)) });
            }
        }
    }

    /// Asks before anything is contacted.
    pub(super) fn offer(&mut self, link: EnrolLink) {
        let offer = Offer { origin: link.origin, pin: link.pin, with: With::Link(link.code) };
        self.show(Stage::ConfirmContact { offer });
    }

    /// The person typed the host, so nobody has to ask whether to contact it.
    pub(super) fn add_by_password(&mut self, address: &str, username: &str, password: String) {
        if !matches!(self.stage, Stage::AddAccount { .. }) {
            return;
        }
        let password = Zeroizing::new(password);
        let fields = [("address", address), ("username", username), ("password", password.as_str())];
        match read_form(&fields, address) {
            Ok(origin) => {
                let with = With::Password { username: username.trim().to_owned(), password };
                self.enrol(Offer { origin, pin: None, with });
            }
            Err(error) => self.show(Stage::AddAccount { problem: Some(Problem::plain(error)) }),
        }
    }

    /// The only computer is lost: a recovery code stands in for it.
    pub(super) fn add_by_recovery(&mut self, address: &str, username: &str, code: String) {
        if !matches!(self.stage, Stage::AddAccount { .. }) {
            return;
        }
        let typed = Zeroizing::new(code);
        let fields = [("address", address), ("username", username), ("recovery_code", typed.as_str())];
        let code = || RecoveryCode::parse(&typed).ok_or(ErrorCode::RecoveryCodeMalformed);
        match read_form(&fields, address).and_then(|origin| Ok((origin, code()?))) {
            Ok((origin, code)) => {
                let code = Zeroizing::new(code.expose());
                let with = With::Recovery { username: username.trim().to_owned(), code };
                self.enrol(Offer { origin, pin: None, with });
            }
            Err(error) => self.show(Stage::AddAccount { problem: Some(Problem::plain(error)) }),
        }
    }

    pub(super) fn contact_server(&mut self, yes: bool) {
        let Stage::ConfirmContact { offer } = &self.stage else { return };
        if yes {
            let offer = offer.clone();
            self.enrol(offer);
        } else {
            self.show_home();
        }
    }

    fn enrol(&mut self, offer: Offer) {
        let recovering = matches!(offer.with, With::Recovery { .. });
        self.show(Stage::Enrolling { origin: offer.origin.clone(), recovering });
        let name = clean(&self.config.device_name, NAME_LENGTH_MAX);
        let device = EnrolDevice {
            name: if name.is_empty() { UNNAMED.to_owned() } else { name },
            kind: self.config.device_kind,
        };
        let (turn, reach) = (self.turn, self.reach.clone());
        self.spawn(async move {
            Message::Enrolled { turn, result: enrol(&reach, offer, device).await.map(Box::new) }
        });
    }

    pub(super) fn enrolled(&mut self, turn: Turn, result: Result<Box<Enrolled>, Failure>) {
        if turn != self.turn {
            // Cancelled meanwhile: nobody wants this device.
            if let Ok(enrolled) = result {
                self.refuse(enrolled);
            }
            return;
        }
        match result {
            Ok(enrolled) => self.show(Stage::ConfirmAccount { enrolled, working: false, problem: None }),
            Err(failure) => {
                let recovering = matches!(self.stage, Stage::Enrolling { recovering: true, .. });
                let problem = failure.problem(|name| match name {
                    ProblemName::EnrolmentRefused if recovering => Some(ErrorCode::RecoveryRefused),
                    ProblemName::NotFound => Some(ErrorCode::LinkUsed),
                    ProblemName::EnrolmentRefused => Some(ErrorCode::EnrolmentRefused),
                    _ => None,
                });
                match problem.error {
                    ErrorCode::AppTooOld { .. } | ErrorCode::ServerTooOld { .. } => {
                        self.show(Stage::UpdateNeeded { problem });
                    }
                    _ => self.show(Stage::AddAccount { problem: Some(problem) }),
                }
            }
        }
    }

    pub(super) fn keep_account(&mut self, yes: bool) {
        let Stage::ConfirmAccount { enrolled, working, problem } = &mut self.stage else { return };
        if *working {
            return;
        }
        if !yes {
            let Stage::ConfirmAccount { enrolled, .. } =
                std::mem::replace(&mut self.stage, Stage::FirstStart)
            else {
                return;
            };
            self.show_home();
            return self.refuse(enrolled);
        }
        *working = true;
        *problem = None;
        let id = AccountRef(protocol::encoding::base64url(&self.reach.random.bytes()));
        let (turn, reach) = (self.turn, self.reach.clone());
        let (pkcs8, token) = (enrolled.pkcs8.clone(), enrolled.auth.token.clone());
        let account = enrolled.to_account(id.clone());
        self.spawn(async move {
            let result = reach.keep(&id, &pkcs8, &token).await;
            let codes = if result.is_ok() { recovery_status(&reach, &account).await } else { None };
            Message::Kept { turn, id, result, codes }
        });
    }

    /// `codes`: what the server said of the account's recovery codes, if it knows any.
    pub(super) async fn kept(
        &mut self,
        turn: Turn,
        id: AccountRef,
        result: Result<(), Failure>,
        codes: Option<RecoveryStatusBody>,
    ) {
        if turn != self.turn {
            return;
        }
        let Stage::ConfirmAccount { enrolled, .. } = &self.stage else { return };
        let host = enrolled.client.origin().host_and_port().to_owned();
        let before = self.saved.clone();
        let (pkcs8, recovered) = (enrolled.pkcs8.clone(), enrolled.recovered);
        let replaced = result.map(|()| {
            let account = enrolled.to_account(id.clone());
            let same = |other: &Account| other.origin == account.origin && other.account == account.account;
            let replaced: Vec<_> = self.saved.accounts.iter().filter(|other| same(other)).cloned().collect();
            self.saved.accounts.retain(|other| !same(other));
            self.saved.accounts.push(account);
            replaced
        });
        let failed = match replaced {
            Err(failure) => Some(failure.problem(|_| None)),
            Ok(replaced) => match self.save().await {
                Ok(()) => {
                    self.retire(replaced);
                    self.enrolment_is_over(&pkcs8).await;
                    None
                }
                Err(problem) => {
                    self.saved = before;
                    // Keeping it again takes another name.
                    let _ = self.reach.forget(&id).await;
                    Some(problem)
                }
            },
        };
        if let Some(failed) = failed {
            if let Stage::ConfirmAccount { working, problem, .. } = &mut self.stage {
                *working = false;
                *problem = Some(failed);
            }
            return;
        }
        tracing::info!(account.host = host, "An account was added");
        if recovered {
            self.recovered(id, codes);
        } else {
            self.tell(NoticeMessage::AccountAdded { host });
            self.show_home();
            if codes.is_some_and(|status| status.made_at.is_none()) {
                self.show_recovery_codes(id, true);
            }
        }
        self.look_at_activity();
    }

    /// The key has its account: only a crash before this leaves the enrolment to be repeated.
    async fn enrolment_is_over(&self, pkcs8: &[u8]) {
        if let Err(error) = self.reach.forget_enrolment(pkcs8).await {
            tracing::warn!(%error, "The key of a finished enrolment stays in the keychain until the next one");
        }
    }

    /// "Add again" replaces what was there: the older device of this computer goes, here and on the server.
    fn retire(&mut self, replaced: Vec<Account>) {
        for old in replaced {
            self.key_missing.remove(&old.id);
            let reach = self.reach.clone();
            tokio::spawn(async move {
                if let Ok(access) = reach.open(&old).await {
                    let _ = remove_from_server(&access.client, old.device, &access.auth).await;
                }
                let _ = reach.forget(&old.id).await;
            });
        }
    }

    /// Deletes a device that is not wanted, and its key.
    fn refuse(&mut self, enrolled: Box<Enrolled>) {
        let reach = self.reach.clone();
        self.spawn(async move {
            let told = remove_from_server(&enrolled.client, enrolled.device, &enrolled.auth).await.is_ok();
            if let Err(error) = reach.forget_enrolment(&enrolled.pkcs8).await {
                tracing::warn!(%error, "The key of a refused enrolment stays in the keychain until the next one");
            }
            Message::Refused { host: enrolled.client.origin().host_and_port().to_owned(), told }
        });
    }

    pub(super) fn refused(&mut self, host: String, told: bool) {
        if !told {
            self.tell(NoticeMessage::AccountRemovedHereOnly { host });
        }
    }
}

impl Enrolled {
    fn to_account(&self, id: AccountRef) -> Account {
        Account {
            id,
            origin: self.client.origin().clone(),
            pin: self.pin.map(|pin| pin.to_string()),
            server_name: self.server_name.clone(),
            account: self.account,
            username: self.username.clone(),
            display_name: self.display_name.clone(),
            device: self.device,
            head: None,
            alarm: false,
            signed_out: false,
        }
    }
}

/// Enrols, with a key that is in the keychain first. A lost reply is repeated once: the same key gets the same device.
async fn enrol(reach: &Reach, offer: Offer, device: EnrolDevice) -> Result<Enrolled, Failure> {
    let recovered = matches!(offer.with, With::Recovery { .. });
    let (what, body) = match &offer.with {
        With::Link(code) => {
            let code = code.expose();
            (code.clone(), EnrolBody::Code { enrolment: code, device })
        }
        With::Password { username, password } => (
            username.clone(),
            EnrolBody::Password { username: username.clone(), password: password.to_string(), device },
        ),
        With::Recovery { username, code } => {
            let recovery_code = code.to_string();
            (recovery_code.clone(), EnrolBody::Recovery { username: username.clone(), recovery_code, device })
        }
    };
    let client = reach.client(offer.origin.clone(), offer.pin)?;
    let key = reach.enrolment_key(&[offer.origin.as_str(), &what]).await?;
    let mut answer = client.enrol(&body, &key.key).await;
    if answer.as_ref().is_err_and(CallError::reply_lost) {
        answer = client.enrol(&body, &key.key).await;
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(error.into()),
    };
    let token = Secret::parse(&answer.token).ok_or_else(|| CallError::NotProtocol {
        host: offer.origin.host_and_port().to_owned(),
        what: "the token has another form".to_owned(),
    })?;
    // What a server leaves empty is called by the next best name, so that nothing nameless is asked about or listed.
    let name = |text: &str, instead: &str| {
        let cleaned = clean(text, NAME_LENGTH_MAX);
        if cleaned.is_empty() { instead.to_owned() } else { cleaned }
    };
    let username = name(&answer.account.username, &answer.account.id.to_string());
    Ok(Enrolled {
        client,
        auth: Credentials { key: Arc::clone(&key.key), token },
        pkcs8: key.pkcs8,
        device: answer.device_id,
        account: answer.account.id,
        pin: offer.pin,
        recovered,
        server_name: name(&answer.server.name, offer.origin.host_and_port()),
        display_name: name(&answer.account.display_name, &username),
        username,
    })
}

/// What the server says of the account's recovery codes; one that says nothing knows none, or is asked another time.
async fn recovery_status(reach: &Reach, account: &Account) -> Option<RecoveryStatusBody> {
    let access = reach.open(account).await.ok()?;
    access.client.recovery_codes(&access.auth).await.ok()
}

/// The address of a form whose fields are all filled.
fn read_form(fields: &[(&str, &str)], address: &str) -> Result<Origin, ErrorCode> {
    match fields.iter().find(|(_, value)| value.trim().is_empty()) {
        Some((field, _)) => Err(ErrorCode::FieldMissing { field: (*field).to_owned() }),
        None => read_address(address),
    }
}

/// Reads what a person types as an address: with or without scheme, a path is dropped. Without a scheme it is https, on
/// loopback http.
fn read_address(typed: &str) -> Result<Origin, ErrorCode> {
    let typed = typed.trim();
    let given = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    let url = Url::parse(&given).map_err(|_| ErrorCode::AddressUnreadable)?;
    let origin = Origin::of(&url).map_err(|error| match error {
        OriginError::Form => ErrorCode::AddressUnreadable,
        OriginError::PlainHttp => {
            ErrorCode::NeedsHttps { host: url.host_str().unwrap_or_default().to_owned() }
        }
    })?;
    if !typed.contains("://") && origin.is_loopback() {
        let plain = Url::parse(&format!("http://{typed}")).map_err(|_| ErrorCode::AddressUnreadable)?;
        return Origin::of(&plain).map_err(|_| ErrorCode::AddressUnreadable);
    }
    Ok(origin)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn addresses_are_read_as_people_type_them() {
        for (typed, origin) in [
            ("login.example.com", "https://login.example.com"),
            (" https://Login.Example.com/some/path ", "https://login.example.com"),
            ("login.example.com:8443", "https://login.example.com:8443"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("localhost:8080", "http://localhost:8080"),
            ("https://localhost:8443", "https://localhost:8443"),
            ("bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(read_address(typed).unwrap().as_str(), origin, "{typed}");
        }
    }

    #[test]
    fn plain_http_beyond_loopback_and_nonsense_are_refused() {
        assert_eq!(
            read_address("http://login.example.com"),
            Err(ErrorCode::NeedsHttps { host: "login.example.com".to_owned() })
        );
        for typed in ["", "two words", "ftp://login.example.com", "https://user@login.example.com"] {
            assert_eq!(read_address(typed), Err(ErrorCode::AddressUnreadable), "{typed}");
        }
    }
}
