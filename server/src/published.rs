//! What a running server says about itself in its data folder, so that `users add` prints the right link although only
//! `serve` was told the origin, the port or `--self-signed`.

use std::fs;
use std::io;
use std::path::Path;

use protocol::link::Pin;
use protocol::origin::Origin;
use serde::{Deserialize, Serialize};

const FILE_NAME: &str = "published.json";

/// Where the server of a data folder was reached when it last started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The public origin.
    pub origin: Origin,
    /// Of a certificate of our own.
    pub pin: Option<Pin>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    origin: Origin,
    pin: Option<String>,
}

/// Writes it, all at once.
///
/// # Errors
/// What the system said.
pub fn write(dir: &Path, published: &Published) -> io::Result<()> {
    let stored = Stored { origin: published.origin.clone(), pin: published.pin.map(|pin| pin.to_string()) };
    let draft = dir.join(format!("{FILE_NAME}.{}", std::process::id()));
    fs::write(&draft, serde_json::to_vec(&stored)?)?;
    fs::rename(draft, dir.join(FILE_NAME))
}

/// Reads it; `None` when no server has run here, or what it left cannot be read.
pub fn read(dir: &Path) -> Option<Published> {
    let stored: Stored = serde_json::from_slice(&fs::read(dir.join(FILE_NAME)).ok()?).ok()?;
    let pin = match stored.pin {
        Some(text) => Some(Pin::parse(&text)?),
        None => None,
    };
    Some(Published { origin: stored.origin, pin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        for pin in [None, Some(Pin::of_spki(b"a key"))] {
            let published = Published { origin: Origin::parse("https://box.example:8443").unwrap(), pin };
            write(dir.path(), &published).unwrap();
            assert_eq!(read(dir.path()), Some(published));
        }
        fs::write(dir.path().join(FILE_NAME), "{").unwrap();
        assert_eq!(read(dir.path()), None);
    }
}
