//! The one thread in front of the keychain. A locked store blocks while the person thinks, and some backends panic
//! inside an async runtime, so nothing else ever calls a [`Vault`].

use std::panic::AssertUnwindSafe;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::ports::{Vault, VaultError};

/// How long one call may take: a person may have to unlock the store first.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);
/// Entry that the probe writes and removes.
const CANARY: &str = "canary";

type Job = Box<dyn FnOnce(&mut dyn Vault) + Send>;

/// Asks the keychain. Cheap to clone; the thread ends with the last clone.
#[derive(Clone, Debug)]
pub struct Keychain {
    jobs: mpsc::Sender<Job>,
}

impl Keychain {
    /// Starts the thread.
    pub fn start(mut vault: impl Vault) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("keychain".to_owned())
            .spawn(move || {
                while let Ok(job) = queue.recv() {
                    job(&mut vault);
                }
            })
            .expect("a system that starts this program can start a thread");
        Self { jobs }
    }

    /// Writes, reads back and removes an entry: some stores say "nothing there" when they cannot be used at all.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn probe(&self) -> Result<(), VaultError> {
        self.ask(|vault| {
            vault.put(CANARY, b"canary")?;
            let back = vault.get(CANARY)?;
            vault.delete(CANARY)?;
            match back {
                Some(bytes) if bytes.as_slice() == b"canary" => Ok(()),
                _ => Err(VaultError::Failed("what was stored did not come back".to_owned())),
            }
        })
        .await
    }

    /// The secret under `name`.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn get(&self, name: String) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.ask(move |vault| vault.get(&name)).await
    }

    /// Keeps `secret` under `name`.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn put(&self, name: String, secret: Zeroizing<Vec<u8>>) -> Result<(), VaultError> {
        self.ask(move |vault| vault.put(&name, &secret)).await
    }

    /// Removes `name`.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn delete(&self, name: String) -> Result<(), VaultError> {
        self.ask(move |vault| vault.delete(&name)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |vault| {
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| job(vault)))
                .unwrap_or_else(|_| Err(VaultError::Failed("the keychain library panicked".to_owned())));
            // Nobody waits any more after the time limit.
            let _ = answer.send(result);
        });
        let gone = || VaultError::Failed("the keychain thread is gone".to_owned());
        self.jobs.send(job).map_err(|_| gone())?;
        match tokio::time::timeout(ANSWER_LIMIT, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(gone()),
            Err(_) => Err(VaultError::TimedOut),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::collections::HashMap;

    /// A keychain in memory, with the fault that is asked for.
    #[derive(Default)]
    struct Memory {
        entries: HashMap<String, Vec<u8>>,
        forgets: bool,
        panics: bool,
    }

    impl Vault for Memory {
        fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
            assert!(!self.panics, "asked to panic");
            Ok(self.entries.get(name).cloned().map(Zeroizing::new))
        }
        fn put(&mut self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
            if !self.forgets {
                self.entries.insert(name.to_owned(), secret.to_vec());
            }
            Ok(())
        }
        fn delete(&mut self, name: &str) -> Result<(), VaultError> {
            self.entries.remove(name);
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_is_put_comes_back_until_it_is_deleted() {
        let keychain = Keychain::start(Memory::default());
        keychain.probe().await.unwrap();
        keychain.put("a".to_owned(), Zeroizing::new(vec![1])).await.unwrap();
        assert_eq!(keychain.get("a".to_owned()).await.unwrap().unwrap().as_slice(), [1]);
        keychain.delete("a".to_owned()).await.unwrap();
        assert_eq!(keychain.get("a".to_owned()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_store_that_forgets_does_not_pass_the_probe() {
        let keychain = Keychain::start(Memory { forgets: true, ..Memory::default() });
        assert!(matches!(keychain.probe().await, Err(VaultError::Failed(_))));
    }

    #[tokio::test]
    async fn a_panic_in_the_store_is_an_error_and_the_thread_lives_on() {
        let keychain = Keychain::start(Memory { panics: true, ..Memory::default() });
        for _ in 0..2 {
            assert!(matches!(keychain.get("a".to_owned()).await, Err(VaultError::Failed(_))));
        }
        keychain.delete("a".to_owned()).await.unwrap();
    }
}
