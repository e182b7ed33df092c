//! Where the settings say that lasting data is, and the store that is there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Data, Database, DatabaseText, PostgresUrl, Settings};
use crate::store::postgres::{self, PostgresStore};
use crate::store::sqlite::SqliteStore;
use crate::store::{Durable, StoreError};

/// Its file in the data folder.
pub const FILE_NAME: &str = "countersign.sqlite";

/// Where lasting data is. Shown without a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this process.
    Memory,
    /// In this file.
    File(PathBuf),
    /// On this server.
    Postgres(PostgresUrl),
}

/// What `database` says, else the file in the data folder, else memory.
pub fn place(settings: &Settings) -> Place {
    let named = settings.database.as_ref().and_then(DatabaseText::parse);
    match (named, &settings.data) {
        (Some(Database::Postgres(url)), _) => Place::Postgres(url),
        (Some(Database::Sqlite(file)), _) => Place::File(file),
        (None, Data::Dir(dir)) => Place::File(dir.join(FILE_NAME)),
        (None, Data::Memory) => Place::Memory,
    }
}

/// Opens the durable store, in which a call waits at most `wait`: for another process that writes the same file, or for the
/// server to answer. A file is made when it is missing, its folder is not.
///
/// # Errors
/// [`StoreError`] when it cannot be used or a later version has used it.
pub async fn open(settings: &Settings, wait: Duration) -> Result<Arc<dyn Durable>, StoreError> {
    Ok(match place(settings) {
        Place::Memory => Arc::new(SqliteStore::in_memory().await?),
        Place::File(file) => Arc::new(SqliteStore::open_waiting(&file, wait).await?),
        Place::Postgres(url) => Arc::new(open_postgres(&url, settings, wait).await?),
    })
}

/// Connects to a PostgreSQL server and brings its tables to this version.
///
/// # Errors
/// As [`open`].
pub async fn open_postgres(
    url: &PostgresUrl,
    settings: &Settings,
    wait: Duration,
) -> Result<PostgresStore, StoreError> {
    let limits = postgres::Limits { wait, connections_max: settings.limits.database_connections };
    PostgresStore::open(url.expose(), limits).await
}

impl Place {
    /// The folder that has to be there.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Memory | Self::Postgres(_) => None,
            // A bare name lies in the working directory.
            Self::File(file) => {
                file.parent().map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir })
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::File(file) => file.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}
