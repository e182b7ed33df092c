//! The file of enrolled accounts and settings. No secret is in it; those are in the keychain under each account's name.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use protocol::id::{AccountId, DeviceId};
use protocol::link::Pin;
use protocol::origin::Origin;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::activity::Head;
use crate::error_code::{ErrorCode, Problem};
use crate::server_client::details;
use crate::view::{AccountRef, AccountState, AccountView, Settings};

/// Version of the file's form.
const VERSION: u32 = 1;

/// One enrolled account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name on this computer, and of its secrets in the keychain.
    pub id: AccountRef,
    /// The server.
    pub origin: Origin,
    /// The one key that the server is trusted by, as base32; none: the system's trust.
    pub pin: Option<String>,
    /// What the server calls itself.
    pub server_name: String,
    /// The account at the server.
    pub account: AccountId,
    /// Its name for signing in.
    pub username: String,
    /// Its name for people.
    pub display_name: String,
    /// This computer at the server.
    pub device: DeviceId,
    /// Where the account's log ended when it was last looked at.
    pub head: Option<Head>,
    /// The log did not extend [`Self::head`]; nobody accepted that yet.
    pub alarm: bool,
    /// The server knows this device no longer.
    pub signed_out: bool,
}

/// All that the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    v: u32,
    /// In the order they were added.
    pub accounts: Vec<Account>,
    /// The person's settings.
    #[serde(default)]
    pub settings: Settings,
}

/// The file.
#[derive(Debug, Clone)]
pub struct AccountsFile {
    path: PathBuf,
}

/// Why the file cannot be used.
#[derive(Debug, Error)]
pub enum AccountsError {
    /// It is there and cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It is no accounts file of a version that is known here.
    #[error("{} is damaged or of another version", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// It cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl Account {
    /// The account as the window sees it; `key_missing` when the keychain has nothing under its name.
    pub fn view(&self, key_missing: bool) -> AccountView {
        let state = if self.signed_out {
            AccountState::SignedOut
        } else if key_missing {
            AccountState::KeyMissing
        } else {
            AccountState::Ready
        };
        AccountView {
            id: self.id.clone(),
            server_name: self.server_name.clone(),
            origin: self.origin.to_string(),
            host: self.origin.host_and_port().to_owned(),
            username: self.username.clone(),
            display_name: self.display_name.clone(),
            pinned: self.pin.is_some(),
            state,
            activity_alarm: self.alarm,
        }
    }

    /// The pinned key; a damaged one pins nothing that any server has.
    pub fn pin(&self) -> Option<Pin> {
        self.pin.as_deref().map(|text| Pin::parse(text).unwrap_or_else(|| Pin::of_spki(&[])))
    }
}

impl Saved {
    /// No account and the default settings.
    pub fn empty() -> Self {
        Self { v: VERSION, accounts: Vec::new(), settings: Settings::default() }
    }
}

impl AccountsFile {
    /// The file at `path`; its folder is made with the first write.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads it; no file is no account.
    ///
    /// # Errors
    /// [`AccountsError::Read`], [`AccountsError::Form`]. A damaged file is left as it is.
    pub fn load(&self) -> Result<Saved, AccountsError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Saved::empty()),
            Err(source) => return Err(AccountsError::Read { path: self.path.clone(), source }),
        };
        let saved: Saved = serde_json::from_slice(&bytes)
            .map_err(|source| AccountsError::Form { path: self.path.clone(), source: Some(source) })?;
        if saved.v == VERSION {
            Ok(saved)
        } else {
            Err(AccountsError::Form { path: self.path.clone(), source: None })
        }
    }

    /// Replaces it in one step, readable by its owner alone.
    ///
    /// # Errors
    /// [`AccountsError::Write`]; the old file is then still there.
    pub fn save(&self, saved: &Saved) -> Result<(), AccountsError> {
        let failed = |source| AccountsError::Write { path: self.path.clone(), source };
        let bytes = serde_json::to_vec_pretty(saved).map_err(|error| failed(error.into()))?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        make_private_folder(folder).map_err(failed)?;
        let beside = self.path.with_extension("new");
        write_private(&beside, &bytes).map_err(failed)?;
        fs::rename(&beside, &self.path).map_err(failed)?;
        sync_folder(folder).map_err(failed)
    }

    /// The keychain names of the accounts in it, also where the rest of the file is damaged or of another version: they are
    /// what erasing has to find.
    pub fn names(&self) -> Vec<AccountRef> {
        let text = fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let after_each_key = text.split("\"id\"").skip(1);
        after_each_key
            .filter_map(|rest| {
                rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split_once('"')
            })
            .map(|(name, _)| AccountRef(name.to_owned()))
            .collect()
    }

    /// Removes it; fine when there is none.
    ///
    /// # Errors
    /// [`AccountsError::Write`].
    pub fn erase(&self) -> Result<(), AccountsError> {
        match fs::remove_file(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(AccountsError::Write { path: self.path.clone(), source })
            }
            _ => Ok(()),
        }
    }
}

impl From<&AccountsError> for Problem {
    fn from(error: &AccountsError) -> Self {
        let code = match error {
            AccountsError::Read { path, .. } | AccountsError::Form { path, .. } => {
                ErrorCode::AccountsUnreadable { path: path.display().to_string() }
            }
            AccountsError::Write { path, .. } => {
                ErrorCode::AccountsUnwritable { path: path.display().to_string() }
            }
        };
        Self { error: code, details: details(error) }
    }
}

#[cfg(unix)]
fn make_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the rename itself durable where folders can be synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn no_file_is_no_account_and_what_is_saved_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = AccountsFile::at(folder.path().join("deep/accounts.json"));
        assert_eq!(file.load().unwrap(), Saved::empty());
        let mut saved = Saved::empty();
        saved.settings.camera = Some("front".to_owned());
        saved.accounts.push(account());
        file.save(&saved).unwrap();
        assert_eq!(file.load().unwrap(), saved);
        file.erase().unwrap();
        file.erase().unwrap();
        assert_eq!(file.load().unwrap(), Saved::empty());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.json");
        AccountsFile::at(path.clone()).save(&Saved::empty()).unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_or_newer_file_is_an_error_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.json");
        for text in ["{", r#"{"v": 2, "accounts": []}"#] {
            fs::write(&path, text).unwrap();
            assert!(matches!(AccountsFile::at(path.clone()).load(), Err(AccountsError::Form { .. })));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn the_names_in_a_damaged_file_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.json");
        let file = AccountsFile::at(path.clone());
        assert_eq!(file.names(), []);
        let mut saved = Saved::empty();
        for name in ["a", "b"] {
            saved.accounts.push(Account { id: AccountRef(name.to_owned()), ..account() });
        }
        file.save(&saved).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in [whole.len(), whole.len() - 20] {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(file.names(), [AccountRef("a".to_owned()), AccountRef("b".to_owned())]);
        }
        fs::write(&path, "\"id\": \"").unwrap();
        assert_eq!(file.names(), []);
    }

    #[test]
    fn a_damaged_pin_does_not_turn_into_the_systems_trust() {
        let damaged = Account { pin: Some("???".to_owned()), ..account() };
        assert!(damaged.pin().is_some());
    }

    fn account() -> Account {
        Account {
            id: AccountRef("a".to_owned()),
            origin: Origin::parse("https://login.example.com").unwrap(),
            pin: None,
            server_name: "Example".to_owned(),
            account: AccountId::from_random([1; 16]),
            username: "ada".to_owned(),
            display_name: "Ada Lovelace".to_owned(),
            device: DeviceId::from_random([2; 16]),
            head: None,
            alarm: false,
            signed_out: false,
        }
    }
}
