use protocol::hole;
use protocol::id::{AccountId, DeviceId, SessionId};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::audit;
use super::rows::{self, Columns as _, Fault};
use super::writer::Tx;
use crate::holes::without;
use crate::store::audit::{AuditKind, Body, By, count_of, ended};
use crate::store::sessions::{EndReason, Refreshed, SessionLives, SessionView};
use crate::store::statements as sql;

/// An approval older than this is no use to anybody, whatever the settings.
const APPROVED_S_MAX: i64 = 86_400;

pub(super) async fn by_id(
    connection: &mut SqliteConnection,
    id: SessionId,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<SessionView>, Fault> {
    let row = sqlx::query(sql::SESSION)
        .bind(&id.as_bytes()[..])
        .bind(now.plus_s(-lives.idle_s).unix_s())
        .bind(now.plus_s(-lives.max_s).unix_s())
        .fetch_optional(connection)
        .await?;
    row.map(|row| rows::session_view(&row, None, lives)).transpose()
}

pub(super) async fn by_token(
    connection: &mut SqliteConnection,
    token: &SecretHash,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<SessionView>, Fault> {
    let live = without!("session_token_life", sql::SESSION_BY_TOKEN, "s.token_issued_at > $4" => "TRUE");
    let row = sqlx::query(live)
        .bind(&token.as_bytes()[..])
        .bind(now.plus_s(-lives.idle_s).unix_s())
        .bind(now.plus_s(-lives.max_s).unix_s())
        .bind(now.plus_s(-lives.token_s).unix_s())
        .bind(now.unix_s())
        .fetch_optional(connection)
        .await?;
    row.map(|row| rows::session_view(&row, Some(token), lives)).transpose()
}

pub(super) async fn of_account(
    connection: &mut SqliteConnection,
    account: AccountId,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Vec<SessionView>, Fault> {
    let rows = sqlx::query(sql::SESSIONS)
        .bind(&account.as_bytes()[..])
        .bind(now.plus_s(-lives.idle_s).unix_s())
        .bind(now.plus_s(-lives.max_s).unix_s())
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| rows::session_view(row, None, lives)).collect()
}

pub(super) async fn is_known(
    connection: &mut SqliteConnection,
    account: AccountId,
    key: &Thumbprint,
) -> Result<bool, Fault> {
    Ok(sqlx::query_scalar(sql::IS_KNOWN_KEY)
        .bind(&account.as_bytes()[..])
        .bind(&key.as_bytes()[..])
        .fetch_one(connection)
        .await?)
}

pub(super) async fn refresh(
    tx: &mut Tx,
    id: SessionId,
    key: &Thumbprint,
    token: &SecretHash,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Refreshed, Fault> {
    if by_id(&mut tx.connection, id, lives, now).await?.is_none() {
        return Ok(Refreshed::NotFound);
    }
    let is_bound: bool = sqlx::query_scalar(sql::SESSION_HAS_KEY)
        .bind(&id.as_bytes()[..])
        .bind(&key.as_bytes()[..])
        .fetch_one(&mut tx.connection)
        .await?;
    if !is_bound && !hole!("session_key") {
        return Ok(Refreshed::WrongKey);
    }
    let refreshed = sqlx::query(sql::REFRESH_SESSION)
        .bind(&id.as_bytes()[..])
        .bind(&token.as_bytes()[..])
        .bind(now.unix_s())
        .bind(now.plus_s(lives.previous_token_s).unix_s())
        .bind(lives.token_s)
        .fetch_optional(&mut tx.connection)
        .await?;
    if refreshed.is_none() {
        return Ok(Refreshed::NotFound);
    }
    let session = by_id(&mut tx.connection, id, lives, now).await?;
    Ok(session.map_or(Refreshed::NotFound, Refreshed::Refreshed))
}

pub(super) async fn touch(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<(), Fault> {
    sqlx::query(sql::TOUCH_SESSION)
        .bind(&id.as_bytes()[..])
        .bind(now.unix_s())
        .execute(&mut tx.connection)
        .await?;
    Ok(())
}

pub(super) async fn end(
    tx: &mut Tx,
    account: AccountId,
    id: SessionId,
    reason: EndReason,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let row = sqlx::query(sql::END_SESSION)
        .bind(&id.as_bytes()[..])
        .bind(&account.as_bytes()[..])
        .bind(now.unix_s())
        .bind(reason.as_str())
        .fetch_optional(&mut tx.connection)
        .await?;
    if let Some(row) = &row {
        note_end(tx, row, reason, by, now).await?;
    }
    Ok(row.is_some())
}

pub(super) async fn end_all(
    tx: &mut Tx,
    account: AccountId,
    by: &By,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    let ended = end_of_account(tx, account, EndReason::EndedAll, now).await?;
    let body = Body { count: count_of(&ended), ..by.body() };
    audit::append(tx, account, AuditKind::SessionsEnded, &body, now).await?;
    Ok(ended)
}

/// Ends sessions and takes approvals back that nobody redeemed; the caller appends the entry.
pub(super) async fn end_of_account(
    tx: &mut Tx,
    account: AccountId,
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    sqlx::query(sql::WITHDRAW_OF_ACCOUNT)
        .bind(&account.as_bytes()[..])
        .bind(now.plus_s(-APPROVED_S_MAX).unix_s())
        .execute(&mut tx.connection)
        .await?;
    let rows = sqlx::query(sql::END_SESSIONS_OF_ACCOUNT)
        .bind(&account.as_bytes()[..])
        .bind(now.unix_s())
        .bind(reason.as_str())
        .fetch_all(&mut tx.connection)
        .await?;
    rows.iter().map(|row| row.session_id("id")).collect()
}

/// As [`end_of_account`], for what one device approved.
pub(super) async fn end_of_device(
    tx: &mut Tx,
    account: AccountId,
    device: DeviceId,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    sqlx::query(sql::WITHDRAW_OF_DEVICE)
        .bind(&account.as_bytes()[..])
        .bind(now.plus_s(-APPROVED_S_MAX).unix_s())
        .bind(&device.as_bytes()[..])
        .execute(&mut tx.connection)
        .await?;
    let rows = sqlx::query(sql::END_SESSIONS_OF_DEVICE)
        .bind(&device.as_bytes()[..])
        .bind(now.unix_s())
        .bind(EndReason::DeviceRemoved.as_str())
        .fetch_all(&mut tx.connection)
        .await?;
    rows.iter().map(|row| row.session_id("id")).collect()
}

/// Appends the entry of a session that a statement just ended, to the chain of its own account.
pub(super) async fn note_end(
    tx: &mut Tx,
    row: &SqliteRow,
    reason: EndReason,
    by: &By,
    now: Timestamp,
) -> Result<SessionId, Fault> {
    let session = row.session_id("id")?;
    let (kind, body) = ended(session, (row.text("browser")?, row.text("system")?), reason, by);
    audit::append(tx, row.account_id("account")?, kind, &body, now).await?;
    Ok(session)
}
