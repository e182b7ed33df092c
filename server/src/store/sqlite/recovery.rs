use protocol::hole;
use protocol::id::{AccountId, DeviceId};
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::audit;
use super::devices;
use super::rows::{Columns as _, Fault};
use super::writer::Tx;
use crate::holes::without;
use crate::store::audit::{AuditKind, Body, By};
use crate::store::devices::{EnrolRecovery, Enrolled, NewDevice, RecoveryCodes};
use crate::store::durable::REPEAT_S;
use crate::store::statements as sql;

/// Replaces the account's codes, used ones too.
pub(super) async fn make(
    tx: &mut Tx,
    account: AccountId,
    made_by: DeviceId,
    codes: &[SecretHash],
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let holder = devices::by_id(&mut tx.connection, made_by).await?;
    if holder.is_none_or(|holder| holder.account.id != account) && !hole!("codes_of_a_removed_device") {
        return Ok(false);
    }
    if !hole!("recovery_anew") {
        let delete = sqlx::query(sql::DELETE_RECOVERY_CODES);
        delete.bind(&account.as_bytes()[..]).execute(&mut tx.connection).await?;
    }
    for code in codes {
        sqlx::query(sql::INSERT_RECOVERY_CODE)
            .bind(&code.as_bytes()[..])
            .bind(&account.as_bytes()[..])
            .bind(&made_by.as_bytes()[..])
            .bind(now.unix_s())
            .execute(&mut tx.connection)
            .await?;
    }
    let body = Body { count: Some(codes.len() as u64), ..by.body() };
    audit::append(tx, account, AuditKind::RecoveryCodesMade, &body, now).await?;
    Ok(true)
}

/// How many are left.
pub(super) async fn of_account(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<RecoveryCodes, Fault> {
    let row = sqlx::query(sql::RECOVERY_CODES).bind(&account.as_bytes()[..]).fetch_one(connection).await?;
    let left: i64 = row.try_get("codes_left")?;
    let made_at: Option<i64> = row.try_get("made_at")?;
    Ok(RecoveryCodes { left: u32::try_from(left).unwrap_or(0), made_at: made_at.map(Timestamp) })
}

/// Enrols with a code, once. The statement names account and code alike, so nothing tells which of them is wrong.
pub(super) async fn enrol(
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
    let used = sqlx::query(own)
        .bind(&recovery.code.as_bytes()[..])
        .bind(&recovery.username)
        .bind(&thumbprint.as_bytes()[..])
        .bind(now.unix_s())
        .bind(&new.id.as_bytes()[..])
        .bind(i64::from(devices_max))
        .fetch_optional(&mut tx.connection)
        .await?;
    if let Some(row) = used {
        let account = row.account_id("account")?;
        let left = of_account(&mut tx.connection, account).await?.left;
        return devices::trust_recovered(tx, account, new, left.into(), by, now).await;
    }
    let repeated = sqlx::query(sql::REPEAT_RECOVERY)
        .bind(&recovery.code.as_bytes()[..])
        .bind(&recovery.username)
        .bind(&thumbprint.as_bytes()[..])
        .bind(now.plus_s(-REPEAT_S).unix_s())
        .bind(&new.token.as_bytes()[..])
        .fetch_optional(&mut tx.connection)
        .await?;
    if let Some(row) = repeated {
        return devices::trusted(tx, row.device_id("id")?).await;
    }
    let usable = sqlx::query(sql::USABLE_RECOVERY_CODE)
        .bind(&recovery.code.as_bytes()[..])
        .bind(&recovery.username)
        .fetch_optional(&mut tx.connection)
        .await?;
    Ok(usable.map_or(Enrolled::Refused, |_| Enrolled::TooMany))
}

/// Takes the unused codes of a device away that somebody else removed.
pub(super) async fn forget_of_device(tx: &mut Tx, device: DeviceId) -> Result<(), Fault> {
    sqlx::query(sql::DELETE_UNUSED_RECOVERY_CODES_OF_DEVICE)
        .bind(&device.as_bytes()[..])
        .execute(&mut tx.connection)
        .await?;
    Ok(())
}
