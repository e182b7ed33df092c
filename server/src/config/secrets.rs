//! Where the server keys are: in a setting, or in a file of the data folder. All nodes share them.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use protocol::secret::Secret;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::{Data, Settings};
use crate::entropy::{Entropy, OsEntropy};
use crate::server_keys::{KEYS_MAX, ServerKeys};

/// Its file in the data folder.
const FILE_NAME: &str = "server.key";

/// The setting `server_key` as it was written; judged by [`super::check`], so that no parser quotes it in an error.
#[derive(Clone)]
pub struct KeyText(Zeroizing<String>);

impl KeyText {
    /// The keys, if the text is 64 hexadecimal digits each.
    pub fn parse(&self) -> Option<ServerKeys> {
        ServerKeys::parse(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(..)")
    }
}

/// Why there are no server keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The setting is no key.
    #[error(
        "server_key is no key; allowed: 1 to {KEYS_MAX} different keys of 64 hexadecimal digits, with commas between them"
    )]
    Setting,
    /// The file holds something else.
    #[error(
        "{} does not hold 1 to {KEYS_MAX} different server keys, a line of 64 hexadecimal digits each; restore it from a \
         backup. Removing it makes another key and ends every login that is under way",
        .0.display()
    )]
    Content(PathBuf),
    /// Other people of the machine can read the file.
    #[error("{path} can be read by others (mode {mode:03o}); allow its owner alone: chmod 600 {path}", path = .path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system refused.
    #[error("could not {during} {}", .path.display())]
    Io {
        /// The step, as a verb.
        during: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The server keys of these settings: the setting, else the file in the data folder (made when it is missing), else, for
/// data in memory, a fresh one.
///
/// # Errors
/// [`KeyError`]: a key of another length or form, a file that others can read, a system that refuses.
pub fn server_keys(settings: &Settings) -> Result<ServerKeys, KeyError> {
    if let Some(text) = &settings.server_key {
        return text.parse().ok_or(KeyError::Setting);
    }
    match &settings.data {
        Data::Memory => Ok(ServerKeys::one(fresh_key())),
        Data::Dir(dir) => in_folder(dir),
    }
}

/// The server keys in the file of this data folder.
///
/// # Errors
/// [`KeyError`], also when there is no such file.
pub fn keys_in(dir: &Path) -> Result<ServerKeys, KeyError> {
    read(&dir.join(FILE_NAME))
}

/// Puts these keys in the place of those in the file of this data folder; whoever reads it sees all of one or the other.
///
/// # Errors
/// [`KeyError::Io`]; then the file is as it was.
pub fn replace_keys(dir: &Path, keys: &ServerKeys) -> Result<(), KeyError> {
    let path = dir.join(FILE_NAME);
    let draft = draft(dir, keys)?;
    let failed = |source| KeyError::Io { during: "replace", path: path.clone(), source };
    // Done by root, it is still the server's user who reads it.
    #[cfg(unix)]
    if let Ok(before) = fs::metadata(&path) {
        use std::os::unix::fs::{MetadataExt, chown};
        chown(&draft, Some(before.uid()), Some(before.gid())).map_err(failed)?;
    }
    fs::rename(&draft, &path).map_err(failed)?;
    // A power cut keeps the name as well.
    #[cfg(unix)]
    fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
    Ok(())
}

/// A key from the system's generator.
pub fn fresh_key() -> Secret {
    let entropy: &dyn Entropy = &OsEntropy;
    entropy.secret()
}

fn in_folder(dir: &Path) -> Result<ServerKeys, KeyError> {
    match keys_in(dir) {
        Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(dir, &dir.join(FILE_NAME))?;
            keys_in(dir)
        }
        found => found,
    }
}

fn read(path: &Path) -> Result<ServerKeys, KeyError> {
    let failed = |during| move |source| KeyError::Io { during, path: path.to_owned(), source };
    let text = Zeroizing::new(fs::read(path).map_err(failed("read"))?);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_err(failed("look at"))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Mode { path: path.to_owned(), mode });
        }
    }
    std::str::from_utf8(&text)
        .ok()
        .and_then(ServerKeys::parse)
        .ok_or_else(|| KeyError::Content(path.to_owned()))
}

/// Writes the whole file under another name first, so that a second process sees all of it or nothing; whoever links it
/// into place first wins.
fn create(dir: &Path, path: &Path) -> Result<(), KeyError> {
    let failed = |during| move |source| KeyError::Io { during, path: path.to_owned(), source };
    let draft = draft(dir, &ServerKeys::one(fresh_key()))?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft).map_err(failed("clean up beside"))?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed("create")(error)),
        _ => Ok(()),
    }
}

/// A file with these keys beside the real one.
fn draft(dir: &Path, keys: &ServerKeys) -> Result<PathBuf, KeyError> {
    let draft = dir.join(format!("{FILE_NAME}.{}", std::process::id()));
    let failed = |during| {
        let path = draft.clone();
        move |source| KeyError::Io { during, path, source }
    };
    let mut file = private_file(&draft).map_err(failed("create"))?;
    file.write_all(keys.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(failed("write"))?;
    Ok(draft)
}

/// Creates a file that only its owner may read.
///
/// # Errors
/// What the system said, also when the file exists.
pub(crate) fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the data folder, for its owner alone, when it is missing.
///
/// # Errors
/// [`KeyError::Io`] with the folder.
pub(crate) fn data_folder(dir: &Path) -> Result<(), KeyError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|source| KeyError::Io {
        during: "create the folder",
        path: dir.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings_in(dir: &Path) -> Settings {
        Settings { data: Data::Dir(dir.to_owned()), ..Settings::in_memory() }
    }

    #[test]
    fn the_key_file_is_made_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = server_keys(&settings_in(dir.path())).unwrap();
        let second = server_keys(&settings_in(dir.path())).unwrap();
        assert_eq!(first, second);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(dir.path().join(FILE_NAME)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        server_keys(&settings_in(dir.path())).unwrap();
        fs::set_permissions(dir.path().join(FILE_NAME), fs::Permissions::from_mode(0o644)).unwrap();
        let error = server_keys(&settings_in(dir.path())).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_key_of_another_length_is_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = private_file(&dir.path().join(FILE_NAME)).unwrap();
        file.write_all(b"abcdef\n").unwrap();
        let error = server_keys(&settings_in(dir.path())).unwrap_err();
        assert!(matches!(error, KeyError::Content(_)), "{error}");
        assert_eq!(fs::read(dir.path().join(FILE_NAME)).unwrap(), b"abcdef\n");
    }

    #[test]
    fn a_data_folder_that_is_missing_is_named() {
        let error = server_keys(&settings_in(Path::new("/nowhere/at/all"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }

    #[test]
    fn data_in_memory_gets_a_key_of_its_own_each_time() {
        let settings = Settings::in_memory();
        assert_ne!(server_keys(&settings).unwrap(), server_keys(&settings).unwrap());
    }

    #[test]
    fn the_setting_wins_and_is_never_shown() {
        let mut settings = Settings::in_memory();
        settings.server_key = Some(KeyText(Zeroizing::new("a7".repeat(32))));
        assert_eq!(server_keys(&settings).unwrap().making().expose_bytes(), &[0xa7; 32]);
        assert!(!format!("{settings:?}").contains("a7a7"));
    }

    #[test]
    fn keys_are_replaced_as_a_whole_and_stay_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let before = server_keys(&settings_in(dir.path())).unwrap();
        let after = ServerKeys::one(fresh_key()).and(&before);
        replace_keys(dir.path(), &after).unwrap();
        assert_eq!(server_keys(&settings_in(dir.path())).unwrap(), after);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
    }
}
