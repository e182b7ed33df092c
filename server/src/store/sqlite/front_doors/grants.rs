use protocol::hole;
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use rusqlite::{Connection, params};

use super::prepared::Prepared as _;
use super::rows::{self, Columns as _, Fault};
use super::{Tx, audit, sessions};
use crate::holes::without;
use crate::store::audit::{AuditKind, By, authorized, grant_ended};
use crate::store::front_doors::{CodeGrant, CodeUsed, Grant, GrantEnd, NewCode, NewGrant, RefreshUsed};
use crate::store::sessions::SessionLives;
use crate::store::statements as sql;

pub(super) fn create(
    tx: &mut Tx,
    new: &NewGrant,
    lives: &SessionLives,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let code = new.code.as_ref();
    let grant = params![
        new.session.as_bytes(),
        now.plus_s(-lives.idle_s).unix_s(),
        now.plus_s(-lives.max_s).unix_s(),
        new.id.as_bytes(),
        new.client.as_str(),
        &new.client_name,
        new.account.as_bytes(),
        rows::to_json(&new.scopes),
        &new.nonce,
        new.verified,
        new.dpop.as_ref().map(Thumbprint::as_bytes),
        code.map(|code| code.hash.as_bytes()),
        code.map(|code| &code.redirect_uri),
        code.map(|code| &code.challenge),
        code.map(|code: &NewCode| code.ends_at.unix_s()),
        now.unix_s(),
        new.ends_at.unix_s()
    ];
    if !tx.connection.is_any(sql::INSERT_GRANT, grant)? {
        return Ok(false);
    }
    let others = params![new.session.as_bytes(), new.client.as_str(), new.id.as_bytes()];
    if !tx.connection.flag(sql::HAS_GRANT, others)? {
        audit::append(tx, new.account, AuditKind::ClientAuthorized, &authorized(new, by), now)?;
    }
    Ok(true)
}

pub(super) fn by_code(
    connection: &Connection,
    code: &SecretHash,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<CodeGrant>, Fault> {
    let (idle, old) = (now.plus_s(-lives.idle_s).unix_s(), now.plus_s(-lives.max_s).unix_s());
    let asked = params![code.as_bytes(), idle, old, now.unix_s()];
    connection.first(sql::GRANT_BY_CODE, asked, |row| rows::code_grant(row, lives))
}

pub(super) fn by_id(
    connection: &Connection,
    id: GrantId,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<Grant>, Fault> {
    let (idle, old) = (now.plus_s(-lives.idle_s).unix_s(), now.plus_s(-lives.max_s).unix_s());
    let asked = params![id.as_bytes(), idle, old, now.unix_s()];
    let live = without!("ended_grant", sql::GRANT, "g.ended_at IS NULL AND ");
    connection.first(live, asked, |row| rows::grant(row, lives))
}

pub(super) fn by_refresh(
    connection: &Connection,
    token: &SecretHash,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Option<Grant>, Fault> {
    let (idle, old) = (now.plus_s(-lives.idle_s).unix_s(), now.plus_s(-lives.max_s).unix_s());
    let asked = params![token.as_bytes(), idle, old, now.unix_s()];
    connection.first(sql::GRANT_BY_REFRESH, asked, |row| rows::grant(row, lives))
}

/// `dpop` and the first refresh token come with the code.
pub(super) fn use_code(
    tx: &mut Tx,
    code: &SecretHash,
    (dpop, refresh): (Option<&Thumbprint>, Option<&SecretHash>),
    lives: &SessionLives,
    by: &By,
    now: Timestamp,
) -> Result<CodeUsed, Fault> {
    let Some(found) = by_code(&tx.connection, code, lives, now)? else {
        return Ok(CodeUsed::Gone);
    };
    let id = found.grant.id;
    if found.used_at.is_some() && hole!("code_once") {
        return Ok(CodeUsed::Used);
    }
    if found.used_at.is_some() {
        end(tx, id, GrantEnd::CodeReused, by, now)?;
        return Ok(CodeUsed::Before);
    }
    if now >= found.ends_at && !hole!("code_life") {
        return Ok(CodeUsed::Gone);
    }
    let used = params![id.as_bytes(), now.unix_s(), dpop.map(Thumbprint::as_bytes)];
    if !tx.connection.is_any(sql::USE_CODE, used)? {
        return Err(Fault::Damaged("grants"));
    }
    if let Some(refresh) = refresh {
        insert_refresh(tx, id, refresh, now)?;
    }
    Ok(CodeUsed::Used)
}

pub(super) fn add_refresh(
    tx: &mut Tx,
    grant: GrantId,
    refresh: &SecretHash,
    now: Timestamp,
) -> Result<bool, Fault> {
    let token = params![refresh.as_bytes(), grant.as_bytes(), now.unix_s()];
    if tx.connection.is_any(sql::INSERT_REFRESH, token)? {
        return Ok(true);
    }
    tx.connection.flag(sql::HAS_REFRESH, token)
}

/// For a grant that was just found alive and a token that nobody had before.
fn insert_refresh(tx: &mut Tx, grant: GrantId, refresh: &SecretHash, now: Timestamp) -> Result<(), Fault> {
    let token = params![refresh.as_bytes(), grant.as_bytes(), now.unix_s()];
    if tx.connection.is_any(sql::INSERT_REFRESH, token)? {
        Ok(())
    } else {
        Err(Fault::Damaged("refresh_tokens"))
    }
}

pub(super) fn use_refresh(
    tx: &mut Tx,
    (token, successors): (&SecretHash, &[SecretHash]),
    repeat_s: i64,
    lives: &SessionLives,
    by: &By,
    now: Timestamp,
) -> Result<RefreshUsed, Fault> {
    let Some(grant) = by_refresh(&tx.connection, token, lives, now)? else {
        return Ok(RefreshUsed::Gone);
    };
    match used(&tx.connection, token)? {
        None => {
            let successor = successors.first().ok_or(Fault::Unserved("a refresh token has a successor"))?;
            let use_it = params![token.as_bytes(), now.unix_s(), successor.as_bytes()];
            if !tx.connection.is_any(sql::USE_REFRESH, use_it)? {
                return Err(Fault::Damaged("refresh_tokens"));
            }
            insert_refresh(tx, grant.id, successor, now)?;
            sessions::touch(tx, grant.session.session.id, now)?;
            Ok(RefreshUsed::Used(grant))
        }
        Some((at, same))
            if successors.contains(&same)
                && now.since_s(at) < repeat_s
                && used(&tx.connection, &same)?.is_none() =>
        {
            Ok(RefreshUsed::Repeated(grant, same))
        }
        Some((_, same)) if hole!("refresh_once") => Ok(RefreshUsed::Repeated(grant, same)),
        Some(_) => {
            end(tx, grant.id, GrantEnd::RefreshReused, by, now)?;
            Ok(RefreshUsed::Reused)
        }
    }
}

/// When a token was used and for which successor, if it was.
fn used(connection: &Connection, token: &SecretHash) -> Result<Option<(Timestamp, SecretHash)>, Fault> {
    let used =
        connection.first(sql::REFRESH_TOKEN, params![token.as_bytes()], |row| rows::refresh_use(row))?;
    Ok(used.flatten())
}

pub(super) fn end(
    tx: &mut Tx,
    id: GrantId,
    reason: GrantEnd,
    by: &By,
    now: Timestamp,
) -> Result<bool, Fault> {
    let asked = params![id.as_bytes(), now.unix_s()];
    let Some(ended) = tx.connection.first(sql::END_GRANT, asked, |row| rows::ended_grant(row))? else {
        return Ok(false);
    };
    let body = grant_ended(ended.session, ended.client, reason, by);
    audit::append(tx, ended.account, AuditKind::GrantEnded, &body, now)?;
    Ok(true)
}

pub(super) fn clients_in_use(
    connection: &Connection,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<(SessionId, String)>, Fault> {
    let asked = params![account.as_bytes(), now.unix_s()];
    connection
        .all(sql::CLIENTS_IN_USE, asked, |row| Ok((row.session_id("session")?, row.text("client_name")?)))
}
