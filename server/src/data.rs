//! What the setting `data` names, opened.

use std::sync::Arc;

use crate::config::Data;
use crate::store::sqlite::SqliteStore;
use crate::store::{Durable, StoreError};

/// Its file in the data folder.
const FILE_NAME: &str = "countersign.sqlite";

/// Opens the durable store; a folder must be there, its file is made.
///
/// # Errors
/// [`StoreError`] when the file cannot be used or was written by a later version.
pub async fn open(data: &Data) -> Result<Arc<dyn Durable>, StoreError> {
    Ok(match data {
        Data::Memory => Arc::new(SqliteStore::in_memory().await?),
        Data::Dir(dir) => Arc::new(SqliteStore::open(&dir.join(FILE_NAME)).await?),
    })
}
