use std::collections::BTreeMap;

use protocol::id::AccountId;
use protocol::time::Timestamp;
use rusqlite::{Connection, params};

use super::prepared::Prepared as _;
use super::rows::{self, Columns as _, Fault};
use super::transaction::Tx;
use crate::store::audit::{ANCHOR, ActivityPage, AuditKind, Body, Head, anchor_body, chain_of, export};
use crate::store::statements as sql;

/// Least seconds between two entries of the anchor chain.
const ANCHOR_STEP_S: i64 = 60;
/// How much earlier than its commit an entry may have been made without its chain being anchored a step late, in seconds: a
/// command waits for so long, see [`SqliteStore::COMMAND_WAIT`](super::SqliteStore::COMMAND_WAIT).
const WAITED_S_MAX: i64 = 200;
/// Tries to find the end of a chain that others write to.
const APPEND_TRIES: usize = 100;

/// Appends to an account's chain inside the transaction.
pub(super) fn append(
    tx: &mut Tx,
    account: AccountId,
    kind: AuditKind,
    body: &Body,
    now: Timestamp,
) -> Result<(), Fault> {
    append_to(tx, &chain_of(account), kind, &body.to_json(), now)
}

fn append_to(tx: &mut Tx, chain: &str, kind: AuditKind, body: &str, now: Timestamp) -> Result<(), Fault> {
    for _ in 0..APPEND_TRIES {
        let head = match tx.heads.get(chain) {
            Some(head) => *head,
            None => self::head(&tx.connection, chain)?,
        };
        let entry = head.next(chain, now, kind, body);
        let place = params![chain, entry.seq, now.unix_s(), kind.as_str(), body, entry.hash];
        if tx.connection.is_any(sql::APPEND, place)? {
            tx.heads.insert(chain.to_owned(), entry.head());
            return Ok(());
        }
        tx.heads.remove(chain);
    }
    Err(Fault::Unserved("the chain never held still"))
}

/// The end of a chain; of one that is all trimmed, the entry that it lost last.
fn head(connection: &Connection, chain: &str) -> Result<Head, Fault> {
    for statement in [sql::HEAD, sql::CHAIN_START] {
        if let Some(head) = connection.first(statement, params![chain], |row| rows::head(row))? {
            return Ok(head);
        }
    }
    Ok(Head::EMPTY)
}

pub(super) fn activity(
    connection: &Connection,
    account: AccountId,
    after: i64,
    limit: u32,
) -> Result<ActivityPage, Fault> {
    let chain = chain_of(account);
    let entries = connection.all(sql::ACTIVITY, params![&chain, after, limit], |row| rows::entry(row))?;
    let head = match entries.last() {
        Some(last) => last.head(),
        None => head_up_to(connection, &chain, after)?,
    };
    Ok(ActivityPage { entries, head })
}

fn head_up_to(connection: &Connection, chain: &str, after: i64) -> Result<Head, Fault> {
    let head = connection.first(sql::HEAD_UP_TO, params![chain, after], |row| rows::head(row))?;
    Ok(head.unwrap_or(Head::EMPTY))
}

pub(super) fn latest(connection: &Connection) -> Result<Option<Timestamp>, Fault> {
    let latest = connection.first(sql::LATEST, &[], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
    Ok(latest.flatten().map(Timestamp))
}

pub(super) fn anchor(tx: &mut Tx, now: Timestamp) -> Result<bool, Fault> {
    let last = tx.connection.first(sql::LAST_ANCHOR_AT, &[], |row| row.number("at"))?;
    if last.is_some_and(|last| now.since_s(Timestamp(last)) < ANCHOR_STEP_S) {
        return Ok(false);
    }
    let since = last.map_or(0, |last| last - WAITED_S_MAX);
    let heads = changed_heads(&tx.connection, since)?;
    if heads.is_empty() {
        return Ok(false);
    }
    append_to(tx, ANCHOR, AuditKind::Anchor, &anchor_body(&heads), now)?;
    for (chain, head) in &heads {
        tx.connection.run(sql::SET_ANCHORED, params![chain, head.seq])?;
    }
    Ok(true)
}

/// Heads that the anchor chain does not cover, among chains written since then. Gathered here: for a `GROUP BY` SQLite would go
/// through all that was ever written, because that comes in groups, or keep all that was written since.
fn changed_heads(connection: &Connection, since: i64) -> Result<Vec<(String, Head)>, Fault> {
    let mut written = BTreeMap::<String, i64>::new();
    connection.each(sql::WRITTEN_SINCE, params![since], |row| {
        let (chain, seq) = (row.str("chain")?, row.number("seq")?);
        match written.get_mut(chain) {
            Some(last) => *last = seq.max(*last),
            None => drop(written.insert(chain.to_owned(), seq)),
        }
        Ok(true)
    })?;
    let mut heads = Vec::with_capacity(written.len());
    for (chain, seq) in written {
        let anchored = connection.first(sql::ANCHORED, params![chain], |row| row.number("seq"))?;
        if anchored.is_none_or(|anchored| anchored < seq) {
            let head = head_up_to(connection, &chain, seq)?;
            heads.push((chain, head));
        }
    }
    Ok(heads)
}

/// Hands out lines until `take` says `false`. One read transaction: entries and starts belong together.
pub(super) fn export_all(connection: &Connection, mut take: impl FnMut(String) -> bool) -> Result<(), Fault> {
    let view = connection.unchecked_transaction()?;
    let mut goes_on = true;
    view.each(sql::CHAIN_STARTS, &[], |row| {
        goes_on = take(export::start_line(row.str("chain")?, &rows::head(row)?));
        Ok(goes_on)
    })?;
    if goes_on {
        view.each(sql::ALL_ENTRIES, &[], |row| Ok(take(export::entry_line(&rows::entry(row)?))))?;
    }
    Ok(())
}
