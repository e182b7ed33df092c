use protocol::hole;
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::rows::{self, Columns as _, Fault};
use super::{audit, lock, sessions, statements};
use crate::store::audit::{AuditKind, By, authorized, grant_ended};
use crate::store::front_doors::{CodeGrant, CodeUsed, Grant, GrantEnd, NewGrant, RefreshUsed};
use crate::store::sessions::SessionLives;
use crate::store::statements as sql;

pub(super) async fn create(
    tx: &mut PgConnection,
    new: &NewGrant,
    lives: &SessionLives,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    lock(tx, statements::SHARE_SESSION, new.session.as_bytes()).await?;
    let code = new.code.as_ref();
    let made = sqlx::query(sql::INSERT_GRANT)
        .bind(&new.session.as_bytes()[..])
        .bind(now.plus_s(-lives.idle_s).unix_s())
        .bind(now.plus_s(-lives.max_s).unix_s())
        .bind(&new.id.as_bytes()[..])
        .bind(new.client.as_str())
        .bind(&new.client_name)
        .bind(&new.account.as_bytes()[..])
        .bind(rows::to_json(&new.scopes))
        .bind(&new.nonce)
        .bind(new.verified)
        .bind(new.dpop.as_ref().map(|key| &key.as_bytes()[..]))
        .bind(code.map(|code| &code.hash.as_bytes()[..]))
        .bind(code.map(|code| &code.redirect_uri))
        .bind(code.map(|code| &code.challenge))
        .bind(code.map(|code| code.ends_at.unix_s()))
        .bind(now.unix_s())
        .bind(new.ends_at.unix_s())
        .fetch_optional(&mut *tx)
        .await?;
    if made.is_none() {
        return Ok(false);
    }
    let has_others: bool = sqlx::query_scalar(sql::HAS_GRANT)
        .bind(&new.session.as_bytes()[..])
        .bind(new.client.as_str())
        .bind(&new.id.as_bytes()[..])
        .fetch_one(&mut *tx)
        .await?;
    if !has_others {
        audit::append(tx, new.account, AuditKind::ClientAuthorized, &authorized(new, by), now).await?;
    }
    Ok(true)
}

pub(super) async fn by_code(
    connection: &mut PgConnection,
    code: &SecretHash,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<CodeGrant>, Fault> {
    let row = find(connection, sql::GRANT_BY_CODE, code.as_bytes(), lives, now).await?;
    row.map(|row| rows::code_grant(&row, lives)).transpose()
}

pub(super) async fn by_id(
    connection: &mut PgConnection,
    id: GrantId,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<Grant>, Fault> {
    let row = find(connection, sql::GRANT, id.as_bytes(), lives, now).await?;
    row.map(|row| rows::grant(&row, lives)).transpose()
}

pub(super) async fn by_refresh(
    connection: &mut PgConnection,
    token: &SecretHash,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<Grant>, Fault> {
    let row = find(connection, sql::GRANT_BY_REFRESH, token.as_bytes(), lives, now).await?;
    row.map(|row| rows::grant(&row, lives)).transpose()
}

async fn find(
    connection: &mut PgConnection,
    statement: &'static str,
    name: &[u8],
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<PgRow>, Fault> {
    Ok(sqlx::query(statement)
        .bind(name)
        .bind(now.plus_s(-lives.idle_s).unix_s())
        .bind(now.plus_s(-lives.max_s).unix_s())
        .bind(now.unix_s())
        .fetch_optional(connection)
        .await?)
}

/// `dpop` and the first refresh token come with the code.
pub(super) async fn use_code(
    tx: &mut PgConnection,
    code: &SecretHash,
    (dpop, refresh): (Option<&Thumbprint>, Option<&SecretHash>),
    lives: &SessionLives,
    by: &By,
    now: Timestamp,
) -> Result<CodeUsed, Fault> {
    lock(tx, statements::SHARE_SESSION_OF_CODE, code.as_bytes()).await?;
    lock(tx, statements::HOLD_GRANT_OF_CODE, code.as_bytes()).await?;
    let Some(found) = by_code(&mut *tx, code, lives, now).await? else {
        return Ok(CodeUsed::Gone);
    };
    let id = found.grant.id;
    if found.used_at.is_some() && hole!("code_once") {
        return Ok(CodeUsed::Used);
    }
    if found.used_at.is_some() {
        end(tx, id, GrantEnd::CodeReused, by, now).await?;
        return Ok(CodeUsed::Before);
    }
    if now >= found.ends_at && !hole!("code_life") {
        return Ok(CodeUsed::Gone);
    }
    sqlx::query(sql::USE_CODE)
        .bind(&id.as_bytes()[..])
        .bind(now.unix_s())
        .bind(dpop.map(|key| &key.as_bytes()[..]))
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Fault::Damaged("grants"))?;
    if let Some(refresh) = refresh {
        insert_refresh(tx, id, refresh, now).await?;
    }
    Ok(CodeUsed::Used)
}

pub(super) async fn add_refresh(
    tx: &mut PgConnection,
    grant: GrantId,
    refresh: &SecretHash,
    now: Timestamp,
) -> Result<bool, Fault> {
    if is_inserted(tx, grant, refresh, now).await? {
        return Ok(true);
    }
    Ok(sqlx::query_scalar(sql::HAS_REFRESH)
        .bind(&refresh.as_bytes()[..])
        .bind(&grant.as_bytes()[..])
        .bind(now.unix_s())
        .fetch_one(&mut *tx)
        .await?)
}

/// For a grant that was just found alive and a token that nobody had before.
async fn insert_refresh(
    tx: &mut PgConnection,
    grant: GrantId,
    refresh: &SecretHash,
    now: Timestamp,
) -> Result<(), Fault> {
    if is_inserted(tx, grant, refresh, now).await? { Ok(()) } else { Err(Fault::Damaged("refresh_tokens")) }
}

async fn is_inserted(
    tx: &mut PgConnection,
    grant: GrantId,
    refresh: &SecretHash,
    now: Timestamp,
) -> Result<bool, Fault> {
    let row = sqlx::query(sql::INSERT_REFRESH)
        .bind(&refresh.as_bytes()[..])
        .bind(&grant.as_bytes()[..])
        .bind(now.unix_s())
        .fetch_optional(&mut *tx)
        .await?;
    Ok(row.is_some())
}

pub(super) async fn use_refresh(
    tx: &mut PgConnection,
    (token, successors): (&SecretHash, &[SecretHash]),
    repeat_s: i64,
    lives: &SessionLives,
    by: &By,
    now: Timestamp,
) -> Result<RefreshUsed, Fault> {
    lock(tx, statements::HOLD_SESSION_OF_REFRESH, token.as_bytes()).await?;
    lock(tx, statements::HOLD_GRANT_OF_REFRESH, token.as_bytes()).await?;
    let Some(grant) = by_refresh(&mut *tx, token, lives, now).await? else {
        return Ok(RefreshUsed::Gone);
    };
    match used(&mut *tx, token).await? {
        None => {
            let successor = successors.first().ok_or(Fault::Unserved("a refresh token has a successor"))?;
            sqlx::query(sql::USE_REFRESH)
                .bind(&token.as_bytes()[..])
                .bind(now.unix_s())
                .bind(&successor.as_bytes()[..])
                .fetch_optional(&mut *tx)
                .await?
                .ok_or(Fault::Damaged("refresh_tokens"))?;
            insert_refresh(tx, grant.id, successor, now).await?;
            sessions::touch(tx, grant.session.session.id, now).await?;
            Ok(RefreshUsed::Used(grant))
        }
        Some((at, same))
            if successors.contains(&same)
                && now.since_s(at) < repeat_s
                && used(&mut *tx, &same).await?.is_none() =>
        {
            Ok(RefreshUsed::Repeated(grant, same))
        }
        Some((_, same)) if hole!("refresh_once") => Ok(RefreshUsed::Repeated(grant, same)),
        Some(_) => {
            end(tx, grant.id, GrantEnd::RefreshReused, by, now).await?;
            Ok(RefreshUsed::Reused)
        }
    }
}

/// When a token was used and for which successor, if it was.
async fn used(
    connection: &mut PgConnection,
    token: &SecretHash,
) -> Result<Option<(Timestamp, SecretHash)>, Fault> {
    let row = sqlx::query(sql::REFRESH_TOKEN).bind(&token.as_bytes()[..]).fetch_optional(connection).await?;
    Ok(row.as_ref().map(rows::refresh_use).transpose()?.flatten())
}

pub(super) async fn end(
    tx: &mut PgConnection,
    id: GrantId,
    reason: GrantEnd,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let row = sqlx::query(sql::END_GRANT)
        .bind(&id.as_bytes()[..])
        .bind(now.unix_s())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(ended) = row.as_ref().map(rows::ended_grant).transpose()? else {
        return Ok(false);
    };
    let body = grant_ended(ended.session, ended.client, reason, by);
    audit::append(tx, ended.account, AuditKind::GrantEnded, &body, now).await?;
    Ok(true)
}

/// Of a session that another one takes the place of.
pub(in super::super) async fn move_grants(
    tx: &mut PgConnection,
    from: SessionId,
    to: SessionId,
) -> Result<(), Fault> {
    let moved = sqlx::query(sql::MOVE_GRANTS).bind(&from.as_bytes()[..]).bind(&to.as_bytes()[..]);
    moved.execute(&mut *tx).await?;
    Ok(())
}

pub(super) async fn clients_in_use(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<(SessionId, String)>, Fault> {
    let asked = sqlx::query(sql::CLIENTS_IN_USE).bind(&account.as_bytes()[..]).bind(now.unix_s());
    let rows = asked.fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.session_id("session")?, row.text("client_name")?))).collect()
}
