use protocol::id::DeviceId;
use protocol::wire::{DeviceBody, DevicesBody};

use super::enrol::device_name;
use super::{ClientAddress, Failure, Service};
use crate::store::{By, Holder};

impl Service {
    /// `GET /api/devices`: the account's trusted devices, oldest first.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn devices(&self, holder: &Holder) -> Result<DevicesBody, Failure> {
        let devices = self.durable.devices(holder.account.id).await?;
        let devices = devices
            .into_iter()
            .map(|device| DeviceBody {
                current: device.id == holder.device.id,
                id: device.id,
                name: device.name,
                kind: device.kind,
                created_at: device.created_at,
                last_seen_at: device.last_seen_at,
            })
            .collect();
        Ok(DevicesBody { devices })
    }

    /// `PATCH /api/devices/{id}`.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a device of another account; [`Failure::Malformed`] for an empty name.
    pub async fn rename_device(
        &self,
        holder: &Holder,
        device: DeviceId,
        name: &str,
        address: ClientAddress,
    ) -> Result<(), Failure> {
        let name = device_name(name)?;
        let by = By::device(&holder.device, address.to_string());
        let renamed = self.durable.rename_device(holder.account.id, device, &name, &by, self.now()).await?;
        if renamed { Ok(()) } else { Err(Failure::NotFound) }
    }

    /// `DELETE /api/devices/{id}`: ends trust, linked sessions, and what the device has scanned or approved.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a device of another account, or one that is gone.
    pub async fn revoke_device(
        &self,
        holder: &Holder,
        device: DeviceId,
        address: ClientAddress,
    ) -> Result<(), Failure> {
        let account = holder.account.id;
        let by = By::device(&holder.device, address.to_string());
        let revoked = self.durable.revoke_device(account, device, &by, self.now()).await?;
        if revoked.is_none() {
            return Err(Failure::NotFound);
        }
        self.ring(account);
        self.revoke_requests(account, |lock| lock.device == device).await?;
        tracing::info!(device.id = %device, "Device removed");
        Ok(())
    }
}
