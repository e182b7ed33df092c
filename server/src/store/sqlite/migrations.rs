//! The tables of a file, brought to this program's version.

use std::collections::BTreeMap;

use ring::digest::{SHA384, digest};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::open::OPEN;
use super::rows::Fault;
use crate::store::error::StoreError;

const MIGRATING: &str = "bring the database to this version";

/// A file of `migrations/sqlite`.
struct Migration {
    version: i64,
    description: &'static str,
    statements: &'static str,
}

/// All of them, oldest first.
const MIGRATIONS: [Migration; 5] = [
    Migration {
        version: 1,
        description: "first",
        statements: include_str!("../../../migrations/sqlite/0001_first.sql"),
    },
    Migration {
        version: 2,
        description: "recovery",
        statements: include_str!("../../../migrations/sqlite/0002_recovery.sql"),
    },
    Migration {
        version: 3,
        description: "page_keys",
        statements: include_str!("../../../migrations/sqlite/0003_page_keys.sql"),
    },
    Migration {
        version: 4,
        description: "front_doors",
        statements: include_str!("../../../migrations/sqlite/0004_front_doors.sql"),
    },
    Migration {
        version: 5,
        description: "logouts",
        statements: include_str!("../../../migrations/sqlite/0005_logouts.sql"),
    },
];

/// What the migrator of sqlx keeps: files that it made go on, and those made here could go back to it.
const DONE_TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, \
    description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
    checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";

/// One transaction around all, so that two processes that start at once do not both migrate.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let opening = |error| Fault::Sqlite(error).during(OPEN);
    let migrating = |error| Fault::Sqlite(error).during(MIGRATING);
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(opening)?;
    let mut done = done(&tx).map_err(migrating)?;
    for migration in &MIGRATIONS {
        match done.remove(&migration.version) {
            None => migration.run(&tx).map_err(migrating)?,
            Some(checksum) if checksum == migration.checksum().as_ref() => {}
            Some(_) => {
                return Err(
                    Fault::Unserved("it was brought to its version by other statements").during(MIGRATING)
                );
            }
        }
    }
    if let Some((found, _)) = done.pop_first() {
        let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
        return Err(StoreError::Newer { found, known });
    }
    tx.commit().map_err(opening)
}

/// Checksums of what was done before, by version.
fn done(tx: &Transaction<'_>) -> rusqlite::Result<BTreeMap<i64, Vec<u8>>> {
    tx.execute_batch(DONE_TABLE)?;
    let mut statement = tx.prepare("SELECT version, checksum FROM _sqlx_migrations")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

impl Migration {
    fn checksum(&self) -> ring::digest::Digest {
        digest(&SHA384, self.statements.as_bytes())
    }

    fn run(&self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        tx.execute_batch(self.statements)?;
        tx.execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (?1, ?2, TRUE, ?3, 0)",
            params![self.version, self.description, self.checksum().as_ref()],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn every_file_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<_> =
            MIGRATIONS.iter().map(|one| format!("{:04}_{}.sql", one.version, one.description)).collect();
        assert_eq!(files, listed);
    }
}
