use thiserror::Error;

/// Why a store did not answer. Whatever it is, it is never told as "expired": the caller answers 503.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Out of reach, locked for too long, full or damaged.
    #[error("the store could not {during}")]
    Unavailable {
        /// The step, as a verb with its object: "record a decision".
        during: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row that this program cannot have written.
    #[error("the store could not {during}: {what} is damaged")]
    Damaged {
        /// The step.
        during: &'static str,
        /// The column.
        what: &'static str,
    },
    /// The data was written by a later version of this program.
    #[error(
        "the data has version {found}, this program knows up to {known}; start the later version, or restore a backup"
    )]
    Newer {
        /// Version of the data.
        found: i64,
        /// Highest version that this program knows.
        known: i64,
    },
    /// The data folder or file cannot be used as it is.
    #[error("the data file {path} cannot be used")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A bounded store holds all that it may.
    #[error("the store is full and could not {during}")]
    Full {
        /// The step.
        during: &'static str,
    },
}
