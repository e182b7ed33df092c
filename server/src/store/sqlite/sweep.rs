use protocol::time::Timestamp;
use sqlx::Row as _;

use super::rows::{Columns as _, Fault};
use super::sessions;
use super::writer::Tx;
use crate::store::audit::{AuditKind, By};
use crate::store::durable::{Keep, REPEAT_S, Swept};
use crate::store::sessions::EndReason;
use crate::store::statements as sql;

/// Ends sessions that are past their life, a bounded number of them.
pub(super) async fn expire(tx: &mut Tx, keep: &Keep, now: Timestamp) -> Result<u64, Fault> {
    let rows = sqlx::query(sql::EXPIRE_SESSIONS)
        .bind(now.unix_s())
        .bind(now.plus_s(-keep.sessions.idle_s).unix_s())
        .bind(now.plus_s(-keep.sessions.max_s).unix_s())
        .fetch_all(&mut tx.connection)
        .await?;
    for row in &rows {
        let (kind, reason) = (AuditKind::SessionExpired, EndReason::Expired);
        sessions::note_end(tx, row, kind, reason, &By::server(), now).await?;
    }
    Ok(rows.len() as u64)
}

/// Forgets what is kept long enough.
pub(super) async fn forget(tx: &mut Tx, keep: &Keep, now: Timestamp) -> Result<u64, Fault> {
    let sessions_before = now.plus_s(-keep.ended_sessions_s).unix_s();
    let activity_before = now.plus_s(-keep.activity_s).unix_s();
    sqlx::query(sql::KEEP_KNOWN_KEYS).bind(sessions_before).execute(&mut tx.connection).await?;
    let mut rows = 0;
    for (statement, before) in [
        (sql::DELETE_ENDED_SESSIONS, sessions_before),
        (sql::DELETE_KNOWN_KEYS, activity_before),
        (sql::DELETE_DECISIONS, activity_before),
    ] {
        let done = sqlx::query(statement).bind(before).execute(&mut tx.connection).await?;
        rows += done.rows_affected();
    }
    let enrolments = sqlx::query(sql::DELETE_ENROLMENTS)
        .bind(now.unix_s())
        .bind(now.plus_s(-REPEAT_S).unix_s())
        .execute(&mut tx.connection)
        .await?;
    Ok(rows + enrolments.rows_affected())
}

/// Trims chains from their start; what a trimmed chain goes on from is kept beside it.
pub(super) async fn trim(tx: &mut Tx, keep: &Keep, now: Timestamp) -> Result<u64, Fault> {
    let chains = sqlx::query(sql::TRIMMABLE_CHAINS)
        .bind(now.plus_s(-keep.activity_s).unix_s())
        .fetch_all(&mut tx.connection)
        .await?;
    let mut rows = 0;
    for row in &chains {
        let (chain, seq) = (row.text("chain")?, row.try_get::<i64, _>("seq")?);
        for statement in [sql::SET_CHAIN_START, sql::TRIM_CHAIN] {
            let done = sqlx::query(statement).bind(&chain).bind(seq).execute(&mut tx.connection).await?;
            rows += done.rows_affected();
        }
        rows -= 1;
    }
    Ok(rows)
}

/// What [`Swept`] says of the three.
pub(super) const fn swept(expired_sessions: u64, forgotten: u64, trimmed: u64) -> Swept {
    Swept { expired_sessions, rows: forgotten + trimmed }
}
