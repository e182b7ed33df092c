use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::migrations::migrate;
use super::prepared::KEPT_MAX;
use super::readers::Readers;
use super::rows::Fault;
use super::transaction::Tx;
use super::writer::Writer;
use super::{Kept, SqliteStore};
use crate::store::error::StoreError;

pub(super) const OPEN: &str = "open the database";
/// A file in memory, of this connection alone. Of `:memory:` every page is in the cache, and where a commit put pages in
/// another order SQLite walks through all of it at its end: after 40,000 logins that was an eighth of what one cost. It
/// holds 1 GiB at most.
const IN_MEMORY: &str = "file:countersign?vfs=memdb";
/// 8 MiB, used as far as there are pages: ids are random, so each write lands on other pages of each index.
const BUSY_CACHE: i32 = -8192;

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
        let connection = Self::connection(file, wait).await?;
        let no_thread = |source| StoreError::Unavailable { during: OPEN, source: Box::new(source) };
        let writer = Writer::start(connection).map_err(no_thread)?;
        Ok(Self { kept: Kept::File { writer, readers: Readers::of(file) } })
    }

    /// An empty store that ends with this value.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is no memory for it.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let connection = blocking(OPEN, || {
            let connection = Connection::open(IN_MEMORY)?;
            prepare(&connection, Self::CALL_WAIT)?;
            connection.pragma_update(None, "cache_size", BUSY_CACHE)?;
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            Ok(connection)
        });
        let mut connection = connection.await?;
        migrate(&mut connection)?;
        Ok(Self { kept: Kept::Memory(Mutex::new(Tx::new(connection))) })
    }

    /// A connection to a file of this program's version.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub(in crate::store) async fn connection(file: &Path, wait: Duration) -> Result<Connection, StoreError> {
        let mut connection = patiently(file, wait).await?;
        let migrated = blocking(OPEN, move || {
            let outcome = migrate(&mut connection);
            Ok(outcome.map(|()| connection))
        });
        migrated.await?
    }
}

/// How often more a connection to a file that another process is changing is tried, and how long after the one before. Few:
/// a file that somebody holds for longer has made each try wait as long as a call may.
const MORE_TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Does what may wait for a disk or a lock on a thread that nobody else needs.
pub(super) async fn blocking<T: Send + 'static>(
    during: &'static str,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, StoreError> {
    let outcome = spawn_blocking(work).await;
    outcome.unwrap_or(Err(Fault::Unserved("the work was not done"))).map_err(|fault| fault.during(during))
}

/// Opens a file. SQLite does not wait where two processes turn a fresh file to its write-ahead log at once: one of them is
/// told that the database is locked, and the other is done a moment later.
async fn patiently(file: &Path, wait: Duration) -> Result<Connection, StoreError> {
    let mut tries = 0;
    loop {
        let file = file.to_owned();
        let opened = blocking(OPEN, move || match open_to_write(&file, wait) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(Err(error)),
            outcome => Ok(Ok(outcome?)),
        });
        match opened.await? {
            Ok(connection) => return Ok(connection),
            Err(busy) if tries == MORE_TRIES => return Err(Fault::Sqlite(busy).during(OPEN)),
            Err(_) => tokio::time::sleep(BETWEEN_TRIES).await,
        }
        tries += 1;
    }
}

/// FULL flushes each commit, NORMAL (in WAL mode) only each checkpoint: a power cut then takes up to half a minute of
/// answered calls back. A removed device would be trusted again, and authenticators would warn of an activity that lost
/// its end. A flush took 0.9 ms on a cloud disk where NORMAL took 0.06; with 64 writes to a commit (see `writer`) FULL
/// still wrote 12,000 entries a second, so it stays.
fn open_to_write(file: &Path, wait: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    prepare(&connection, wait)?;
    connection.pragma_update(None, "cache_size", BUSY_CACHE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // 16 MB instead of 4: a page that many logins change goes to the file once for all of them.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// A connection that waits for nobody.
pub(super) fn open_to_read(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    prepare(&connection, Duration::ZERO)?;
    Ok(connection)
}

fn prepare(connection: &Connection, wait: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(wait)?;
    connection.set_prepared_statement_cache_capacity(KEPT_MAX);
    connection.pragma_update(None, "foreign_keys", true)?;
    // 1 MiB a connection instead of 2: the pages that matter are few.
    connection.pragma_update(None, "cache_size", -1024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
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
