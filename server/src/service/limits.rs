//! What is counted, by whom, and what happens above the limit: 429 and the seconds to wait.

use protocol::encoding::base64url;
use protocol::hole;
use protocol::id::{AccountId, DeviceId};
use protocol::secret::sha256;

use super::{ClientAddress, Failure, Service};
use crate::counts;
use crate::store::{Allowance, Limit};

const HOUR_S: u32 = 3_600;
/// Proofs, tokens and statements that fail.
pub(super) const FAILED: What = ["failed_proofs", "address"];
/// What fails at the standard front doors. Counted apart, since pages of any site may call there: somebody who opens one is
/// not locked out by it.
const FAILED_CLIENTS: What = ["failed_clients", "address"];

/// A limit and whose, as figures name them.
pub(super) type What = [&'static str; 2];

impl Service {
    /// What starts of login requests are counted by.
    pub(crate) fn starts(&self, address: ClientAddress) -> (String, Limit) {
        let limit = self.window(self.settings.limits.starts_per_address);
        (format!("start {}", address.neighbourhood()), limit)
    }

    /// What starts of device grants are counted by, and whose live ones: apart from those of pages, as failures are.
    pub(crate) fn device_starts(&self, address: ClientAddress) -> (String, Limit, String) {
        let (key, limit) = self.starts(address);
        let whose = if hole!("own_failures") { "" } else { "device " };
        (format!("{whose}{key}"), limit, format!("{whose}{}", address.neighbourhood()))
    }

    /// Refuses an address whose proofs, tokens or statements have failed too often.
    pub(crate) async fn may_prove(&self, address: ClientAddress) -> Result<(), Failure> {
        self.peek(FAILED, &failed_key(address), self.failed_limit()).await
    }

    /// Counts a proof, token or statement that failed, and gives `failure` back; [`Failure::TooMany`] above the limit.
    pub(crate) async fn failed(&self, address: ClientAddress, failure: Failure) -> Failure {
        match self.short_lived.hit(&failed_key(address), self.failed_limit(), self.now()).await {
            Ok(Allowance::Allowed) => failure,
            Ok(Allowance::Refused { retry_after_s }) => {
                counts::LIMITED.count(FAILED);
                Failure::TooMany { retry_after_s }
            }
            Err(error) => error.into(),
        }
    }

    /// What a good proof at `path` is refused by, as figures name it: see [`Service::may_prove`], [`Service::may_ask`].
    pub(super) fn failures(&self, path: &str, address: ClientAddress) -> (What, String, Limit) {
        if is_front_door(path) {
            (FAILED_CLIENTS, failed_client_key(address), self.failed_limit())
        } else {
            (FAILED, failed_key(address), self.failed_limit())
        }
    }

    /// Counts a proof at `path` that failed, and gives `failure` back; [`Failure::TooMany`] above the limit.
    pub(super) async fn failed_at(&self, path: &str, address: ClientAddress, failure: Failure) -> Failure {
        if is_front_door(path) {
            self.failed_client(address, failure).await
        } else {
            self.failed(address, failure).await
        }
    }

    /// Refuses an address whose calls at the standard front doors have failed too often.
    pub(crate) async fn may_ask(&self, address: ClientAddress) -> Result<(), Failure> {
        self.peek(FAILED_CLIENTS, &failed_client_key(address), self.failed_limit()).await
    }

    /// Counts a secret, code or token of a client that failed, and gives `failure` back; [`Failure::TooMany`] above the
    /// limit.
    pub(crate) async fn failed_client(&self, address: ClientAddress, failure: Failure) -> Failure {
        let key = failed_client_key(address);
        match self.short_lived.hit(&key, self.failed_limit(), self.now()).await {
            Ok(Allowance::Allowed) => failure,
            Ok(Allowance::Refused { retry_after_s }) => {
                counts::LIMITED.count(FAILED_CLIENTS);
                Failure::TooMany { retry_after_s }
            }
            Err(error) => error.into(),
        }
    }

    /// Refuses a device or account that typed too many wrong codes.
    pub(super) async fn may_type(&self, device: DeviceId, account: AccountId) -> Result<(), Failure> {
        let [(device, per_device), (account, per_account)] = self.typed_limits(device, account);
        self.peek(["user_codes", "device"], &device, per_device).await?;
        self.peek(["user_codes", "account"], &account, per_account).await
    }

    /// Counts a wrong typed code.
    pub(super) async fn mistyped(&self, device: DeviceId, account: AccountId) -> Result<(), Failure> {
        let [(device, per_device), (account, per_account)] = self.typed_limits(device, account);
        self.hit(["user_codes", "device"], &device, per_device).await?;
        self.hit(["user_codes", "account"], &account, per_account).await
    }

    /// Counts a password that is tried on `username`, right or wrong: a burst of guesses must not pass together, and a
    /// person enrols a few devices at most.
    pub(super) async fn count_password(&self, username: &str) -> Result<(), Failure> {
        let limit = self.window(self.settings.limits.wrong_passwords_per_account);
        let name = base64url(&sha256(username.as_bytes()));
        self.hit(["passwords", "account"], &format!("password {name}"), limit).await
    }

    /// Counts a recovery code that is tried on `username`, right or wrong, as [`Service::count_password`] does.
    pub(super) async fn count_recovery(&self, username: &str) -> Result<(), Failure> {
        let limit = self.window(self.settings.limits.wrong_passwords_per_account);
        let name = base64url(&sha256(username.as_bytes()));
        self.hit(["recovery_codes", "account"], &format!("recovery {name}"), limit).await
    }

    /// Refuses an address with too many wrong passwords and recovery codes.
    pub(super) async fn may_try_password(&self, address: ClientAddress) -> Result<(), Failure> {
        let limit = self.window(self.settings.limits.wrong_passwords_per_address);
        self.peek(["passwords", "address"], &wrong_password_key(address), limit).await
    }

    /// Counts a wrong password or recovery code of an address.
    pub(super) async fn wrong_password(&self, address: ClientAddress) -> Result<(), Failure> {
        let limit = self.window(self.settings.limits.wrong_passwords_per_address);
        self.hit(["passwords", "address"], &wrong_password_key(address), limit).await
    }

    fn failed_limit(&self) -> Limit {
        self.window(self.settings.limits.failed_proofs_per_address)
    }

    fn typed_limits(&self, device: DeviceId, account: AccountId) -> [(String, Limit); 2] {
        let limits = &self.settings.limits;
        let per_hour = Limit { hits: limits.user_codes_per_account_and_hour, window_s: HOUR_S };
        [
            (format!("typed by {device}"), self.window(limits.wrong_user_codes_per_device)),
            (format!("typed for {account}"), per_hour),
        ]
    }

    fn window(&self, hits: u32) -> Limit {
        let hits = if hole!("limits") { u32::MAX } else { hits };
        Limit { hits, window_s: self.settings.limits.window_s }
    }

    async fn hit(&self, what: What, key: &str, limit: Limit) -> Result<(), Failure> {
        judged(what, self.short_lived.hit(key, limit, self.now()).await?)
    }

    async fn peek(&self, what: What, key: &str, limit: Limit) -> Result<(), Failure> {
        judged(what, self.short_lived.peek(key, limit, self.now()).await?)
    }
}

fn failed_key(address: ClientAddress) -> String {
    format!("failed {}", address.neighbourhood())
}

fn failed_client_key(address: ClientAddress) -> String {
    format!("failed client {}", address.neighbourhood())
}

/// Whether a page of another site may call there.
fn is_front_door(path: &str) -> bool {
    path.starts_with("/oauth/") && !hole!("own_failures")
}

fn wrong_password_key(address: ClientAddress) -> String {
    format!("wrong password {}", address.neighbourhood())
}

/// Counts a refusal and makes it a failure.
pub(super) fn judged(what: What, allowance: Allowance) -> Result<(), Failure> {
    match allowance {
        Allowance::Allowed => Ok(()),
        Allowance::Refused { retry_after_s } => {
            counts::LIMITED.count(what);
            Err(Failure::TooMany { retry_after_s })
        }
    }
}
