use protocol::hole;
use protocol::id::{AccountId, DeviceId, SessionId};
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::rows::{self, Columns as _, Fault};
use super::writer::Tx;
use super::{audit, recovery, sessions};
use crate::config::PasswordEnrolment;
use crate::holes::without;
use crate::store::audit::{AuditKind, BY_RECOVERY, Body, By, DeviceRef, count_of};
use crate::store::devices::{Device, EnrolPassword, Enrolled, Holder, NewDevice, NewEnrolment};
use crate::store::durable::REPEAT_S;
use crate::store::statements as sql;

/// Least seconds between two notes of use.
pub(super) const TOUCH_STEP_S: i64 = 60;

pub(super) async fn create_enrolment(
    tx: &mut Tx,
    new: &NewEnrolment,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let insert = without!("link_of_a_removed_device", sql::INSERT_ENROLMENT, "AND v.revoked_at IS NULL");
    let row = sqlx::query(insert)
        .bind(&new.code.as_bytes()[..])
        .bind(&new.account.as_bytes()[..])
        .bind(new.made_by.as_ref().map(|id| &id.as_bytes()[..]))
        .bind(new.expires_at.unix_s())
        .fetch_optional(&mut tx.connection)
        .await?;
    if row.is_some() {
        audit::append(tx, new.account, AuditKind::EnrolmentCreated, &by.body(), now).await?;
    }
    Ok(row.is_some())
}

pub(super) async fn enrol_by_code(
    tx: &mut Tx,
    code: &SecretHash,
    new: &NewDevice,
    devices_max: u32,
    by: &By,
    now: Timestamp,
) -> Result<Enrolled, Fault> {
    let thumbprint = new.key.thumbprint();
    let used = sqlx::query(without!("link_once", sql::USE_ENROLMENT, "AND used_by IS NULL"))
        .bind(&code.as_bytes()[..])
        .bind(&thumbprint.as_bytes()[..])
        .bind(now.unix_s())
        .bind(&new.id.as_bytes()[..])
        .bind(i64::from(devices_max))
        .fetch_optional(&mut tx.connection)
        .await?;
    if let Some(row) = used {
        let account = row.account_id("account")?;
        return trust(tx, account, new, "code", by.body(), now).await;
    }
    let repeated = sqlx::query(sql::REPEAT_ENROLMENT)
        .bind(&code.as_bytes()[..])
        .bind(&thumbprint.as_bytes()[..])
        .bind(now.plus_s(-REPEAT_S).unix_s())
        .bind(&new.token.as_bytes()[..])
        .fetch_optional(&mut tx.connection)
        .await?;
    if let Some(row) = repeated {
        return trusted(tx, row.device_id("id")?).await;
    }
    let usable = sqlx::query(sql::USABLE_ENROLMENT)
        .bind(&code.as_bytes()[..])
        .bind(now.unix_s())
        .fetch_optional(&mut tx.connection)
        .await?;
    Ok(usable.map_or(Enrolled::Refused, |_| Enrolled::TooMany))
}

pub(super) async fn enrol_by_password(
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
    let repeated = sqlx::query(sql::REPEAT_PASSWORD)
        .bind(&password.account.as_bytes()[..])
        .bind(&new.key.thumbprint().as_bytes()[..])
        .bind(now.plus_s(-REPEAT_S).unix_s())
        .bind(&new.token.as_bytes()[..])
        .bind(&password.verified_hash)
        .fetch_optional(&mut tx.connection)
        .await?;
    if let Some(row) = repeated {
        return trusted(tx, row.device_id("id")?).await;
    }
    let used = sqlx::query(without!("password_first", sql::USE_PASSWORD, "AND NOT ever_had_device"))
        .bind(&password.account.as_bytes()[..])
        .bind(&password.verified_hash)
        .bind(rule)
        .bind(i64::from(devices_max))
        .fetch_optional(&mut tx.connection)
        .await?;
    if used.is_some() {
        return trust(tx, password.account, new, "password", by.body(), now).await;
    }
    let usable = sqlx::query(sql::USABLE_PASSWORD)
        .bind(&password.account.as_bytes()[..])
        .bind(&password.verified_hash)
        .bind(rule)
        .fetch_optional(&mut tx.connection)
        .await?;
    Ok(usable.map_or(Enrolled::Refused, |_| Enrolled::TooMany))
}

/// Trusts a device that showed a recovery code; so many are left.
pub(super) async fn trust_recovered(
    tx: &mut Tx,
    account: AccountId,
    new: &NewDevice,
    left: u64,
    by: &By,
    now: Timestamp,
) -> Result<Enrolled, Fault> {
    let body = Body { by: Some(BY_RECOVERY.to_owned()), count: Some(left), ..by.body() };
    trust(tx, account, new, "code", body, now).await
}

/// `how`: a word of the column; `body`: who acts, and how where that is another word.
async fn trust(
    tx: &mut Tx,
    account: AccountId,
    new: &NewDevice,
    how: &'static str,
    body: Body,
    now: Timestamp,
) -> Result<Enrolled, Fault> {
    sqlx::query(sql::INSERT_DEVICE)
        .bind(&new.id.as_bytes()[..])
        .bind(&account.as_bytes()[..])
        .bind(&new.name)
        .bind(rows::device_kind_word(new.kind))
        .bind(new.key.jwk_text())
        .bind(&new.key.thumbprint().as_bytes()[..])
        .bind(&new.token.as_bytes()[..])
        .bind(how)
        .bind(now.unix_s())
        .execute(&mut tx.connection)
        .await?;
    sqlx::query(sql::SET_HAD_DEVICE).bind(&account.as_bytes()[..]).execute(&mut tx.connection).await?;
    let body = Body {
        device: Some(DeviceRef { id: new.id, name: new.name.clone() }),
        by: body.by.clone().or_else(|| Some(how.to_owned())),
        ..body
    };
    audit::append(tx, account, AuditKind::DeviceEnrolled, &body, now).await?;
    trusted(tx, new.id).await
}

pub(super) async fn trusted(tx: &mut Tx, device: DeviceId) -> Result<Enrolled, Fault> {
    let holder = by_id(&mut tx.connection, device).await?;
    Ok(holder.map_or(Enrolled::Refused, Enrolled::Trusted))
}

pub(super) async fn by_token(
    connection: &mut SqliteConnection,
    token: &SecretHash,
) -> Result<Option<Holder>, Fault> {
    let row = sqlx::query(without!("device_removed", sql::HOLDER_BY_TOKEN, "v.revoked_at IS NULL AND"))
        .bind(&token.as_bytes()[..])
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(rows::holder).transpose()
}

pub(super) async fn by_id(
    connection: &mut SqliteConnection,
    device: DeviceId,
) -> Result<Option<Holder>, Fault> {
    let row = sqlx::query(sql::HOLDER).bind(&device.as_bytes()[..]).fetch_optional(connection).await?;
    row.as_ref().map(rows::holder).transpose()
}

pub(super) async fn of_account(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<Vec<Device>, Fault> {
    let rows = sqlx::query(sql::DEVICES).bind(&account.as_bytes()[..]).fetch_all(connection).await?;
    rows.iter().map(rows::device).collect()
}

pub(super) async fn rename(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
    name: &str,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let row = sqlx::query(sql::RENAME_DEVICE)
        .bind(&device.as_bytes()[..])
        .bind(&account.as_bytes()[..])
        .bind(name)
        .fetch_optional(&mut tx.connection)
        .await?;
    if row.is_some() {
        let body = Body { subject: Some(DeviceRef { id: device, name: name.to_owned() }), ..by.body() };
        audit::append(tx, account, AuditKind::DeviceRenamed, &body, now).await?;
    }
    Ok(row.is_some())
}

pub(super) async fn revoke(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
    by: &By,
    now: Timestamp,
) -> Result<Option<Vec<SessionId>>, Fault> {
    let revoked = sqlx::query(sql::REVOKE_DEVICE)
        .bind(&device.as_bytes()[..])
        .bind(&account.as_bytes()[..])
        .bind(now.unix_s())
        .fetch_optional(&mut tx.connection)
        .await?;
    let Some(row) = revoked else {
        return Ok(None);
    };
    let name: String = row.try_get("name")?;
    sqlx::query(sql::DELETE_UNUSED_ENROLMENTS_OF_DEVICE)
        .bind(&device.as_bytes()[..])
        .execute(&mut tx.connection)
        .await?;
    // Whoever signs out of a computer keeps the codes for the next one; those of a stolen one are in other hands.
    if !by.is_device(device) && !hole!("recovery_of_a_removed_device") {
        recovery::forget_of_device(tx, device).await?;
    }
    let ended = sessions::end_of_device(tx, account, device, now).await?;
    let body = Body { subject: Some(DeviceRef { id: device, name }), count: count_of(&ended), ..by.body() };
    audit::append(tx, account, AuditKind::DeviceRemoved, &body, now).await?;
    Ok(Some(ended))
}

pub(super) async fn touch(tx: &mut Tx, device: DeviceId, now: Timestamp) -> Result<(), Fault> {
    sqlx::query(sql::TOUCH_DEVICE)
        .bind(&device.as_bytes()[..])
        .bind(now.unix_s())
        .execute(&mut tx.connection)
        .await?;
    Ok(())
}
