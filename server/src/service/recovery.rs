use protocol::recovery::{CODES, RecoveryCode};
use protocol::wire::{RecoveryCodesBody, RecoveryStatusBody};

use super::enrol::TOO_MANY_DEVICES_RETRY_S;
use super::{ClientAddress, Failure, Service, username};
use crate::kill_point::hold_point;
use crate::store::{By, EnrolRecovery, Enrolled, Holder, NewDevice};

impl Service {
    /// `GET /api/recovery-codes`: how many are left, and when they were made.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn recovery_codes(&self, holder: &Holder) -> Result<RecoveryStatusBody, Failure> {
        let codes = self.durable.recovery_codes(holder.account.id).await?;
        Ok(RecoveryStatusBody { left: codes.left, made_at: codes.made_at, now: self.now() })
    }

    /// `POST /api/recovery-codes`: ten fresh ones in the place of all before. Only their hashes are kept.
    ///
    /// # Errors
    /// [`Failure::InvalidToken`] when the device was revoked in between.
    pub async fn make_recovery_codes(
        &self,
        holder: &Holder,
        address: ClientAddress,
    ) -> Result<RecoveryCodesBody, Failure> {
        let codes: Vec<_> = (0..CODES).map(|_| RecoveryCode::from_random(self.entropy.bytes_16())).collect();
        let hashes: Vec<_> = codes.iter().map(RecoveryCode::hash).collect();
        let by = By::device(&holder.device, address.to_string());
        let (account, device, now) = (holder.account.id, holder.device.id, self.now());
        hold_point!("recovery codes");
        if !self.durable.make_recovery_codes(account, device, &hashes, &by, now).await? {
            return Err(Failure::InvalidToken);
        }
        tracing::info!(device.id = %device, "Recovery codes made");
        Ok(RecoveryCodesBody { codes: codes.iter().map(RecoveryCode::expose).collect(), now })
    }

    /// One answer, whatever is wrong: name, code, or one that was used.
    pub(super) async fn enrol_by_recovery(
        &self,
        name: &str,
        code: &str,
        device: &NewDevice,
        address: ClientAddress,
    ) -> Result<Holder, Failure> {
        self.may_try_password(address).await?;
        let name = username(name);
        self.count_recovery(name.as_deref().unwrap_or_default()).await?;
        let enrolled = match (name, RecoveryCode::parse(code)) {
            (Some(username), Some(code)) => {
                let recovery = EnrolRecovery { username, code: code.hash() };
                let by = By::address(address.to_string());
                let devices_max = self.settings.limits.devices_per_account;
                self.durable.enrol_by_recovery(&recovery, device, devices_max, &by, self.now()).await?
            }
            (Some(_) | None, _) => Enrolled::Refused,
        };
        match enrolled {
            Enrolled::Trusted(holder) => Ok(holder),
            Enrolled::Refused => {
                self.wrong_password(address).await?;
                Err(Failure::RecoveryRefused)
            }
            // Only whoever has a good code hears this.
            Enrolled::TooMany => Err(Failure::TooMany { retry_after_s: TOO_MANY_DEVICES_RETRY_S }),
        }
    }
}
