//! The keychain of the operating system. Keys and tokens live here and nowhere else.
//!
//! The authenticator calls it from one thread of its own, with a time limit, and probes it at start by writing, reading
//! and removing an entry: a store without a collection says "nothing there" to a read.

use std::sync::Arc;

use authenticator::ports::{Vault, VaultError};
use keyring::{Entry, Error};
use keyring_core::CredentialStore;
use zeroize::Zeroizing;

/// Name under which the entries are listed in the keychain's own window.
const SERVICE: &str = "app.countersign.desktop";

/// Entries of this app in the system's keychain.
#[derive(Debug)]
pub(crate) struct KeychainStore;

impl Vault for KeychainStore {
    fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(call(name, Entry::get_secret)?.map(Zeroizing::new))
    }

    fn put(&mut self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        call(name, |entry| entry.set_secret(secret))?;
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Result<(), VaultError> {
        call(name, Entry::delete_credential)?;
        Ok(())
    }
}

/// The secret service knows a connection no longer once it was started anew. Elsewhere there is no connection, and a
/// second call could ask the person a second time.
const CAN_BE_STALE: bool = cfg!(all(unix, not(target_os = "macos")));

/// Does something with the entry called `name`; `None` when there is none. A connection that may be stale is made anew,
/// once: each of our calls can be repeated.
fn call<T>(name: &str, act: impl Fn(&Entry) -> Result<T, Error>) -> Result<Option<T>, VaultError> {
    let mut result = act(&entry(name)?);
    if CAN_BE_STALE && let Err(error @ Error::PlatformFailure(_)) = &result {
        tracing::info!(error = told(error), "The keychain failed; it may have been started anew");
        keyring_core::unset_default_store();
        result = act(&entry(name)?);
    }
    match result {
        Ok(done) => Ok(Some(done)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

/// The entry called `name`. `keyring` connects to the system's store once a process; after that has failed, or the
/// service has gone, we connect anew, so that "Try again" finds a keychain that was started after the app.
fn entry(name: &str) -> Result<Entry, VaultError> {
    let connected_first = Entry::store_status().is_ok();
    if keyring_core::get_default_store().is_none() {
        tracing::info!(connected_first, "Connecting to the keychain anew");
        let store = connect().map_err(|error| VaultError::NoStore(told(&error)))?;
        keyring_core::set_default_store(store);
    }
    let inner = keyring_core::Entry::new(SERVICE, name).map_err(|error| failed(&error))?;
    Ok(Entry { inner })
}

#[cfg(all(unix, not(target_os = "macos")))]
fn connect() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn connect() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn connect() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

/// Tells the states apart that need different acts of the person.
fn failed(error: &Error) -> VaultError {
    let told = told(error);
    match error {
        Error::NoDefaultStore | Error::NotSupportedByStore(_) => VaultError::NoStore(told),
        // The secret service says in its text alone that it has no collection. Everything else here is a lock: a dismissed
        // prompt was the one that asks for the password.
        Error::NoStorageAccess(_) if told.contains("not returned") => VaultError::NoStore(told),
        Error::NoStorageAccess(_) => VaultError::Locked(told),
        Error::PlatformFailure(_) => {
            // The service may be gone for good and another one come: the next call connects anew.
            keyring_core::unset_default_store();
            if told.contains("AccessDenied") || told.contains("denied") {
                VaultError::Refused(told)
            } else if told.contains("IsLocked") {
                VaultError::Locked(told)
            } else if told.contains("ServiceUnknown") || told.contains("no secret service provider") {
                VaultError::NoStore(told)
            } else {
                VaultError::Failed(told)
            }
        }
        Error::NoEntry
        | Error::BadEncoding(_)
        | Error::BadDataFormat(..)
        | Error::BadStoreFormat(_)
        | Error::TooLong(..)
        | Error::Invalid(..)
        | Error::Ambiguous(_) => VaultError::Failed(told),
        _ => VaultError::Failed(told),
    }
}

/// The error and its causes. The variants that hold the stored bytes do not print them.
fn told(error: &Error) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let text = next.to_string();
        if !told.contains(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        cause = next.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_access(text: &str) -> VaultError {
        failed(&Error::NoStorageAccess(text.into()))
    }

    #[test]
    fn a_locked_store_is_told_from_a_missing_collection() {
        assert!(matches!(no_access("SS Error: object locked"), VaultError::Locked(_)));
        assert!(matches!(no_access("SS error: prompt dismissed"), VaultError::Locked(_)));
        assert!(matches!(no_access("SS error: result not returned from SS API"), VaultError::NoStore(_)));
    }

    #[test]
    fn no_service_is_told_from_a_failing_one() {
        assert!(matches!(failed(&Error::NoDefaultStore), VaultError::NoStore(_)));
        assert!(matches!(failed(&Error::PlatformFailure("ServiceUnknown".into())), VaultError::NoStore(_)));
        assert!(matches!(failed(&Error::PlatformFailure("broken pipe".into())), VaultError::Failed(_)));
    }

    #[test]
    fn stored_bytes_never_reach_the_text() {
        let told = told(&Error::BadEncoding(b"hunter2".to_vec()));
        assert!(!told.contains("hunter2") && !told.contains("104, 117"));
    }
}
