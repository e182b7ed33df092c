use std::fs::OpenOptions;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::SqliteStore;
use super::rows::Fault;
use super::writer::Writer;
use crate::store::error::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");

/// Connections that only read; each is a thread, opened when it is first needed.
const READERS_MAX: u32 = 4;

impl SqliteStore {
    /// How long a call waits for another process (the command line beside the server) that writes, and for a reader: well
    /// below what a call may take in all.
    pub const CALL_WAIT: Duration = Duration::from_secs(10);
    /// How long a command waits for the server beside it: nobody else waits for the command.
    pub const COMMAND_WAIT: Duration = Duration::from_mins(3);

    /// Opens the file, makes it (mode 0600) when it is missing, and brings it to this program's version.
    ///
    /// # Errors
    /// [`StoreError::File`] when the file cannot be made or opened, [`StoreError::Newer`] when a later version wrote
    /// it, [`StoreError::Unavailable`] for everything else.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        Self::open_waiting(file, Self::CALL_WAIT).await
    }

    /// As [`SqliteStore::open`], with how long a write waits for another process.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open_waiting(file: &Path, wait: Duration) -> Result<Self, StoreError> {
        make_private(file).map_err(|source| StoreError::File { path: file.to_owned(), source })?;
        let options = file_options(file, wait);
        let connection = connect(&options).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(Self::CALL_WAIT)
            .test_before_acquire(false)
            .connect_lazy_with(options.read_only(true));
        Ok(Self { writer: Writer::start(connection), readers: Some(readers) })
    }

    /// An empty store that ends with this value.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is no memory for it.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str("sqlite::memory:")
            .map_err(|error| Fault::Database(error).during(OPEN))?;
        let connection = connect(&self::options(options, Self::CALL_WAIT)).await?;
        Ok(Self { writer: Writer::start(connection), readers: None })
    }
}

const OPEN: &str = "open the database";
/// SQLite's code for a database that somebody else is changing.
const BUSY: &str = "5";
/// How often more a connection to such a file is tried, and how long after the one before. Few: a file that somebody holds
/// for longer has made each try wait as long as a call may.
const MORE_TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// FULL flushes each commit, NORMAL (in WAL mode) only each checkpoint: a power cut then takes up to half a minute of
/// answered calls back. A removed device would be trusted again, and authenticators would warn of an activity that lost
/// its end. A flush took 0.9 ms on a cloud disk where NORMAL took 0.06; with 64 writes to a commit (see `writer`) FULL
/// still wrote 12,000 entries a second, so it stays.
fn options(options: SqliteConnectOptions, wait: Duration) -> SqliteConnectOptions {
    options
        .create_if_missing(true)
        .busy_timeout(wait)
        .foreign_keys(true)
        // 1 MiB a connection instead of 2: the pages that matter are few.
        .pragma("cache_size", "-1024")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

pub(super) async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let unavailable = |error| Fault::Database(error).during(OPEN);
    let mut connection = patiently(options).await.map_err(unavailable)?;
    // One transaction around all migrations, so that two processes that start at once do not both migrate.
    let mut lock = connection.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable)?;
    MIGRATIONS.run(&mut *lock).await.map_err(migration_error)?;
    lock.commit().await.map_err(unavailable)?;
    Ok(connection)
}

/// Connects. SQLite does not wait where two processes turn a fresh file to its write-ahead log at once: one of them is told
/// that the database is locked, and the other is done a moment later.
async fn patiently(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    for _ in 0..MORE_TRIES {
        match options.connect().await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(BUSY) => {
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            outcome => return outcome,
        }
    }
    options.connect().await
}

pub(super) fn file_options(file: &Path, wait: Duration) -> SqliteConnectOptions {
    options(SqliteConnectOptions::new().filename(file), wait)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
}

fn migration_error(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(found) => {
            StoreError::Newer { found, known: MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0) }
        }
        error => {
            StoreError::Unavailable { during: "bring the database to this version", source: Box::new(error) }
        }
    }
}

/// SQLite gives its log and its shared memory the mode of the file.
fn make_private(file: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(file).map(drop)
}
