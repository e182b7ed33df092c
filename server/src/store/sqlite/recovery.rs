use protocol::hole;
use protocol::id::{AccountId, DeviceId};
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use rusqlite::{Connection, params};

use super::audit;
use super::devices;
use super::prepared::Prepared as _;
use super::rows::{Columns as _, Fault};
use super::transaction::Tx;
use crate::holes::without;
use crate::store::audit::{AuditKind, Body, By};
use crate::store::devices::{EnrolRecovery, Enrolled, NewDevice, RecoveryCodes};
use crate::store::durable::REPEAT_S;
use crate::store::statements as sql;

/// Replaces the account's codes, used ones too.
pub(super) fn make(
    tx: &mut Tx,
    account: AccountId,
    made_by: DeviceId,
    codes: &[SecretHash],
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let holder = devices::by_id(&tx.connection, made_by)?;
    if holder.is_none_or(|holder| holder.account.id != account) && !hole!("codes_of_a_removed_device") {
        return Ok(false);
    }
    if !hole!("recovery_anew") {
        tx.connection.run(sql::DELETE_RECOVERY_CODES, params![account.as_bytes()])?;
    }
    for code in codes {
        let row = params![code.as_bytes(), account.as_bytes(), made_by.as_bytes(), now.unix_s()];
        tx.connection.run(sql::INSERT_RECOVERY_CODE, row)?;
    }
    let body = Body { count: Some(codes.len() as u64), ..by.body() };
    audit::append(tx, account, AuditKind::RecoveryCodesMade, &body, now)?;
    Ok(true)
}

/// How many are left.
pub(super) fn of_account(connection: &Connection, account: AccountId) -> Result<RecoveryCodes, Fault> {
    let codes = connection.first(sql::RECOVERY_CODES, params![account.as_bytes()], |row| {
        let made_at: Option<i64> = row.get("made_at")?;
        let left = u32::try_from(row.number("codes_left")?).unwrap_or(0);
        Ok(RecoveryCodes { left, made_at: made_at.map(Timestamp) })
    })?;
    codes.ok_or(Fault::Damaged("recovery_codes"))
}

/// Enrols with a code, once. The statement names account and code alike, so nothing tells which of them is wrong.
pub(super) fn enrol(
    tx: &mut Tx,
    recovery: &EnrolRecovery,
    new: &NewDevice,
    devices_max: u32,
    by: &By,
    now: Timestamp,
) -> Result<Enrolled, Fault> {
    let thumbprint = new.key.thumbprint();
    let once = without!("recovery_once", sql::USE_RECOVERY_CODE, "AND used_by IS NULL");
    let own = without!("recovery_account", once, "a.username = $2" => "a.id = recovery_codes.account");
    let code = params![
        recovery.code.as_bytes(),
        &recovery.username,
        thumbprint.as_bytes(),
        now.unix_s(),
        new.id.as_bytes(),
        devices_max
    ];
    if let Some(account) = tx.connection.first(own, code, |row| row.account_id("account"))? {
        let left = of_account(&tx.connection, account)?.left;
        return devices::trust_recovered(tx, account, new, left.into(), by, now);
    }
    let repeat = params![
        recovery.code.as_bytes(),
        &recovery.username,
        thumbprint.as_bytes(),
        now.plus_s(-REPEAT_S).unix_s(),
        new.token.as_bytes()
    ];
    if let Some(device) = tx.connection.first(sql::REPEAT_RECOVERY, repeat, |row| row.device_id("id"))? {
        return devices::trusted(tx, device);
    }
    let code = params![recovery.code.as_bytes(), &recovery.username];
    let is_usable = tx.connection.is_any(sql::USABLE_RECOVERY_CODE, code)?;
    Ok(if is_usable { Enrolled::TooMany } else { Enrolled::Refused })
}

/// Takes the unused codes of a device away that somebody else removed.
pub(super) fn forget_of_device(tx: &mut Tx, device: DeviceId) -> Result<(), Fault> {
    tx.connection.run(sql::DELETE_UNUSED_RECOVERY_CODES_OF_DEVICE, params![device.as_bytes()])?;
    Ok(())
}
