use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::time::timeout;

use super::PostgresStore;
use super::pool::Pool;
use super::rows::Fault;
use crate::store::error::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// A transaction that its node has forgotten may hold its locks for so long.
const ABANDONED_MS: u32 = 60_000;

/// What a node may ask of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a call waits for a connection, and then for an answer.
    pub wait: Duration,
    /// Most connections, opened when they are first needed.
    pub connections_max: u32,
}

const OPEN: &str = "open the database";

impl PostgresStore {
    /// Connects, and brings the database to this program's version. Several nodes may do so at once.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a later version has used it, [`StoreError::Unavailable`] for everything else; neither
    /// tells the password.
    pub async fn open(url: &str, limits: Limits) -> Result<Self, StoreError> {
        let mut connection = connect(&options(url, limits)?, limits.wait).await?;
        migrate(&mut connection).await?;
        // What is left of it is closed by the database.
        let _ = connection.close().await;
        Self::lazily(url, limits)
    }

    /// Over a database that is up and of this version.
    pub(super) fn lazily(url: &str, limits: Limits) -> Result<Self, StoreError> {
        let pool = Pool::new(options(url, limits)?, limits.connections_max);
        Ok(Self { pool, wait: limits.wait, connections_max: limits.connections_max })
    }
}

pub(super) fn options(url: &str, limits: Limits) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(unavailable)?;
    let named = options.get_application_name().is_some();
    let options = if named { options } else { options.application_name("countersign-server") };
    Ok(options
        .options([
            // The database gives up first and says why; this node's own patience is for one that says nothing.
            ("statement_timeout", (limits.wait.as_millis() * 9 / 10).to_string()),
            ("idle_in_transaction_session_timeout", ABANDONED_MS.to_string()),
        ])
        .disable_statement_logging())
}

pub(super) async fn connect(options: &PgConnectOptions, wait: Duration) -> Result<PgConnection, StoreError> {
    match timeout(wait, options.connect()).await {
        Ok(connected) => connected.map_err(unavailable),
        Err(_) => Err(StoreError::Unavailable {
            during: OPEN,
            source: format!("no answer within {} s", wait.as_secs()).into(),
        }),
    }
}

/// Does nothing where nothing is to be done, so that a node needs no right to change tables.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let known = MIGRATIONS.iter().map(|one| one.version).max().unwrap_or(0);
    if version(connection).await.map_err(unavailable)? == Some(known) {
        return Ok(());
    }
    // Waiting for another node that is at it takes as long as it takes. The migrator holds an advisory lock meanwhile.
    sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await.map_err(unavailable)?;
    MIGRATIONS.run(connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => StoreError::Newer { found, known },
        error => {
            StoreError::Unavailable { during: "bring the database to this version", source: Box::new(error) }
        }
    })
}

/// The newest version that was brought to its end; `None` in an empty database.
async fn version(connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations WHERE success").fetch_one(connection).await
}

fn unavailable(error: sqlx::Error) -> StoreError {
    Fault::Database(error).during(OPEN)
}
