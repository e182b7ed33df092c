use protocol::time::Timestamp;
use rusqlite::params;

use super::prepared::Prepared as _;
use super::rows::{Columns as _, Fault};
use super::sessions;
use super::transaction::Tx;
use crate::holes::without;
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
pub(super) fn expire(tx: &mut Tx, keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let ended = tx.connection.all(
        sql::EXPIRE_SESSIONS,
        params![
            now.unix_s(),
            now.plus_s(-keep.sessions.idle_s).unix_s(),
            now.plus_s(-keep.sessions.max_s).unix_s()
        ],
        sessions::ended_row,
    )?;
    for row in &ended {
        sessions::note_end(tx, row, EndReason::Expired, &By::server(), now)?;
    }
    Ok(Step::of(ended.len() as u64))
}

/// Forgets ended sessions, but not which browsers they were in.
pub(super) fn forget_sessions(tx: &mut Tx, keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let before = now.plus_s(-keep.ended_sessions_s);
    delete(tx, sql::KEEP_KNOWN_KEYS, before)?;
    Ok(Step::of(delete(tx, sql::DELETE_ENDED_SESSIONS, before)?))
}

/// Forgets grants that are over, with their tokens.
pub(super) fn forget_grants(tx: &mut Tx, _keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let over = without!("code_life", sql::DELETE_GRANTS, "o.code_ends_at <= $1" => "FALSE");
    Ok(Step::of(delete(tx, over, now)?))
}

/// Forgets used refresh tokens that nobody has a reason to show any more: whoever was away for so long is signed out.
pub(super) fn forget_refresh_tokens(tx: &mut Tx, keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let before = now.plus_s(-keep.sessions.idle_s);
    Ok(Step::of(delete(tx, sql::DELETE_REFRESH_TOKENS, before)?))
}

/// Forgets decisions that are kept long enough.
pub(super) fn forget_decisions(tx: &mut Tx, keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let before = now.plus_s(-keep.activity_s);
    Ok(Step::of(delete(tx, sql::DELETE_DECISIONS, before)?))
}

/// Forgets what there is little of.
pub(super) fn forget_rest(tx: &mut Tx, keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let before = now.plus_s(-keep.activity_s);
    let mut rows = delete(tx, sql::DELETE_KNOWN_KEYS, before)?;
    rows += delete(tx, sql::DELETE_REVOKED_DEVICES, before)?;
    let enrolments =
        tx.connection.run(sql::DELETE_ENROLMENTS, params![now.unix_s(), now.plus_s(-REPEAT_S).unix_s()])?;
    Ok(Step { rows: rows + enrolments, again: false })
}

/// Trims chains from their start; what a trimmed chain goes on from is kept beside it.
pub(super) fn trim(tx: &mut Tx, keep: &Keep, now: Timestamp) -> Result<Step, Fault> {
    let chains =
        tx.connection.all(sql::TRIMMABLE_CHAINS, params![now.plus_s(-keep.activity_s).unix_s()], |row| {
            Ok((row.text("chain")?, row.number("seq")?))
        })?;
    let mut rows = 0;
    for (chain, seq) in &chains {
        tx.connection.run(sql::SET_CHAIN_START, params![chain, seq])?;
        rows += tx.connection.run(sql::TRIM_CHAIN, params![chain, seq])?;
    }
    Ok(Step { rows, again: chains.len() as u64 == STEP_MAX })
}

impl Step {
    const fn of(rows: u64) -> Self {
        Self { rows, again: rows == STEP_MAX }
    }
}

fn delete(tx: &mut Tx, statement: &'static str, before: Timestamp) -> Result<u64, Fault> {
    tx.connection.run(statement, params![before.unix_s()])
}
