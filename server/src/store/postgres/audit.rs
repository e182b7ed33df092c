use futures_util::TryStreamExt as _;
use protocol::id::AccountId;
use protocol::time::Timestamp;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::mpsc;

use super::rows::{self, Columns as _, Fault};
use super::statements;
use crate::store::audit::{ANCHOR, ActivityPage, AuditKind, Body, Head, anchor_body, chain_of, export};
use crate::store::statements as sql;

/// Least seconds between two entries of the anchor chain.
const ANCHOR_STEP_S: i64 = 60;
/// How far clocks of nodes may differ without a chain being anchored a step late, in seconds.
const CLOCKS_DIFFER_S: i64 = 600;
/// Tries to find the end of a chain that others write to. Each time one of them got through.
const APPEND_TRIES: usize = 1_000;

/// Appends to an account's chain inside the transaction.
pub(super) async fn append(
    tx: &mut PgConnection,
    account: AccountId,
    kind: AuditKind,
    body: &Body,
    now: Timestamp,
) -> Result<(), Fault> {
    append_to(tx, &chain_of(account), None, kind, &body.to_json(), now).await
}

/// `guess`: where the chain ended when somebody looked last.
pub(super) async fn append_to(
    tx: &mut PgConnection,
    chain: &str,
    mut guess: Option<Head>,
    kind: AuditKind,
    body: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    for _ in 0..APPEND_TRIES {
        let head = match guess.take() {
            Some(head) => head,
            None => self::head(tx, chain).await?,
        };
        let entry = head.next(chain, now, kind, body);
        // Waits for whoever is about to take this place.
        let place = sqlx::query(sql::APPEND)
            .bind(chain)
            .bind(entry.seq)
            .bind(now.unix_s())
            .bind(kind.as_str())
            .bind(body)
            .bind(&entry.hash[..])
            .fetch_optional(&mut *tx)
            .await?;
        if place.is_some() {
            return Ok(());
        }
    }
    Err(Fault::Database(sqlx::Error::WorkerCrashed))
}

/// The end of a chain; of one that is all trimmed, the entry that it lost last.
pub(super) async fn head(connection: &mut PgConnection, chain: &str) -> Result<Head, Fault> {
    for statement in [sql::HEAD, sql::CHAIN_START] {
        if let Some(row) = sqlx::query(statement).bind(chain).fetch_optional(&mut *connection).await? {
            return rows::head(&row);
        }
    }
    Ok(Head::EMPTY)
}

pub(super) async fn activity(
    connection: &mut PgConnection,
    account: AccountId,
    after: i64,
    limit: u32,
) -> Result<ActivityPage, Fault> {
    let chain = chain_of(account);
    let rows = sqlx::query(sql::ACTIVITY)
        .bind(&chain)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?;
    let entries = rows.iter().map(rows::entry).collect::<Result<Vec<_>, _>>()?;
    let head = match entries.last() {
        Some(last) => last.head(),
        None => head_up_to(connection, &chain, after).await?,
    };
    Ok(ActivityPage { entries, head })
}

async fn head_up_to(connection: &mut PgConnection, chain: &str, after: i64) -> Result<Head, Fault> {
    let row = sqlx::query(sql::HEAD_UP_TO).bind(chain).bind(after).fetch_optional(connection).await?;
    row.as_ref().map_or(Ok(Head::EMPTY), rows::head)
}

pub(super) async fn latest(connection: &mut PgConnection) -> Result<Option<Timestamp>, Fault> {
    let latest: Option<i64> = sqlx::query_scalar(sql::LATEST).fetch_one(connection).await?;
    Ok(latest.map(Timestamp))
}

pub(super) async fn anchor(tx: &mut PgConnection, now: Timestamp) -> Result<bool, Fault> {
    let last: Option<i64> = sqlx::query_scalar(sql::LAST_ANCHOR_AT).fetch_optional(&mut *tx).await?;
    if last.is_some_and(|last| now.since_s(Timestamp(last)) < ANCHOR_STEP_S) {
        return Ok(false);
    }
    let since = last.map_or(0, |last| last - CLOCKS_DIFFER_S);
    let rows = sqlx::query(statements::CHANGED_HEADS).bind(since).fetch_all(&mut *tx).await?;
    let heads = rows
        .iter()
        .map(|row| Ok((row.text("chain")?, rows::head(row)?)))
        .collect::<Result<Vec<_>, Fault>>()?;
    if heads.is_empty() {
        return Ok(false);
    }
    append_to(tx, ANCHOR, None, AuditKind::Anchor, &anchor_body(&heads), now).await?;
    for (chain, head) in &heads {
        sqlx::query(sql::SET_ANCHORED).bind(chain).bind(head.seq).execute(&mut *tx).await?;
    }
    Ok(true)
}

/// One read transaction: entries and starts belong together.
pub(super) async fn export_all(
    connection: &mut PgConnection,
    lines: &mpsc::Sender<String>,
) -> Result<(), Fault> {
    let mut view = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // Whoever receives sets the pace.
    sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *view).await?;
    let starts = sqlx::query(sql::CHAIN_STARTS).fetch_all(&mut *view).await?;
    for row in &starts {
        let line = export::start_line(&row.text("chain")?, &rows::head(row)?);
        if lines.send(line).await.is_err() {
            return Ok(());
        }
    }
    let mut entries = sqlx::query(sql::ALL_ENTRIES).fetch(&mut *view);
    while let Some(row) = entries.try_next().await? {
        let line = export::entry_line(&rows::entry(&row)?);
        if lines.send(line).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
