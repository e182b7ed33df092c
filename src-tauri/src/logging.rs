//! The log: a file in the app's log folder, and stderr. Ids and codes, never secrets or what the person typed.

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// A log file beyond this size, in bytes, is put aside at the next start; one older file is kept.
const FILE_BYTES_MAX: u64 = 2 << 20;

/// Begins to write to `folder/countersign.log` and to stderr. Without a folder that can be written to, to stderr alone.
pub(crate) fn start(folder: Option<&Path>) {
    let level =
        || EnvFilter::try_from_env("COUNTERSIGN_LOG").unwrap_or_else(|_| EnvFilter::new("info,zbus=warn"));
    let file = folder.and_then(|folder| open(folder).ok());
    let to_file = file.map(|file| {
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).with_filter(level())
    });
    let to_stderr = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(level());
    // A second start of logging in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(to_file).with(to_stderr).try_init();
}

/// Sends panics to the log instead of the terminal; what the person reads is said elsewhere.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(at = ?panic.location().map(ToString::to_string), "Panic: {panic}");
    }));
}

fn open(folder: &Path) -> std::io::Result<File> {
    fs::create_dir_all(folder)?;
    let path = folder.join("countersign.log");
    if fs::metadata(&path).is_ok_and(|file| file.len() > FILE_BYTES_MAX) {
        fs::rename(&path, folder.join("countersign.old.log"))?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_put_aside() {
        let folder = std::env::temp_dir().join(format!("countersign-log-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = File::create(folder.join("countersign.log")).unwrap();
        file.set_len(FILE_BYTES_MAX + 1).unwrap();

        let fresh = open(&folder).unwrap();

        assert_eq!(fresh.metadata().unwrap().len(), 0);
        assert!(folder.join("countersign.old.log").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
