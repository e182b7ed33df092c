use std::path::Path;

use super::SqliteStore;
use super::open::blocking;
use crate::store::error::StoreError;

impl SqliteStore {
    /// Writes all that was committed up to one moment into another file, while a server goes on writing. `to` must be
    /// empty or missing.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
        // In another encoding this would name another file.
        let Some(to) = to.to_str().map(str::to_owned) else {
            return Err(StoreError::File {
                path: to.to_owned(),
                source: std::io::Error::from(std::io::ErrorKind::InvalidFilename),
            });
        };
        let connection = Self::connection(from, Self::COMMAND_WAIT).await?;
        blocking("copy the database", move || {
            connection.execute("VACUUM INTO ?1", [to])?;
            connection.close().map_err(|(_, error)| error.into())
        })
        .await
    }
}
