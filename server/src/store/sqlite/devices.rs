use protocol::hole;
use protocol::id::{AccountId, DeviceId, SessionId};
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use rusqlite::{Connection, params};

use super::prepared::Prepared as _;
use super::rows::{self, Columns as _, Fault};
use super::transaction::Tx;
use super::{audit, recovery, sessions};
use crate::config::PasswordEnrolment;
use crate::holes::without;
use crate::store::audit::{AuditKind, BY_RECOVERY, Body, By, DeviceRef, count_of};
use crate::store::devices::{Device, EnrolPassword, Enrolled, Holder, NewDevice, NewEnrolment};
use crate::store::durable::REPEAT_S;
use crate::store::statements as sql;

/// Least seconds between two notes of use.
pub(super) const TOUCH_STEP_S: i64 = 60;

pub(super) fn create_enrolment(
    tx: &mut Tx,
    new: &NewEnrolment,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let insert = without!("link_of_a_removed_device", sql::INSERT_ENROLMENT, "AND v.revoked_at IS NULL");
    let made_by = new.made_by.as_ref().map(DeviceId::as_bytes);
    let link = params![new.code.as_bytes(), new.account.as_bytes(), made_by, new.expires_at.unix_s()];
    let is_made = tx.connection.is_any(insert, link)?;
    if is_made {
        audit::append(tx, new.account, AuditKind::EnrolmentCreated, &by.body(), now)?;
    }
    Ok(is_made)
}

pub(super) fn enrol_by_code(
    tx: &mut Tx,
    code: &SecretHash,
    new: &NewDevice,
    devices_max: u32,
    by: &By,
    now: Timestamp,
) -> Result<Enrolled, Fault> {
    let thumbprint = new.key.thumbprint();
    let once = without!("link_once", sql::USE_ENROLMENT, "AND used_by IS NULL");
    let link = params![code.as_bytes(), thumbprint.as_bytes(), now.unix_s(), new.id.as_bytes(), devices_max];
    if let Some(account) = tx.connection.first(once, link, |row| row.account_id("account"))? {
        return trust(tx, account, new, "code", by.body(), now);
    }
    let repeat =
        params![code.as_bytes(), thumbprint.as_bytes(), now.plus_s(-REPEAT_S).unix_s(), new.token.as_bytes()];
    if let Some(device) = tx.connection.first(sql::REPEAT_ENROLMENT, repeat, |row| row.device_id("id"))? {
        return trusted(tx, device);
    }
    let is_usable = tx.connection.is_any(sql::USABLE_ENROLMENT, params![code.as_bytes(), now.unix_s()])?;
    Ok(if is_usable { Enrolled::TooMany } else { Enrolled::Refused })
}

pub(super) fn enrol_by_password(
    tx: &mut Tx,
    password: &EnrolPassword,
    new: &NewDevice,
    devices_max: u32,
    by: &By,
    now: Timestamp,
) -> Result<Enrolled, Fault> {
    let rule = match password.rule {
        PasswordEnrolment::First => "first",
        PasswordEnrolment::Always => "always",
        PasswordEnrolment::Never => return Ok(Enrolled::Refused),
    };
    let thumbprint = new.key.thumbprint();
    let repeat = params![
        password.account.as_bytes(),
        thumbprint.as_bytes(),
        now.plus_s(-REPEAT_S).unix_s(),
        new.token.as_bytes(),
        &password.verified_hash
    ];
    if let Some(device) = tx.connection.first(sql::REPEAT_PASSWORD, repeat, |row| row.device_id("id"))? {
        return trusted(tx, device);
    }
    let first = without!("password_first", sql::USE_PASSWORD, "AND NOT ever_had_device");
    let chance = params![password.account.as_bytes(), &password.verified_hash, rule, devices_max];
    if tx.connection.is_any(first, chance)? {
        return trust(tx, password.account, new, "password", by.body(), now);
    }
    let chance = params![password.account.as_bytes(), &password.verified_hash, rule];
    let is_usable = tx.connection.is_any(sql::USABLE_PASSWORD, chance)?;
    Ok(if is_usable { Enrolled::TooMany } else { Enrolled::Refused })
}

/// Trusts a device that showed a recovery code; so many are left.
pub(super) fn trust_recovered(
    tx: &mut Tx,
    account: AccountId,
    new: &NewDevice,
    left: u64,
    by: &By,
    now: Timestamp,
) -> Result<Enrolled, Fault> {
    let body = Body { by: Some(BY_RECOVERY.to_owned()), count: Some(left), ..by.body() };
    trust(tx, account, new, "code", body, now)
}

/// `how`: a word of the column; `body`: who acts, and how where that is another word.
fn trust(
    tx: &mut Tx,
    account: AccountId,
    new: &NewDevice,
    how: &'static str,
    body: Body,
    now: Timestamp,
) -> Result<Enrolled, Fault> {
    tx.connection.run(
        sql::INSERT_DEVICE,
        params![
            new.id.as_bytes(),
            account.as_bytes(),
            &new.name,
            rows::device_kind_word(new.kind),
            new.key.jwk_text(),
            new.key.thumbprint().as_bytes(),
            new.token.as_bytes(),
            how,
            now.unix_s()
        ],
    )?;
    tx.connection.run(sql::SET_HAD_DEVICE, params![account.as_bytes()])?;
    let body = Body {
        device: Some(DeviceRef { id: new.id, name: new.name.clone() }),
        by: body.by.clone().or_else(|| Some(how.to_owned())),
        ..body
    };
    audit::append(tx, account, AuditKind::DeviceEnrolled, &body, now)?;
    trusted(tx, new.id)
}

pub(super) fn trusted(tx: &mut Tx, device: DeviceId) -> Result<Enrolled, Fault> {
    let holder = by_id(&tx.connection, device)?;
    Ok(holder.map_or(Enrolled::Refused, Enrolled::Trusted))
}

pub(super) fn by_token(connection: &Connection, token: &SecretHash) -> Result<Option<Holder>, Fault> {
    let holder = without!("device_removed", sql::HOLDER_BY_TOKEN, "v.revoked_at IS NULL AND");
    connection.first(holder, params![token.as_bytes()], |row| rows::holder(row))
}

pub(super) fn by_id(connection: &Connection, device: DeviceId) -> Result<Option<Holder>, Fault> {
    connection.first(sql::HOLDER, params![device.as_bytes()], |row| rows::holder(row))
}

pub(super) fn of_account(connection: &Connection, account: AccountId) -> Result<Vec<Device>, Fault> {
    connection.all(sql::DEVICES, params![account.as_bytes()], |row| rows::device(row))
}

pub(super) fn rename(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
    name: &str,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let is_renamed =
        tx.connection.is_any(sql::RENAME_DEVICE, params![device.as_bytes(), account.as_bytes(), name])?;
    if is_renamed {
        let body = Body { subject: Some(DeviceRef { id: device, name: name.to_owned() }), ..by.body() };
        audit::append(tx, account, AuditKind::DeviceRenamed, &body, now)?;
    }
    Ok(is_renamed)
}

pub(super) fn revoke(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
    by: &By,
    now: Timestamp,
) -> Result<Option<Vec<SessionId>>, Fault> {
    let removal = params![device.as_bytes(), account.as_bytes(), now.unix_s()];
    let Some(name) = tx.connection.first(sql::REVOKE_DEVICE, removal, |row| row.text("name"))? else {
        return Ok(None);
    };
    tx.connection.run(sql::DELETE_UNUSED_ENROLMENTS_OF_DEVICE, params![device.as_bytes()])?;
    // Whoever signs out of a computer keeps the codes for the next one; those of a stolen one are in other hands.
    if !by.is_device(device) && !hole!("recovery_of_a_removed_device") {
        recovery::forget_of_device(tx, device)?;
    }
    let ended = sessions::end_of_device(tx, account, device, now)?;
    let body = Body { subject: Some(DeviceRef { id: device, name }), count: count_of(&ended), ..by.body() };
    audit::append(tx, account, AuditKind::DeviceRemoved, &body, now)?;
    Ok(Some(ended))
}

pub(super) fn touch(tx: &mut Tx, device: DeviceId, now: Timestamp) -> Result<(), Fault> {
    tx.connection.run(sql::TOUCH_DEVICE, params![device.as_bytes(), now.unix_s()])?;
    Ok(())
}
