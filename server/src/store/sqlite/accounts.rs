use protocol::id::{AccountId, SessionId};
use protocol::time::Timestamp;
use rusqlite::{Connection, params};

use super::prepared::Prepared as _;
use super::rows::{self, Fault};
use super::transaction::Tx;
use super::{audit, sessions};
use crate::store::accounts::{Account, AccountState, CreateAccount, NewAccount};
use crate::store::audit::{AuditKind, Body, By, count_of};
use crate::store::sessions::EndReason;
use crate::store::statements as sql;

pub(super) fn create(tx: &mut Tx, new: &NewAccount, by: &By, now: Timestamp) -> Result<CreateAccount, Fault> {
    let is_new = tx.connection.is_any(
        sql::INSERT_ACCOUNT,
        params![
            new.id.as_bytes(),
            &new.username,
            &new.display_name,
            &new.password_hash,
            now.unix_s(),
            &new.email,
            rows::to_json(&new.groups)
        ],
    )?;
    if !is_new {
        return Ok(CreateAccount::NameTaken);
    }
    audit::append(tx, new.id, AuditKind::AccountCreated, &by.body(), now)?;
    Ok(CreateAccount::Created)
}

pub(super) fn by_id(connection: &Connection, id: AccountId) -> Result<Option<Account>, Fault> {
    connection.first(sql::ACCOUNT, params![id.as_bytes()], |row| rows::account(row))
}

pub(super) fn by_name(connection: &Connection, username: &str) -> Result<Option<Account>, Fault> {
    connection.first(sql::ACCOUNT_BY_NAME, params![username], |row| rows::account(row))
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Account>, Fault> {
    connection.all(sql::ACCOUNTS, &[], |row| rows::account(row))
}

pub(super) fn set_password(
    tx: &mut Tx,
    account: AccountId,
    hash: Option<&str>,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let is_there = tx.connection.is_any(sql::SET_PASSWORD, params![account.as_bytes(), hash])?;
    if is_there {
        audit::append(tx, account, AuditKind::PasswordChanged, &by.body(), now)?;
    }
    Ok(is_there)
}

pub(super) fn set_profile(
    tx: &mut Tx,
    account: AccountId,
    email: Option<&str>,
    groups: &[String],
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let profile = params![account.as_bytes(), email, rows::to_json(&groups)];
    let is_there = tx.connection.is_any(sql::SET_PROFILE, profile)?;
    if is_there {
        audit::append(tx, account, AuditKind::AccountChanged, &by.body(), now)?;
    }
    Ok(is_there)
}

pub(super) fn set_state(
    tx: &mut Tx,
    account: AccountId,
    state: AccountState,
    by: &By,
    now: Timestamp,
) -> Result<Option<Vec<SessionId>>, Fault> {
    let is_changed =
        tx.connection.is_any(sql::SET_ACCOUNT_STATE, params![account.as_bytes(), state.as_str()])?;
    if !is_changed {
        let there = by_id(&tx.connection, account)?;
        return Ok(there.map(|_| Vec::new()));
    }
    let (kind, ended) = match state {
        AccountState::Active => (AuditKind::AccountEnabled, Vec::new()),
        AccountState::Disabled => {
            (AuditKind::AccountDisabled, end_everything(tx, account, EndReason::AccountDisabled, now)?)
        }
    };
    let body = Body { count: count_of(&ended), ..by.body() };
    audit::append(tx, account, kind, &body, now)?;
    Ok(Some(ended))
}

pub(super) fn remove(
    tx: &mut Tx,
    account: AccountId,
    by: &By,
    now: Timestamp,
) -> Result<Option<Vec<SessionId>>, Fault> {
    let ended = end_everything(tx, account, EndReason::AccountDisabled, now)?;
    let is_removed = tx.connection.is_any(sql::DELETE_ACCOUNT, params![account.as_bytes()])?;
    if !is_removed {
        return Ok(None);
    }
    let body = Body { count: count_of(&ended), ..by.body() };
    audit::append(tx, account, AuditKind::AccountRemoved, &body, now)?;
    Ok(Some(ended))
}

fn end_everything(
    tx: &mut Tx,
    account: AccountId,
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    tx.connection.run(sql::DELETE_UNUSED_ENROLMENTS_OF_ACCOUNT, params![account.as_bytes()])?;
    sessions::end_of_account(tx, account, reason, now)
}

/// Changes nothing, by a statement that a database refuses which can only be read: `BEGIN IMMEDIATE` does not.
pub(super) fn ping(tx: &mut Tx) -> Result<(), Fault> {
    tx.connection.run("UPDATE accounts SET username = username WHERE FALSE", &[])?;
    Ok(())
}
