//! The floor's SQLite file: one thread writes, and whatever waits goes into one commit, which is on the disk before it is
//! answered (WAL, synchronous=FULL). Ours does the same; a floor that flushed for each write would be a low one.

use std::path::Path;

use anyhow::Result;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// As many as ours takes together.
const BATCH_MAX: usize = 64;

#[derive(Clone, Copy)]
pub(crate) enum Table {
    Decisions,
    Sessions,
}

/// Hands rows to the writing thread.
pub(crate) struct Writer {
    rows: mpsc::Sender<Row>,
}

struct Row {
    table: Table,
    key: String,
    value: String,
    written: oneshot::Sender<bool>,
}

impl Writer {
    pub(crate) fn open(file: &Path) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE decisions (ticket TEXT PRIMARY KEY, statement TEXT NOT NULL);
             CREATE TABLE sessions (request TEXT PRIMARY KEY, token TEXT NOT NULL);",
        )?;
        let (rows, waiting) = mpsc::channel(1_024);
        std::thread::spawn(move || work_off(&connection, waiting));
        Ok(Self { rows })
    }

    /// Whether the row is on the disk.
    pub(crate) async fn write(&self, table: Table, key: String, value: String) -> bool {
        let (written, answer) = oneshot::channel();
        self.rows.send(Row { table, key, value, written }).await.is_ok() && answer.await.unwrap_or(false)
    }
}

fn work_off(connection: &Connection, mut waiting: mpsc::Receiver<Row>) {
    let mut rows = Vec::with_capacity(BATCH_MAX);
    while waiting.blocking_recv_many(&mut rows, BATCH_MAX) > 0 {
        let is_written = together(connection, &rows).is_ok();
        if !is_written {
            // It fails only where SQLite has rolled back by itself.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for row in rows.drain(..) {
            let _ = row.written.send(is_written);
        }
    }
}

fn together(connection: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.raw_execute()?;
    for Row { table, key, value, .. } in rows {
        let statement = match table {
            Table::Decisions => "INSERT INTO decisions VALUES (?1, ?2)",
            Table::Sessions => "INSERT INTO sessions VALUES (?1, ?2)",
        };
        connection.prepare_cached(statement)?.execute((key, value))?;
    }
    connection.prepare_cached("COMMIT")?.raw_execute().map(drop)
}
