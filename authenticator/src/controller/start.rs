//! Start: can the keychain be used, and which accounts are there?

use std::collections::HashSet;

use super::message::Message;
use super::stage::Stage;
use super::{Controller, Turn};
use crate::accounts::Saved;
use crate::error_code::Problem;
use crate::keychain::Keychain;
use crate::secrets::vault_problem;
use crate::view::AccountRef;

/// What was found at start.
pub(super) struct Started {
    saved: Saved,
    /// Accounts without a key in the keychain.
    key_missing: HashSet<AccountRef>,
}

impl Controller {
    /// Probes the keychain and reads the accounts file.
    pub(super) fn start(&mut self) {
        let (turn, keychain, file) = (self.turn, self.reach.keychain.clone(), self.file.clone());
        let pin = self.pin.clone();
        self.spawn(async move {
            let result = async {
                keychain.probe().await.map_err(|error| vault_problem(&error))?;
                pin.load().await.map_err(|error| vault_problem(&error))?;
                let saved = match tokio::task::spawn_blocking(move || file.load()).await {
                    Ok(loaded) => loaded.map_err(|error| Problem::from(&error))?,
                    Err(error) => return Err(Problem::internal(&error)),
                };
                let key_missing = missing_keys(&keychain, &saved).await;
                Ok(Started { saved, key_missing })
            }
            .await;
            Message::Started { turn, result }
        });
    }

    /// Nothing but a new try, or erasing everything, is possible before this is true.
    pub(super) fn is_started(&self) -> bool {
        !matches!(self.stage, Stage::Loading | Stage::StartTrouble { .. })
    }

    pub(super) fn retry_start(&mut self) {
        if let Stage::StartTrouble { retrying, .. } = &mut self.stage
            && !*retrying
        {
            *retrying = true;
            self.start();
        }
    }

    pub(super) fn started(&mut self, turn: Turn, result: Result<Started, Problem>) {
        if turn != self.turn {
            return;
        }
        match result {
            Ok(Started { saved, key_missing }) => {
                tracing::info!(accounts = saved.accounts.len(), "Accounts are loaded");
                self.saved = saved;
                self.key_missing = key_missing;
                self.show_home();
                self.look_at_activity();
                if let Some(link) = self.waiting_link.take() {
                    self.take_link(&link);
                }
            }
            Err(problem) => {
                tracing::warn!(problem.details, "The app cannot start yet");
                self.show(Stage::StartTrouble { problem, retrying: false });
            }
        }
    }
}

/// An account whose key is gone (another keychain, a restored home) says so before somebody scans with it.
async fn missing_keys(keychain: &Keychain, saved: &Saved) -> HashSet<AccountRef> {
    let mut missing = HashSet::new();
    for account in &saved.accounts {
        if let Ok(None) = keychain.get(account.id.0.clone()).await {
            missing.insert(account.id.clone());
        }
    }
    missing
}
