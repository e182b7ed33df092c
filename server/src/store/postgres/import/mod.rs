//! Everything of a SQLite file into an empty PostgreSQL database, in one transaction.

mod tables;
#[cfg(all(test, unix))]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use rusqlite::{Connection, TransactionBehavior};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::open::{connect, migrate, options};
use super::rows::{self, Columns as _, Fault};
use super::{Limits, PostgresStore};
use crate::store::audit::Head;
use crate::store::error::StoreError;
use crate::store::sqlite::SqliteStore;
use crate::store::statements as sql;
use tables::TABLES;

/// What came over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Tables with their rows.
    pub tables: Vec<(&'static str, u64)>,
    /// Audit chains that hold together there.
    pub chains: u64,
}

/// Why nothing was imported: the database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is not there.
    #[error("there is no database file {}", .0.display())]
    NoFile(PathBuf),
    /// The target is in use.
    #[error("the database has data already; import into an empty one")]
    NotEmpty,
    /// The file's audit log does not hold together.
    #[error(
        "entry {seq} of audit chain {chain} was changed, or one before it is missing; see: audit export, audit verify"
    )]
    Chain {
        /// The chain.
        chain: String,
        /// The first place that does not follow from the one before.
        seq: i64,
    },
    /// Rows got lost on the way.
    #[error("table {table} has {there} rows where {here} were read")]
    Count {
        /// The table.
        table: &'static str,
        /// Read from the file.
        here: u64,
        /// Found in the database.
        there: u64,
    },
    /// The file or the database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PostgresStore {
    /// Moves all rows of a SQLite file, which is brought to this program's version first, and which nobody can write
    /// meanwhile. Counts and audit chains are checked before the commit.
    ///
    /// # Errors
    /// [`ImportError`]; then the database is as it was.
    pub async fn import(url: &str, limits: Limits, file: &Path) -> Result<Imported, ImportError> {
        if !file.is_file() {
            return Err(ImportError::NoFile(file.to_owned()));
        }
        let mut source = SqliteStore::connection(file, SqliteStore::COMMAND_WAIT).await?;
        let mut target = connect(&options(url, limits)?, limits.wait).await?;
        migrate(&mut target).await?;
        let imported = move_all(&mut source, &mut target).await?;
        // The planner knows nothing of so many rows at once; it finds out later if this fails.
        let _ = sqlx::query("ANALYZE").execute(&mut target).await;
        let _ = target.close().await;
        Ok(imported)
    }
}

/// The file is read between what is written, on the same thread: a command has nothing else to do.
async fn move_all(source: &mut Connection, target: &mut PgConnection) -> Result<Imported, ImportError> {
    // A server that is still running waits, and is told in the end that it could not write.
    let from = source.transaction_with_behavior(TransactionBehavior::Immediate).map_err(reading)?;
    let mut to = target.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await.map_err(writing)?;
    sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *to).await.map_err(writing)?;
    for table in &TABLES {
        let name = table.name;
        run(&mut to, format!("LOCK TABLE {name} IN EXCLUSIVE MODE")).await?;
        if count(&mut to, name).await? > 0 {
            return Err(ImportError::NotEmpty);
        }
    }
    let mut tables = Vec::with_capacity(TABLES.len());
    for table in &TABLES {
        let here = table.copy(&from, &mut to).await?;
        let there = count(&mut to, table.name).await?;
        if here != there {
            return Err(ImportError::Count { table: table.name, here, there });
        }
        tables.push((table.name, here));
    }
    let chains = verify(&mut to).await?;
    to.commit().await.map_err(writing)?;
    from.rollback().map_err(reading)?;
    Ok(Imported { tables, chains })
}

/// Follows every chain as it came; how many there are.
async fn verify(to: &mut PgConnection) -> Result<u64, ImportError> {
    let damaged = |fault: Fault| ImportError::Store(fault.during(WRITING));
    let starts = sqlx::query(sql::CHAIN_STARTS).fetch_all(&mut *to).await.map_err(writing)?;
    let starts = starts
        .iter()
        .map(|row| Ok((row.text("chain")?, rows::head(row)?)))
        .collect::<Result<HashMap<_, _>, Fault>>()
        .map_err(damaged)?;
    let mut entries = sqlx::query(sql::ALL_ENTRIES).fetch(to);
    let (mut chains, mut current, mut head) = (0, None::<String>, Head::EMPTY);
    while let Some(row) = entries.try_next().await.map_err(writing)? {
        let entry = rows::entry(&row).map_err(damaged)?;
        if current.as_ref() != Some(&entry.chain) {
            chains += 1;
            head = starts.get(&entry.chain).copied().unwrap_or(Head::EMPTY);
            current = Some(entry.chain.clone());
        }
        if !entry.follows(&head) {
            return Err(ImportError::Chain { chain: entry.chain, seq: entry.seq });
        }
        head = entry.head();
    }
    Ok(chains)
}

async fn count(connection: &mut PgConnection, table: &str) -> Result<u64, ImportError> {
    let statement = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    let count: i64 = sqlx::query_scalar(statement).fetch_one(connection).await.map_err(writing)?;
    Ok(count.unsigned_abs())
}

async fn run(connection: &mut PgConnection, statement: String) -> Result<(), ImportError> {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.map(drop).map_err(writing)
}

const WRITING: &str = "write what is imported";

fn reading(error: rusqlite::Error) -> ImportError {
    ImportError::Store(Fault::Sqlite(error).during("read what is imported"))
}

fn writing(error: sqlx::Error) -> ImportError {
    ImportError::Store(Fault::Database(error).during(WRITING))
}
