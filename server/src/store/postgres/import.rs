//! Everything of a SQLite file into an empty PostgreSQL database, in one transaction.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

use super::open::{connect, migrate, options};
use super::rows::{self, Columns as _, Fault};
use super::{Limits, PostgresStore};
use crate::store::audit::Head;
use crate::store::error::StoreError;
use crate::store::sqlite::SqliteStore;
use crate::store::statements as sql;

/// Rows of one statement.
const BATCH: usize = 1_000;

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

struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Kind)],
}

#[derive(Clone, Copy)]
enum Kind {
    Bytes,
    Text,
    Number,
    Flag,
}

/// Values of one column.
enum Values {
    Bytes(Vec<Option<Vec<u8>>>),
    Text(Vec<Option<String>>),
    Number(Vec<Option<i64>>),
    Flag(Vec<Option<bool>>),
}

use Kind::{Bytes, Flag, Number, Text};

/// All tables, each after those that it refers to.
const TABLES: [Table; 11] = [
    Table {
        name: "accounts",
        columns: &[
            ("id", Bytes),
            ("username", Text),
            ("display_name", Text),
            ("password_hash", Text),
            ("state", Text),
            ("ever_had_device", Flag),
            ("created_at", Number),
        ],
    },
    Table {
        name: "devices",
        columns: &[
            ("id", Bytes),
            ("account", Bytes),
            ("name", Text),
            ("kind", Text),
            ("key_jwk", Text),
            ("thumbprint", Bytes),
            ("token_hash", Bytes),
            ("enrolled_by", Text),
            ("created_at", Number),
            ("last_seen_at", Number),
            ("revoked_at", Number),
        ],
    },
    Table {
        name: "enrolments",
        columns: &[
            ("code_hash", Bytes),
            ("account", Bytes),
            ("made_by", Bytes),
            ("expires_at", Number),
            ("used_by", Bytes),
            ("used_at", Number),
            ("device", Bytes),
        ],
    },
    Table {
        name: "recovery_codes",
        columns: &[
            ("code_hash", Bytes),
            ("account", Bytes),
            ("made_by", Bytes),
            ("made_at", Number),
            ("used_by", Bytes),
            ("used_at", Number),
            ("device", Bytes),
        ],
    },
    Table {
        name: "decisions",
        columns: &[
            ("ticket", Bytes),
            ("request", Bytes),
            ("device", Bytes),
            ("account", Bytes),
            ("decision", Text),
            ("context", Bytes),
            ("statement", Text),
            ("decided_at", Number),
            ("withdrawn", Flag),
        ],
    },
    Table {
        name: "sessions",
        columns: &[
            ("id", Bytes),
            ("request", Bytes),
            ("ticket", Bytes),
            ("account", Bytes),
            ("device", Bytes),
            ("kind", Text),
            ("token_hash", Bytes),
            ("token_issued_at", Number),
            ("previous_token_hash", Bytes),
            ("previous_ends_at", Number),
            ("created_at", Number),
            ("last_seen_at", Number),
            ("address", Text),
            ("browser", Text),
            ("system", Text),
            ("ended_at", Number),
            ("end_reason", Text),
        ],
    },
    Table { name: "session_keys", columns: &[("session", Bytes), ("thumbprint", Bytes)] },
    Table { name: "known_keys", columns: &[("account", Bytes), ("thumbprint", Bytes), ("last_at", Number)] },
    Table {
        name: "audit",
        columns: &[
            ("chain", Text),
            ("seq", Number),
            ("at", Number),
            ("kind", Text),
            ("body", Text),
            ("hash", Bytes),
        ],
    },
    Table { name: "chain_starts", columns: &[("chain", Text), ("seq", Number), ("hash", Bytes)] },
    Table { name: "anchored", columns: &[("chain", Text), ("seq", Number)] },
];

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
        let mut source = SqliteStore::connection(file).await?;
        let mut target = connect(&options(url, limits)?, limits.wait).await?;
        migrate(&mut target).await?;
        let imported = move_all(&mut source, &mut target).await?;
        // The planner knows nothing of so many rows at once; it finds out later if this fails.
        let _ = sqlx::query("ANALYZE").execute(&mut target).await;
        let _ = target.close().await;
        Ok(imported)
    }
}

async fn move_all(source: &mut SqliteConnection, target: &mut PgConnection) -> Result<Imported, ImportError> {
    // A server that is still running waits, and is told in the end that it could not write.
    let mut from = source.begin_with("BEGIN IMMEDIATE").await.map_err(reading)?;
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
        let here = copy(table, &mut from, &mut to).await?;
        let there = count(&mut to, table.name).await?;
        if here != there {
            return Err(ImportError::Count { table: table.name, here, there });
        }
        tables.push((table.name, here));
    }
    let chains = verify(&mut to).await?;
    to.commit().await.map_err(writing)?;
    from.rollback().await.map_err(reading)?;
    Ok(Imported { tables, chains })
}

/// Copies all rows; how many.
async fn copy(table: &Table, from: &mut SqliteConnection, to: &mut PgConnection) -> Result<u64, ImportError> {
    let names = table.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    // Names are constants of this file.
    let select = AssertSqlSafe(format!("SELECT {names} FROM {}", table.name));
    let mut rows = sqlx::query(select).fetch(from);
    let mut copied = 0;
    loop {
        let mut values: Vec<Values> = table.columns.iter().map(|(_, kind)| Values::none(*kind)).collect();
        let mut taken = 0;
        while taken < BATCH
            && let Some(row) = rows.try_next().await.map_err(reading)?
        {
            for (place, column) in values.iter_mut().enumerate() {
                column.take(&row, place).map_err(reading)?;
            }
            taken += 1;
        }
        if taken == 0 {
            return Ok(copied);
        }
        insert(table.name, &names, values, to).await?;
        copied += taken as u64;
    }
}

async fn insert(
    table: &str,
    names: &str,
    values: Vec<Values>,
    to: &mut PgConnection,
) -> Result<(), ImportError> {
    let places: Vec<_> = (1..).zip(&values).map(|(n, column)| format!("${n}::{}[]", column.word())).collect();
    let statement = format!("INSERT INTO {table} ({names}) SELECT * FROM UNNEST({})", places.join(", "));
    let mut insert = sqlx::query(AssertSqlSafe(statement));
    for column in values {
        insert = match column {
            Values::Bytes(values) => insert.bind(values),
            Values::Text(values) => insert.bind(values),
            Values::Number(values) => insert.bind(values),
            Values::Flag(values) => insert.bind(values),
        };
    }
    insert.execute(to).await.map(drop).map_err(writing)
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

impl Values {
    fn none(kind: Kind) -> Self {
        match kind {
            Bytes => Self::Bytes(Vec::new()),
            Text => Self::Text(Vec::new()),
            Number => Self::Number(Vec::new()),
            Flag => Self::Flag(Vec::new()),
        }
    }

    fn take(&mut self, row: &SqliteRow, place: usize) -> Result<(), sqlx::Error> {
        match self {
            Self::Bytes(values) => values.push(row.try_get(place)?),
            Self::Text(values) => values.push(row.try_get(place)?),
            Self::Number(values) => values.push(row.try_get(place)?),
            Self::Flag(values) => values.push(row.try_get(place)?),
        }
        Ok(())
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytea",
            Self::Text(_) => "text",
            Self::Number(_) => "bigint",
            Self::Flag(_) => "boolean",
        }
    }
}

const WRITING: &str = "write what is imported";

fn reading(error: sqlx::Error) -> ImportError {
    ImportError::Store(Fault::Database(error).during("read what is imported"))
}

fn writing(error: sqlx::Error) -> ImportError {
    ImportError::Store(Fault::Database(error).during(WRITING))
}
