use std::path::Path;

use sqlx::{Connection as _, SqliteConnection};

use super::SqliteStore;
use super::open::{connect, file_options};
use super::rows::Fault;
use crate::store::error::StoreError;

impl SqliteStore {
    /// A connection of its own, for one who moves all that there is.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub(in crate::store) async fn connection(file: &Path) -> Result<SqliteConnection, StoreError> {
        connect(&file_options(file, Self::COMMAND_WAIT)).await
    }

    /// Writes all that was committed up to one moment into another file, while a server goes on writing. `to` must be
    /// empty or missing.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
        let during = "copy the database";
        let mut connection = Self::connection(from).await?;
        // In another encoding this would name another file.
        let Some(to) = to.to_str() else {
            return Err(StoreError::File {
                path: to.to_owned(),
                source: std::io::Error::from(std::io::ErrorKind::InvalidFilename),
            });
        };
        sqlx::query("VACUUM INTO $1")
            .bind(to)
            .execute(&mut connection)
            .await
            .map_err(|error| Fault::Database(error).during(during))?;
        connection.close().await.map_err(|error| Fault::Database(error).during(during))
    }
}
