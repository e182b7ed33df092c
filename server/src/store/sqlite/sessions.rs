use protocol::hole;
use protocol::id::{AccountId, DeviceId, SessionId};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::audit;
use super::prepared::Prepared as _;
use super::rows::{self, Columns as _, Fault};
use super::transaction::Tx;
use crate::holes::without;
use crate::store::audit::{AuditKind, Body, By, count_of, ended};
use crate::store::sessions::{EndReason, Refreshed, SessionLives, SessionView};
use crate::store::statements as sql;

/// An approval older than this is no use to anybody, whatever the settings.
const APPROVED_S_MAX: i64 = 86_400;

pub(super) fn by_id(
    connection: &Connection,
    id: SessionId,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<SessionView>, Fault> {
    let asked = params![id.as_bytes(), now.plus_s(-lives.idle_s).unix_s(), now.plus_s(-lives.max_s).unix_s()];
    connection.first(sql::SESSION, asked, |row| rows::session_view(row, None, lives))
}

pub(super) fn by_token(
    connection: &Connection,
    token: &SecretHash,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<SessionView>, Fault> {
    let live = without!("session_token_life", sql::SESSION_BY_TOKEN, "s.token_issued_at > $4" => "TRUE");
    let asked = params![
        token.as_bytes(),
        now.plus_s(-lives.idle_s).unix_s(),
        now.plus_s(-lives.max_s).unix_s(),
        now.plus_s(-lives.token_s).unix_s(),
        now.unix_s()
    ];
    connection.first(live, asked, |row| rows::session_view(row, Some(token), lives))
}

pub(super) fn of_account(
    connection: &Connection,
    account: AccountId,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Vec<SessionView>, Fault> {
    let asked =
        params![account.as_bytes(), now.plus_s(-lives.idle_s).unix_s(), now.plus_s(-lives.max_s).unix_s()];
    connection.all(sql::SESSIONS, asked, |row| rows::session_view(row, None, lives))
}

pub(super) fn is_known(connection: &Connection, account: AccountId, key: &Thumbprint) -> Result<bool, Fault> {
    connection.flag(sql::IS_KNOWN_KEY, params![account.as_bytes(), key.as_bytes()])
}

pub(super) fn refresh(
    tx: &mut Tx,
    id: SessionId,
    key: &Thumbprint,
    token: &SecretHash,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Refreshed, Fault> {
    if by_id(&tx.connection, id, lives, now)?.is_none() {
        return Ok(Refreshed::NotFound);
    }
    let is_bound = tx.connection.flag(sql::SESSION_HAS_KEY, params![id.as_bytes(), key.as_bytes()])?;
    if !is_bound && !hole!("session_key") {
        return Ok(Refreshed::WrongKey);
    }
    let fresh = params![
        id.as_bytes(),
        token.as_bytes(),
        now.unix_s(),
        now.plus_s(lives.previous_token_s).unix_s(),
        lives.token_s
    ];
    if !tx.connection.is_any(sql::REFRESH_SESSION, fresh)? {
        return Ok(Refreshed::NotFound);
    }
    let session = by_id(&tx.connection, id, lives, now)?;
    Ok(session.map_or(Refreshed::NotFound, Refreshed::Refreshed))
}

pub(super) fn touch(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<(), Fault> {
    tx.connection.run(sql::TOUCH_SESSION, params![id.as_bytes(), now.unix_s()])?;
    Ok(())
}

pub(super) fn end(
    tx: &mut Tx,
    account: AccountId,
    id: SessionId,
    reason: EndReason,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let asked = params![id.as_bytes(), account.as_bytes(), now.unix_s(), reason.as_str()];
    let ended = tx.connection.first(sql::END_SESSION, asked, ended_row)?;
    if let Some(ended) = &ended {
        note_end(tx, ended, reason, by, now)?;
    }
    Ok(ended.is_some())
}

pub(super) fn end_all(
    tx: &mut Tx,
    account: AccountId,
    by: &By,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    let ended = end_of_account(tx, account, EndReason::EndedAll, now)?;
    let body = Body { count: count_of(&ended), ..by.body() };
    audit::append(tx, account, AuditKind::SessionsEnded, &body, now)?;
    Ok(ended)
}

/// Ends sessions and takes approvals back that nobody redeemed; the caller appends the entry.
pub(super) fn end_of_account(
    tx: &mut Tx,
    account: AccountId,
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    tx.connection
        .run(sql::WITHDRAW_OF_ACCOUNT, params![account.as_bytes(), now.plus_s(-APPROVED_S_MAX).unix_s()])?;
    let asked = params![account.as_bytes(), now.unix_s(), reason.as_str()];
    tx.connection.all(sql::END_SESSIONS_OF_ACCOUNT, asked, |row| row.session_id("id"))
}

/// As [`end_of_account`], for what one device approved.
pub(super) fn end_of_device(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    tx.connection.run(
        sql::WITHDRAW_OF_DEVICE,
        params![account.as_bytes(), now.plus_s(-APPROVED_S_MAX).unix_s(), device.as_bytes()],
    )?;
    let asked = params![device.as_bytes(), now.unix_s(), EndReason::DeviceRemoved.as_str()];
    tx.connection.all(sql::END_SESSIONS_OF_DEVICE, asked, |row| row.session_id("id"))
}

/// A session that a statement just ended.
pub(super) struct EndedRow {
    id: SessionId,
    pub(super) account: AccountId,
    browser: String,
    system: String,
}

pub(super) fn ended_row(row: &Row<'_>) -> Result<EndedRow, Fault> {
    Ok(EndedRow {
        id: row.session_id("id")?,
        account: row.account_id("account")?,
        browser: row.text("browser")?,
        system: row.text("system")?,
    })
}

/// Appends the entry of a session that ended, to the chain of its own account.
pub(super) fn note_end(
    tx: &mut Tx,
    row: &EndedRow,
    reason: EndReason,
    by: &By,
    now: Timestamp,
) -> Result<SessionId, Fault> {
    let (kind, body) = ended(row.id, (row.browser.clone(), row.system.clone()), reason, by);
    audit::append(tx, row.account, kind, &body, now)?;
    Ok(row.id)
}
