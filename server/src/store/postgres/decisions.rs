//! The two writes of a login: what is decided takes two statements, a redeem two in a transaction.

use protocol::id::Ticket;
use protocol::statement::Decision;
use protocol::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::rows::{self, Columns as _, Fault};
use super::{audit, front_doors, sessions, statements};
use crate::store::audit::AuditKind;
use crate::store::audit::{By, DeviceRef, Head, chain_of, decided, signed_in};
use crate::store::decisions::{NewDecision, Recorded, StoredDecision, Verdict};
use crate::store::sessions::{
    EndReason, NewSession, RedeemRefused, Redeemed, Session, SessionLives, SessionView,
};
use crate::store::statements as sql;

/// The end of the chain is read first, so that one statement can write decision and entry; it fails as a whole when
/// somebody else took the place.
pub(super) async fn record(
    connection: &mut PgConnection,
    new: &NewDecision,
    by: &By,
    now: Timestamp,
) -> Result<Recorded, Fault> {
    let chain = chain_of(new.account);
    let head = audit::head(connection, &chain).await?;
    let (kind, body) = decided(new, by);
    let body = body.to_json();
    let entry = head.next(&chain, now, kind, &body);
    let recorded = sqlx::query(statements::RECORD_DECISION)
        .bind(&new.ticket.as_bytes()[..])
        .bind(&new.request.as_bytes()[..])
        .bind(&new.device.as_bytes()[..])
        .bind(&new.account.as_bytes()[..])
        .bind(rows::verdict_word(new.verdict))
        .bind(&new.context)
        .bind(&new.statement)
        .bind(now.unix_s())
        .bind(&chain)
        .bind(entry.seq)
        .bind(kind.as_str())
        .bind(&body)
        .bind(&entry.hash[..])
        .fetch_optional(&mut *connection)
        .await?;
    if recorded.is_some() {
        return Ok(Recorded::Recorded);
    }
    Ok(match by_ticket(connection, new.ticket).await? {
        None => Recorded::Refused,
        Some(before) if is_same(&before, new) => Recorded::Same { decided_at: before.decided_at },
        Some(before) => Recorded::Other(before.verdict),
    })
}

fn is_same(before: &StoredDecision, new: &NewDecision) -> bool {
    before.request == new.request
        && before.device == new.device
        && before.account == new.account
        && before.verdict == new.verdict
}

pub(super) async fn by_ticket(
    connection: &mut PgConnection,
    ticket: Ticket,
) -> Result<Option<StoredDecision>, Fault> {
    let row = sqlx::query(sql::DECISION).bind(&ticket.as_bytes()[..]).fetch_optional(connection).await?;
    row.as_ref().map(rows::decision).transpose()
}

/// The lock of a page key, or of the request without one: their rows may not be there yet. Two with one number only wait
/// for each other.
pub(super) fn lock_of(new: &NewSession) -> i64 {
    let bytes = match &new.page_key {
        Some(key) => key.as_bytes().first_chunk(),
        None => new.request.as_bytes().first_chunk(),
    };
    i64::from_be_bytes(*bytes.expect("a thumbprint has 32 bytes, an id 16"))
}

/// Runs behind the lock of the page key.
pub(super) async fn redeem(
    tx: &mut PgConnection,
    new: &NewSession,
    approved_s: i64,
    lives: &SessionLives,
    by: &By,
    now: Timestamp,
) -> Result<Redeemed, Fault> {
    let rows = sqlx::query(statements::REDEEM)
        .bind(&new.id.as_bytes()[..])
        .bind(&new.ticket.as_bytes()[..])
        .bind(&new.request.as_bytes()[..])
        .bind(rows::session_kind_word(new.kind))
        .bind(&new.token.as_bytes()[..])
        .bind(now.unix_s())
        .bind(&new.address)
        .bind(&new.browser)
        .bind(&new.system)
        .bind(now.plus_s(-approved_s).unix_s())
        .bind(key_of(new))
        .bind(new.verified)
        .fetch_all(&mut *tx)
        .await?;
    let Some(first) = rows.first() else {
        return redeemed_before(tx, new, approved_s, lives, now).await;
    };
    let session = view_of(first, new, lives, now)?;
    let replaced = || rows.iter().filter(|row| !matches!(row.try_get::<Option<&[u8]>, _>("id"), Ok(None)));
    // Rows before the chain: whoever ends a grant takes them in this order.
    for row in replaced() {
        if row.account_id("account")? == session.account.id {
            front_doors::move_grants(tx, row.session_id("id")?, new.id).await?;
        }
    }
    if let Some(consent) = &new.consent {
        front_doors::join_consent(tx, session.account.id, consent, now).await?;
    }
    let mut ended = Vec::new();
    for row in replaced() {
        let before = sessions::note_end(tx, row, EndReason::Replaced, by, now).await?;
        ended.push((before, row.account_id("account")?));
    }
    // Entries of older sessions may have come between; then this is the wrong guess.
    let head = match first.try_get::<Option<i64>, _>("seq")? {
        Some(_) => Some(rows::head(first)?),
        None => None::<Head>,
    };
    let device = DeviceRef { id: session.session.device, name: session.device_name.clone() };
    let body = signed_in(new, device, by).to_json();
    let chain = chain_of(session.account.id);
    audit::append_to(tx, &chain, head, AuditKind::SignedIn, &body, now).await?;
    Ok(Redeemed::Created { session, ended })
}

fn key_of(new: &NewSession) -> Option<&[u8]> {
    new.page_key.as_ref().map(|key| &key.as_bytes()[..])
}

/// The session that was just made.
fn view_of(
    row: &PgRow,
    new: &NewSession,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<SessionView, Fault> {
    let account = rows::account(row)?;
    let session = Session {
        id: new.id,
        request: new.request,
        account: account.id,
        device: row.device_id("device_id")?,
        kind: new.kind,
        created_at: now,
        last_seen_at: now,
        token_issued_at: now,
        address: new.address.clone(),
        browser: new.browser.clone(),
        system: new.system.clone(),
        verified: new.verified,
    };
    let token_ends_at = now.plus_s(lives.token_s);
    Ok(SessionView { session, account, device_name: row.text("device_name")?, token_ends_at })
}

/// Nothing was inserted: the same page once more, another one, or no approval that counts.
async fn redeemed_before(
    tx: &mut PgConnection,
    new: &NewSession,
    approved_s: i64,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Redeemed, Fault> {
    let Some(decision) = by_ticket(tx, new.ticket).await? else {
        return Ok(Redeemed::Refused(RedeemRefused::NotApproved));
    };
    if decision.request != new.request || decision.verdict != Verdict::Decided(Decision::Approve) {
        return Ok(Redeemed::Refused(RedeemRefused::NotApproved));
    }
    let request = &new.request.as_bytes()[..];
    let asked = match key_of(new) {
        Some(key) => sqlx::query(sql::SESSION_OF_REQUEST_HAS_KEY).bind(request).bind(key),
        None => sqlx::query(sql::SESSION_OF_REQUEST_IS_KEYLESS).bind(request),
    };
    let of_request = asked.fetch_optional(&mut *tx).await?;
    let is_bound = of_request.map(|row| row.try_get::<bool, _>(0)).transpose()?;
    if is_bound == Some(false) {
        return Ok(Redeemed::Refused(RedeemRefused::Other));
    }
    let is_fresh = now.since_s(decision.decided_at) < approved_s;
    if is_bound.is_none() || !is_fresh {
        return Ok(Redeemed::Refused(RedeemRefused::Ended));
    }
    let (idle, old) = (now.plus_s(-lives.idle_s).unix_s(), now.plus_s(-lives.max_s).unix_s());
    let asked = match key_of(new) {
        Some(key) => sqlx::query(sql::SESSION_BY_REQUEST).bind(request).bind(idle).bind(old).bind(key),
        None => sqlx::query(sql::KEYLESS_SESSION_BY_REQUEST).bind(request).bind(idle).bind(old),
    };
    let row = asked.bind(&new.token.as_bytes()[..]).fetch_optional(tx).await?;
    match row {
        None => Ok(Redeemed::Refused(RedeemRefused::Ended)),
        Some(row) => rows::session_view(&row, Some(&new.token), lives).map(Redeemed::Existing),
    }
}
