use protocol::time::Timestamp;
use sqlx::{PgConnection, Row as _};

use super::rows::{Columns as _, Fault};
use super::sessions;
use crate::store::audit::By;
use crate::store::durable::{Keep, REPEAT_S};
use crate::store::sessions::EndReason;
use crate::store::statements as sql;

/// What one step handles at most, as its statements say.
const STEP_MAX: u64 = 500;

/// What one step did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) rows: u64,
    /// There may be more to do.
    pub(super) again: bool,
}

/// Ends sessions that are past their life.
pub(super) async fn expire(tx: &mut PgConnection, keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let rows = sqlx::query(sql::EXPIRE_SESSIONS)
        .bind(now.unix_s())
        .bind(now.plus_s(-keep.sessions.idle_s).unix_s())
        .bind(now.plus_s(-keep.sessions.max_s).unix_s())
        .fetch_all(&mut *tx)
        .await?;
    for row in &rows {
        sessions::note_end(tx, row, EndReason::Expired, &By::server(), now).await?;
    }
    Ok(Step::of(rows.len() as u64))
}

/// Forgets ended sessions, but not which browsers they were in.
pub(super) async fn forget_sessions(
    tx: &mut PgConnection,
    keep: &Keep,
    now: Timestamp,
) -> Result<Step, Fault> {
    let before = now.plus_s(-keep.ended_sessions_s);
    delete(tx, sql::KEEP_KNOWN_KEYS, before).await?;
    Ok(Step::of(delete(tx, sql::DELETE_ENDED_SESSIONS, before).await?))
}

/// Forgets grants that are over, with their tokens.
pub(super) async fn forget_grants(tx: &mut PgConnection, now: Timestamp) -> Result<Step, Fault> {
    Ok(Step::of(delete(tx, sql::DELETE_GRANTS, now).await?))
}

/// Forgets used refresh tokens that nobody has a reason to show any more: whoever was away for so long is signed out.
pub(super) async fn forget_refresh_tokens(
    tx: &mut PgConnection,
    keep: &Keep,
    now: Timestamp,
) -> Result<Step, Fault> {
    let before = now.plus_s(-keep.sessions.idle_s);
    Ok(Step::of(delete(tx, sql::DELETE_REFRESH_TOKENS, before).await?))
}

/// Forgets decisions that are kept long enough.
pub(super) async fn forget_decisions(
    tx: &mut PgConnection,
    keep: &Keep,
    now: Timestamp,
) -> Result<Step, Fault> {
    let before = now.plus_s(-keep.activity_s);
    Ok(Step::of(delete(tx, sql::DELETE_DECISIONS, before).await?))
}

/// Forgets what there is little of.
pub(super) async fn forget_rest(tx: &mut PgConnection, keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let before = now.plus_s(-keep.activity_s);
    let mut rows = delete(tx, sql::DELETE_KNOWN_KEYS, before).await?;
    rows += delete(tx, sql::DELETE_REVOKED_DEVICES, before).await?;
    let enrolments = sqlx::query(sql::DELETE_ENROLMENTS)
        .bind(now.unix_s())
        .bind(now.plus_s(-REPEAT_S).unix_s())
        .execute(&mut *tx)
        .await?;
    Ok(Step { rows: rows + enrolments.rows_affected(), again: false })
}

/// Trims chains from their start; what a trimmed chain goes on from is kept beside it.
pub(super) async fn trim(tx: &mut PgConnection, keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let chains = sqlx::query(sql::TRIMMABLE_CHAINS)
        .bind(now.plus_s(-keep.activity_s).unix_s())
        .fetch_all(&mut *tx)
        .await?;
    let mut rows = 0;
    for row in &chains {
        let (chain, seq) = (row.text("chain")?, row.try_get::<i64, _>("seq")?);
        sqlx::query(sql::SET_CHAIN_START).bind(&chain).bind(seq).execute(&mut *tx).await?;
        let trimmed = sqlx::query(sql::TRIM_CHAIN).bind(&chain).bind(seq).execute(&mut *tx).await?;
        rows += trimmed.rows_affected();
    }
    Ok(Step { rows, again: chains.len() as u64 == STEP_MAX })
}

impl Step {
    const fn of(rows: u64) -> Self {
        Self { rows, again: rows == STEP_MAX }
    }
}

async fn delete(tx: &mut PgConnection, statement: &'static str, before: Timestamp) -> Result<u64, Fault> {
    let done = sqlx::query(statement).bind(before.unix_s()).execute(&mut *tx).await?;
    Ok(done.rows_affected())
}
