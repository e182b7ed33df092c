use protocol::id::{AccountId, SessionId};
use protocol::time::Timestamp;
use sqlx::PgConnection;

use super::rows::{self, Fault};
use super::{audit, lock, sessions, statements};
use crate::store::accounts::{Account, AccountState, CreateAccount, NewAccount};
use crate::store::audit::{AuditKind, Body, By, count_of};
use crate::store::sessions::EndReason;
use crate::store::statements as sql;

pub(super) async fn create(
    tx: &mut PgConnection,
    new: &NewAccount,
    by: &By,
    now: Timestamp,
) -> Result<CreateAccount, Fault> {
    let row = sqlx::query(sql::INSERT_ACCOUNT)
        .bind(&new.id.as_bytes()[..])
        .bind(&new.username)
        .bind(&new.display_name)
        .bind(&new.password_hash)
        .bind(now.unix_s())
        .bind(&new.email)
        .bind(rows::to_json(&new.groups))
        .fetch_optional(&mut *tx)
        .await?;
    if row.is_none() {
        return Ok(CreateAccount::NameTaken);
    }
    audit::append(tx, new.id, AuditKind::AccountCreated, &by.body(), now).await?;
    Ok(CreateAccount::Created)
}

pub(super) async fn by_id(connection: &mut PgConnection, id: AccountId) -> Result<Option<Account>, Fault> {
    let row = sqlx::query(sql::ACCOUNT).bind(&id.as_bytes()[..]).fetch_optional(connection).await?;
    row.as_ref().map(rows::account).transpose()
}

pub(super) async fn by_name(connection: &mut PgConnection, username: &str) -> Result<Option<Account>, Fault> {
    let row = sqlx::query(sql::ACCOUNT_BY_NAME).bind(username).fetch_optional(connection).await?;
    row.as_ref().map(rows::account).transpose()
}

pub(super) async fn all(connection: &mut PgConnection) -> Result<Vec<Account>, Fault> {
    let rows = sqlx::query(sql::ACCOUNTS).fetch_all(connection).await?;
    rows.iter().map(rows::account).collect()
}

pub(super) async fn set_password(
    tx: &mut PgConnection,
    account: AccountId,
    hash: Option<&str>,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let row = sqlx::query(sql::SET_PASSWORD)
        .bind(&account.as_bytes()[..])
        .bind(hash)
        .fetch_optional(&mut *tx)
        .await?;
    if row.is_some() {
        audit::append(tx, account, AuditKind::PasswordChanged, &by.body(), now).await?;
    }
    Ok(row.is_some())
}

pub(super) async fn set_profile(
    tx: &mut PgConnection,
    account: AccountId,
    (email, groups): (Option<&str>, &[String]),
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let row = sqlx::query(sql::SET_PROFILE)
        .bind(&account.as_bytes()[..])
        .bind(email)
        .bind(rows::to_json(&groups))
        .fetch_optional(&mut *tx)
        .await?;
    if row.is_some() {
        audit::append(tx, account, AuditKind::AccountChanged, &by.body(), now).await?;
    }
    Ok(row.is_some())
}

pub(super) async fn set_state(
    tx: &mut PgConnection,
    account: AccountId,
    state: AccountState,
    by: &By,
    now: Timestamp,
) -> Result<Option<Vec<SessionId>>, Fault> {
    let changed = sqlx::query(sql::SET_ACCOUNT_STATE)
        .bind(&account.as_bytes()[..])
        .bind(state.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    if changed.is_none() {
        let there = by_id(&mut *tx, account).await?;
        return Ok(there.map(|_| Vec::new()));
    }
    let (kind, ended) = match state {
        AccountState::Active => (AuditKind::AccountEnabled, Vec::new()),
        AccountState::Disabled => {
            (AuditKind::AccountDisabled, end_everything(tx, account, EndReason::AccountDisabled, now).await?)
        }
    };
    let body = Body { count: count_of(&ended), ..by.body() };
    audit::append(tx, account, kind, &body, now).await?;
    Ok(Some(ended))
}

pub(super) async fn remove(
    tx: &mut PgConnection,
    account: AccountId,
    by: &By,
    now: Timestamp,
) -> Result<Option<Vec<SessionId>>, Fault> {
    lock(tx, statements::HOLD_ACCOUNT, account.as_bytes()).await?;
    let ended = end_everything(tx, account, EndReason::AccountDisabled, now).await?;
    let removed =
        sqlx::query(sql::DELETE_ACCOUNT).bind(&account.as_bytes()[..]).fetch_optional(&mut *tx).await?;
    if removed.is_none() {
        return Ok(None);
    }
    let body = Body { count: count_of(&ended), ..by.body() };
    audit::append(tx, account, AuditKind::AccountRemoved, &body, now).await?;
    Ok(Some(ended))
}

async fn end_everything(
    tx: &mut PgConnection,
    account: AccountId,
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    sqlx::query(sql::DELETE_UNUSED_ENROLMENTS_OF_ACCOUNT)
        .bind(&account.as_bytes()[..])
        .execute(&mut *tx)
        .await?;
    sessions::end_of_account(tx, account, reason, now).await
}

/// Changes nothing, by a statement that a standby refuses, which can only be read.
pub(super) async fn ping(tx: &mut PgConnection) -> Result<(), Fault> {
    sqlx::query("UPDATE accounts SET username = username WHERE FALSE").execute(&mut *tx).await?;
    Ok(())
}
