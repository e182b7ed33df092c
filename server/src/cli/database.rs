//! The database as a whole: brought to this version, copied, moved.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::CliError;
use super::output::Output;
use crate::config::{Data, PostgresUrl, Settings, data_folder, private_file};
use crate::data::{self, FILE_NAME, Place};
use crate::store::postgres::{ImportError, Limits, PostgresStore};
use crate::store::sqlite::SqliteStore;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// Folder to make; it will hold the database and the server's keys.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The data folder to read, or its database file. Stop its server first.
    #[arg(long, value_name = "DIR|FILE")]
    from: PathBuf,
}

/// Brings the tables to this version. A server does so when it starts; this is for a database whose server may not.
pub(super) async fn migrate(settings: &Settings, output: Output) -> Result<(), CliError> {
    let place = data::place(settings);
    if place == Place::Memory {
        return Err(in_memory());
    }
    if let Data::Dir(dir) = &settings.data
        && let Place::File(_) = place
    {
        data_folder(dir).map_err(|source| CliError::failed("could not prepare the data folder", source))?;
    }
    data::open(settings, SqliteStore::COMMAND_WAIT).await?.ping().await?;
    let place = place.to_string();
    let sentence = format!("The tables in {place} are those of this version.");
    output.done(&sentence, &serde_json::json!({ "ok": true, "database": place }))
}

/// Copies database and keys into a fresh folder, while the server runs.
pub(super) async fn backup(args: &BackupArgs, settings: &Settings, output: Output) -> Result<(), CliError> {
    let file = match data::place(settings) {
        Place::Memory => return Err(in_memory()),
        Place::Postgres(url) => return Err(CliError::Usage(with_pg_dump(&url, settings))),
        Place::File(file) => file,
    };
    if !file.is_file() {
        let source = io::Error::from(io::ErrorKind::NotFound);
        return Err(CliError::failed(format!("could not open {}", file.display()), source));
    }
    let out = &args.out;
    if out.exists() {
        return Err(CliError::Exists(format!(
            "{} is there already. Name a folder that is not.",
            out.display()
        )));
    }
    let failed = |source| CliError::failed(format!("could not write to {}", out.display()), source);
    data_folder(out).map_err(|source| CliError::failed("could not prepare the copy", source))?;
    let copy = out.join(FILE_NAME);
    private_file(&copy).map_err(failed)?;
    SqliteStore::copy(&file, &copy).await?;
    fs::File::open(&copy).and_then(|copy| copy.sync_all()).map_err(failed)?;
    let keys = match &settings.data {
        Data::Memory => Vec::new(),
        // The key may come from the environment, and the database lie elsewhere.
        Data::Dir(dir) if !dir.is_dir() => Vec::new(),
        Data::Dir(dir) => copy_keys(dir, &file, out).map_err(failed)?,
    };
    let sentence = format!(
        "{} holds the database and {} more files. Whoever reads it can sign in as anybody: keep it as safe as the server. \
         To go back to it: serve --data {}",
        out.display(),
        keys.len(),
        out.display()
    );
    output.done(&sentence, &serde_json::json!({ "folder": out, "database": copy, "files": keys }))
}

/// Moves all data of a SQLite file into the PostgreSQL database of the settings.
pub(super) async fn import(args: &ImportArgs, settings: &Settings, output: Output) -> Result<(), CliError> {
    let Place::Postgres(url) = data::place(settings) else {
        return Err(CliError::Usage(
            "import goes into PostgreSQL; name it with --database postgres://USER@HOST/DATABASE.".to_owned(),
        ));
    };
    let file = if args.from.is_dir() { args.from.join(FILE_NAME) } else { args.from.clone() };
    let limits =
        Limits { wait: SqliteStore::COMMAND_WAIT, connections_max: settings.limits.database_connections };
    let imported = PostgresStore::import(url.expose(), limits, &file).await?;
    let rows: u64 = imported.tables.iter().map(|(_, rows)| rows).sum();
    let tables: serde_json::Map<_, _> =
        imported.tables.iter().map(|(table, rows)| ((*table).to_owned(), (*rows).into())).collect();
    let sentence = format!(
        "{rows} rows of {} tables are in {url}, {} audit chains hold together. Start the server with this database and the \
         same server.key; then nobody has to sign in anew.",
        imported.tables.len(),
        imported.chains
    );
    let value = serde_json::json!({ "rows": rows, "tables": tables, "chains": imported.chains });
    output.done(&sentence, &value)
}

/// All files beside the database: the server's key, a certificate of its own, where it is reached.
fn copy_keys(dir: &Path, database: &Path, out: &Path) -> io::Result<Vec<PathBuf>> {
    let database = database.file_name().unwrap_or_default().to_string_lossy();
    let mut copied = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // The database's own log and memory lie beside it under longer names.
        if !entry.file_type()?.is_file() || entry.file_name().to_string_lossy().starts_with(&*database) {
            continue;
        }
        let copy = out.join(entry.file_name());
        let mut to = private_file(&copy)?;
        io::copy(&mut fs::File::open(entry.path())?, &mut to)?;
        to.sync_all()?;
        copied.push(copy);
    }
    copied.sort();
    Ok(copied)
}

fn with_pg_dump(url: &PostgresUrl, settings: &Settings) -> String {
    let keys = match &settings.data {
        Data::Memory => String::new(),
        Data::Dir(dir) => format!(" Keep a copy of {} beside it.", dir.join("server.key").display()),
    };
    format!(
        "PostgreSQL copies its databases by itself: pg_dump --format=custom --file=countersign.dump --dbname='{url}'{}",
        if keys.is_empty() { keys } else { format!("\n{}", keys.trim_start()) }
    )
}

fn in_memory() -> CliError {
    CliError::Usage(
        "data is \"memory\", which no other process can reach; name the folder of the server with --data DIR."
            .to_owned(),
    )
}

impl From<ImportError> for CliError {
    fn from(error: ImportError) -> Self {
        let sentence = error.to_string();
        match error {
            ImportError::NoFile(_) => Self::Missing(sentence),
            ImportError::NotEmpty => Self::Exists(sentence),
            ImportError::Chain { .. } => Self::Broken(sentence),
            ImportError::Count { .. } => Self::failed("nothing was imported", error),
            ImportError::Store(source) => Self::from(source),
        }
    }
}
