use protocol::id::{AccountId, SessionId, Ticket};
use protocol::key::Thumbprint;
use protocol::statement::Decision;
use protocol::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::prepared::Prepared as _;
use super::rows::{self, Fault};
use super::transaction::Tx;
use super::{audit, front_doors, sessions};
use crate::holes::without;
use crate::store::audit::{AuditKind, By, DeviceRef, decided, signed_in};
use crate::store::decisions::{NewDecision, Recorded, StoredDecision, Verdict};
use crate::store::sessions::{EndReason, NewSession, RedeemRefused, Redeemed, SessionLives, SessionView};
use crate::store::statements as sql;

pub(super) fn record(tx: &mut Tx, new: &NewDecision, by: &By, now: Timestamp) -> Result<Recorded, Fault> {
    let insert = without!("decision_of_a_removed_device", sql::INSERT_DECISION, "AND v.revoked_at IS NULL");
    let verdict = params![
        new.ticket.as_bytes(),
        new.request.as_bytes(),
        new.device.as_bytes(),
        new.account.as_bytes(),
        rows::verdict_word(new.verdict),
        &new.context,
        &new.statement,
        now.unix_s()
    ];
    if !tx.connection.is_any(insert, verdict)? {
        return Ok(match by_ticket(&tx.connection, new.ticket)? {
            None => Recorded::Refused,
            Some(before) if is_same(&before, new) => Recorded::Same { decided_at: before.decided_at },
            Some(before) => Recorded::Other(before.verdict),
        });
    }
    let (kind, body) = decided(new, by);
    audit::append(tx, new.account, kind, &body, now)?;
    Ok(Recorded::Recorded)
}

fn is_same(before: &StoredDecision, new: &NewDecision) -> bool {
    before.request == new.request
        && before.device == new.device
        && before.account == new.account
        && before.verdict == new.verdict
}

pub(super) fn by_ticket(connection: &Connection, ticket: Ticket) -> Result<Option<StoredDecision>, Fault> {
    connection.first(sql::DECISION, params![ticket.as_bytes()], |row| rows::decision(row))
}

pub(super) fn redeem(
    tx: &mut Tx,
    new: &NewSession,
    approved_s: i64,
    lives: &SessionLives,
    by: &By,
    now: Timestamp,
) -> Result<Redeemed, Fault> {
    let once = without!("session_once", sql::INSERT_SESSION, "$1, d.request" => "$1, randomblob(16)");
    let insert = without!("withdrawn_approval", once, "AND NOT d.withdrawn");
    let session = params![
        new.id.as_bytes(),
        new.ticket.as_bytes(),
        new.request.as_bytes(),
        rows::session_kind_word(new.kind),
        new.token.as_bytes(),
        now.unix_s(),
        &new.address,
        &new.browser,
        &new.system,
        now.plus_s(-approved_s).unix_s(),
        new.page_key.as_ref().map(Thumbprint::as_bytes),
        new.verified
    ];
    if !tx.connection.is_any(insert, session)? {
        return redeemed_before(tx, new, approved_s, lives, now);
    }
    let session = sessions::by_id(&tx.connection, new.id, lives, now)?;
    let session = session.ok_or(Fault::Damaged("sessions"))?;
    let ended = match &new.page_key {
        Some(key) => replace(tx, &session, key, by, now)?,
        None => Vec::new(),
    };
    if let Some(consent) = &new.consent {
        front_doors::join_consent(tx, session.account.id, consent, now)?;
    }
    let device = DeviceRef { id: session.session.device, name: session.device_name.clone() };
    let body = signed_in(new, device, by);
    audit::append(tx, session.account.id, AuditKind::SignedIn, &body, now)?;
    Ok(Redeemed::Created { session, ended })
}

/// Binds the page key to the session and ends those that it had before; grants of the same account go over.
fn replace(
    tx: &mut Tx,
    session: &SessionView,
    key: &Thumbprint,
    by: &By,
    now: Timestamp,
) -> Result<Vec<(SessionId, AccountId)>, Fault> {
    let id = session.session.id;
    tx.connection.run(sql::INSERT_SESSION_KEY, params![id.as_bytes(), key.as_bytes()])?;
    let older = params![id.as_bytes(), key.as_bytes(), now.unix_s()];
    let replaced = tx.connection.all(sql::REPLACE_SESSIONS, older, sessions::ended_row)?;
    let mut ended = Vec::with_capacity(replaced.len());
    for row in &replaced {
        let before = sessions::note_end(tx, row, EndReason::Replaced, by, now)?;
        if row.account == session.account.id {
            tx.connection.run(sql::MOVE_GRANTS, params![before.as_bytes(), id.as_bytes()])?;
        }
        ended.push((before, row.account));
    }
    Ok(ended)
}

/// Nothing was inserted: the same page once more, another one, or no approval that counts.
fn redeemed_before(
    tx: &mut Tx,
    new: &NewSession,
    approved_s: i64,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Redeemed, Fault> {
    let Some(decision) = by_ticket(&tx.connection, new.ticket)? else {
        return Ok(Redeemed::Refused(RedeemRefused::NotApproved));
    };
    if decision.request != new.request || decision.verdict != Verdict::Decided(Decision::Approve) {
        return Ok(Redeemed::Refused(RedeemRefused::NotApproved));
    }
    let request = new.request.as_bytes();
    let key = new.page_key.as_ref().map(Thumbprint::as_bytes);
    let is_bound = if let Some(key) = key {
        let asked = params![request, key];
        tx.connection.first(sql::SESSION_OF_REQUEST_HAS_KEY, asked, |row| Ok(row.get(0)?))?
    } else {
        let asked = params![request];
        tx.connection.first(sql::SESSION_OF_REQUEST_IS_KEYLESS, asked, |row| Ok(row.get(0)?))?
    };
    if is_bound == Some(false) {
        return Ok(Redeemed::Refused(RedeemRefused::Other));
    }
    let is_fresh = now.since_s(decision.decided_at) < approved_s;
    if is_bound.is_none() || !is_fresh {
        return Ok(Redeemed::Refused(RedeemRefused::Ended));
    }
    let (idle, old) = (now.plus_s(-lives.idle_s).unix_s(), now.plus_s(-lives.max_s).unix_s());
    let read = |row: &Row<'_>| rows::session_view(row, Some(&new.token), lives);
    let view = if let Some(key) = key {
        let asked = params![request, idle, old, key, new.token.as_bytes()];
        tx.connection.first(sql::SESSION_BY_REQUEST, asked, read)?
    } else {
        let asked = params![request, idle, old, new.token.as_bytes()];
        tx.connection.first(sql::KEYLESS_SESSION_BY_REQUEST, asked, read)?
    };
    Ok(view.map_or(Redeemed::Refused(RedeemRefused::Ended), Redeemed::Existing))
}
