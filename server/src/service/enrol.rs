use protocol::id::DeviceId;
use protocol::key::PublicKey;
use protocol::link::{EnrolCode, EnrolLink};
use protocol::text::{NAME_LENGTH_MAX, clean};
use protocol::wire::{AccountRef, EnrolBody, EnrolDevice, EnrolledBody, EnrolmentBody, ServerRef};
use zeroize::Zeroizing;

use super::{ClientAddress, Failure, Service, username};
use crate::config::PasswordEnrolment;
use crate::kill_point::hold_point;
use crate::store::{By, EnrolPassword, Enrolled, Holder, NewDevice, NewEnrolment};

/// Seconds after which an account with too many devices may have fewer: somebody has to remove one.
pub(super) const TOO_MANY_DEVICES_RETRY_S: u32 = 3_600;
/// Seconds after which a password is worth sending again when too many are being verified.
const BUSY_RETRY_S: u32 = 5;

impl Service {
    /// `POST /api/devices`: makes the device that proved `key` an authenticator, by link code, password or recovery code.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for an unknown or used code; [`Failure::EnrolmentRefused`] for everything about names and
    /// passwords; [`Failure::RecoveryRefused`] for everything about recovery codes; [`Failure::Malformed`] for a device without a name; [`Failure::TooMany`].
    pub async fn enrol(
        &self,
        key: PublicKey,
        body: EnrolBody,
        address: ClientAddress,
    ) -> Result<EnrolledBody, Failure> {
        let token = self.entropy.secret();
        let new = |device: &EnrolDevice| {
            let name = device_name(&device.name)?;
            Ok::<_, Failure>(NewDevice {
                id: DeviceId::from_random(self.entropy.bytes_16()),
                name,
                kind: device.kind,
                key,
                token: token.hash(),
            })
        };
        let holder = match body {
            EnrolBody::Code { enrolment, device } => {
                self.enrol_by_code(&enrolment, &new(&device)?, address).await?
            }
            EnrolBody::Password { username, password, device } => {
                let password = Zeroizing::new(password);
                self.enrol_by_password(&username, password, &new(&device)?, address).await?
            }
            EnrolBody::Recovery { username, recovery_code, device } => {
                let code = Zeroizing::new(recovery_code);
                self.enrol_by_recovery(&username, &code, &new(&device)?, address).await?
            }
        };
        tracing::info!(device.id = %holder.device.id, "Device enrolled");
        Ok(EnrolledBody {
            device_id: holder.device.id,
            token: token.expose(),
            account: AccountRef {
                id: holder.account.id,
                username: holder.account.username,
                display_name: holder.account.display_name,
            },
            server: ServerRef { name: self.site_name.clone(), origin: self.origin.to_string() },
        })
    }

    /// `POST /api/enrolments`: a link that makes another device an authenticator of the same account.
    ///
    /// # Errors
    /// [`Failure::InvalidToken`] when the device was revoked in between.
    pub async fn create_enrolment(
        &self,
        holder: &Holder,
        address: ClientAddress,
    ) -> Result<EnrolmentBody, Failure> {
        let now = self.now();
        let code = EnrolCode::from_random(self.entropy.bytes_16());
        let expires_at = now.plus_s(self.settings.enrolment.link_s.into());
        let new = NewEnrolment {
            code: code.hash(),
            account: holder.account.id,
            made_by: Some(holder.device.id),
            expires_at,
        };
        let by = By::device(&holder.device, address.to_string());
        hold_point!("link");
        if !self.durable.create_enrolment(&new, &by, now).await? {
            return Err(Failure::InvalidToken);
        }
        let link = EnrolLink { origin: self.origin.clone(), code, pin: self.pin };
        Ok(EnrolmentBody { link: link.to_string(), expires_at, now })
    }

    async fn enrol_by_code(
        &self,
        code: &str,
        device: &NewDevice,
        address: ClientAddress,
    ) -> Result<Holder, Failure> {
        let Some(code) = EnrolCode::parse(code) else {
            return Err(self.failed(address, Failure::NotFound).await);
        };
        let by = By::address(address.to_string());
        let devices_max = self.settings.limits.devices_per_account;
        let enrolled = self.durable.enrol_by_code(&code.hash(), device, devices_max, &by, self.now()).await?;
        match enrolled {
            Enrolled::Trusted(holder) => Ok(holder),
            Enrolled::Refused => Err(self.failed(address, Failure::NotFound).await),
            Enrolled::TooMany => Err(Failure::TooMany { retry_after_s: TOO_MANY_DEVICES_RETRY_S }),
        }
    }

    /// One answer, after the same work, whatever is wrong: name, password, or the rule.
    async fn enrol_by_password(
        &self,
        name: &str,
        password: Zeroizing<String>,
        device: &NewDevice,
        address: ClientAddress,
    ) -> Result<Holder, Failure> {
        self.may_try_password(address).await?;
        let name = username(name);
        self.count_password(name.as_deref().unwrap_or_default()).await?;
        let account = match &name {
            Some(name) => self.durable.account_by_name(name).await?,
            None => None,
        };
        let rule = self.settings.enrolment.by_password;
        let allowed = match rule {
            PasswordEnrolment::First | PasswordEnrolment::Always => account,
            PasswordEnrolment::Never => None,
        };
        let stored = allowed.as_ref().and_then(|account| account.password_hash.clone());
        let verified = self.passwords.verify(stored.clone(), password).await;
        let right = verified.map_err(|_| Failure::TooMany { retry_after_s: BUSY_RETRY_S })?;
        let (Some(account), Some(verified_hash), true) = (allowed, stored, right) else {
            self.wrong_password(address).await?;
            return Err(Failure::EnrolmentRefused);
        };
        let password = EnrolPassword { account: account.id, verified_hash, rule };
        let by = By::address(address.to_string());
        let devices_max = self.settings.limits.devices_per_account;
        let enrolled =
            self.durable.enrol_by_password(&password, device, devices_max, &by, self.now()).await?;
        match enrolled {
            Enrolled::Trusted(holder) => Ok(holder),
            // Counted like a wrong password, or the limit would tell a right one that may not enrol.
            Enrolled::Refused | Enrolled::TooMany => {
                self.wrong_password(address).await?;
                Err(Failure::EnrolmentRefused)
            }
        }
    }
}

/// A device's name as it is kept.
pub(super) fn device_name(text: &str) -> Result<String, Failure> {
    let name = clean(text, NAME_LENGTH_MAX);
    if name.is_empty() {
        return Err(Failure::Malformed("The device needs a name"));
    }
    Ok(name)
}
