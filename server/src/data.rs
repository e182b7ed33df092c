//! What the setting `data` names, opened.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Data;
use crate::store::sqlite::SqliteStore;
use crate::store::{Durable, StoreError};

/// Its file in the data folder.
const FILE_NAME: &str = "countersign.sqlite";

/// Opens the durable store, in which a write waits at most `wait` for another process; a folder must be there, its file is
/// made.
///
/// # Errors
/// [`StoreError`] when the file cannot be used or was written by a later version.
pub async fn open(data: &Data, wait: Duration) -> Result<Arc<dyn Durable>, StoreError> {
    Ok(match data {
        Data::Memory => Arc::new(SqliteStore::in_memory().await?),
        Data::Dir(dir) => Arc::new(SqliteStore::open_waiting(&dir.join(FILE_NAME), wait).await?),
    })
}
