use protocol::id::Ticket;
use protocol::statement::Decision;
use protocol::time::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::rows::{self, Fault};
use super::writer::Tx;
use super::{audit, sessions};
use crate::holes::without;
use crate::store::audit::{AuditKind, By, DeviceRef, decided, signed_in};
use crate::store::decisions::{NewDecision, Recorded, StoredDecision, Verdict};
use crate::store::sessions::{EndReason, NewSession, RedeemRefused, Redeemed, SessionLives};
use crate::store::statements as sql;

pub(super) async fn record(
    tx: &mut Tx,
    new: &NewDecision,
    by: &By,
    now: Timestamp,
) -> Result<Recorded, Fault> {
    let insert = without!("decision_of_a_removed_device", sql::INSERT_DECISION, "AND v.revoked_at IS NULL");
    let inserted = sqlx::query(insert)
        .bind(&new.ticket.as_bytes()[..])
        .bind(&new.request.as_bytes()[..])
        .bind(&new.device.as_bytes()[..])
        .bind(&new.account.as_bytes()[..])
        .bind(rows::verdict_word(new.verdict))
        .bind(&new.context)
        .bind(&new.statement)
        .bind(now.unix_s())
        .fetch_optional(&mut tx.connection)
        .await?;
    if inserted.is_none() {
        return Ok(match by_ticket(&mut tx.connection, new.ticket).await? {
            None => Recorded::Refused,
            Some(before) if is_same(&before, new) => Recorded::Same { decided_at: before.decided_at },
            Some(before) => Recorded::Other(before.verdict),
        });
    }
    let (kind, body) = decided(new, by);
    audit::append(tx, new.account, kind, &body, now).await?;
    Ok(Recorded::Recorded)
}

fn is_same(before: &StoredDecision, new: &NewDecision) -> bool {
    before.request == new.request
        && before.device == new.device
        && before.account == new.account
        && before.verdict == new.verdict
}

pub(super) async fn by_ticket(
    connection: &mut SqliteConnection,
    ticket: Ticket,
) -> Result<Option<StoredDecision>, Fault> {
    let row = sqlx::query(sql::DECISION).bind(&ticket.as_bytes()[..]).fetch_optional(connection).await?;
    row.as_ref().map(rows::decision).transpose()
}

pub(super) async fn redeem(
    tx: &mut Tx,
    new: &NewSession,
    approved_s: i64,
    lives: &SessionLives,
    by: &By,
    now: Timestamp,
) -> Result<Redeemed, Fault> {
    let once = without!("session_once", sql::INSERT_SESSION, "$1, d.request" => "$1, randomblob(16)");
    let inserted = sqlx::query(without!("withdrawn_approval", once, "AND NOT d.withdrawn"))
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
        .fetch_optional(&mut tx.connection)
        .await?;
    if inserted.is_none() {
        return redeemed_before(tx, new, approved_s, lives, now).await;
    }
    sqlx::query(sql::INSERT_SESSION_KEY)
        .bind(&new.id.as_bytes()[..])
        .bind(&new.page_key.as_bytes()[..])
        .execute(&mut tx.connection)
        .await?;
    let replaced = sqlx::query(sql::REPLACE_SESSIONS)
        .bind(&new.id.as_bytes()[..])
        .bind(&new.page_key.as_bytes()[..])
        .bind(now.unix_s())
        .fetch_all(&mut tx.connection)
        .await?;
    let mut ended = Vec::with_capacity(replaced.len());
    for row in &replaced {
        ended.push(sessions::note_end(tx, row, EndReason::Replaced, by, now).await?);
    }
    let session = sessions::by_id(&mut tx.connection, new.id, lives, now).await?;
    let session = session.ok_or(Fault::Damaged("sessions"))?;
    let device = DeviceRef { id: session.session.device, name: session.device_name.clone() };
    let body = signed_in(new, device, by);
    audit::append(tx, session.account.id, AuditKind::SignedIn, &body, now).await?;
    Ok(Redeemed::Created { session, ended })
}

/// Nothing was inserted: the same page once more, another one, or no approval that counts.
async fn redeemed_before(
    tx: &mut Tx,
    new: &NewSession,
    approved_s: i64,
    lives: &SessionLives,
    now: Timestamp,
) -> Result<Redeemed, Fault> {
    let Some(decision) = by_ticket(&mut tx.connection, new.ticket).await? else {
        return Ok(Redeemed::Refused(RedeemRefused::NotApproved));
    };
    if decision.request != new.request || decision.verdict != Verdict::Decided(Decision::Approve) {
        return Ok(Redeemed::Refused(RedeemRefused::NotApproved));
    }
    let of_request = sqlx::query(sql::SESSION_OF_REQUEST_HAS_KEY)
        .bind(&new.request.as_bytes()[..])
        .bind(&new.page_key.as_bytes()[..])
        .fetch_optional(&mut tx.connection)
        .await?;
    let is_bound = of_request.map(|row| row.try_get::<bool, _>(0)).transpose()?;
    if is_bound == Some(false) {
        return Ok(Redeemed::Refused(RedeemRefused::Other));
    }
    let is_fresh = now.since_s(decision.decided_at) < approved_s;
    if is_bound.is_none() || !is_fresh {
        return Ok(Redeemed::Refused(RedeemRefused::Ended));
    }
    let row = sqlx::query(sql::SESSION_BY_REQUEST)
        .bind(&new.request.as_bytes()[..])
        .bind(now.plus_s(-lives.idle_s).unix_s())
        .bind(now.plus_s(-lives.max_s).unix_s())
        .bind(&new.page_key.as_bytes()[..])
        .bind(&new.token.as_bytes()[..])
        .fetch_optional(&mut tx.connection)
        .await?;
    match row {
        None => Ok(Redeemed::Refused(RedeemRefused::Ended)),
        Some(row) => rows::session_view(&row, Some(&new.token), lives).map(Redeemed::Existing),
    }
}
