//! Signing out, erasing everything, settings.

use std::collections::HashSet;

use super::Controller;
use super::message::Message;
use super::stage::Stage;
use crate::accounts::{Account, Saved};
use crate::error_code::Problem;
use crate::secrets::{Failure, Reach, remove_from_server};
use crate::view::{AccountRef, NoticeMessage, Settings};

impl Controller {
    /// Removes an account from this computer, and this computer from the account where its server can be told.
    pub(super) fn sign_out(&mut self, id: AccountRef) {
        let Some(account) = self.account(&id).cloned() else { return };
        match &mut self.stage {
            Stage::Accounts { working } => {
                if working.contains(&id) {
                    return;
                }
                working.push(id);
            }
            Stage::Devices { .. } => self.show(Stage::Accounts { working: vec![id] }),
            _ => return,
        }
        let reach = self.reach.clone();
        self.spawn(async move {
            let told = take_back(&reach, &account).await;
            let result = reach.forget(&account.id).await;
            Message::SignedOut { account: account.id, told, result }
        });
    }

    pub(super) async fn signed_out_here(&mut self, id: AccountRef, told: bool, result: Result<(), Failure>) {
        if let Stage::Accounts { working } = &mut self.stage {
            working.retain(|other| *other != id);
        }
        // A key that cannot be removed keeps its account in the list, so that removing it can be tried again.
        if let Err(failure) = result {
            return self.tell(NoticeMessage::Failed { problem: failure.problem(|_| None) });
        }
        let Some(host) = self.account(&id).map(|account| account.origin.host_and_port().to_owned()) else {
            return;
        };
        self.saved.accounts.retain(|account| account.id != id);
        self.key_missing.remove(&id);
        self.tell(if told {
            NoticeMessage::AccountRemoved { host }
        } else {
            NoticeMessage::AccountRemovedHereOnly { host }
        });
        self.save_or_tell().await;
        self.forget_pin_if_unused().await;
        if self.saved.accounts.is_empty() && matches!(self.stage, Stage::Accounts { .. }) {
            self.show_home();
        }
    }

    /// Erases all this app holds. Servers that can be reached are told; the others keep the device until it is removed
    /// there.
    pub(super) fn erase_everything(&mut self) {
        match &mut self.stage {
            Stage::Settings { erasing: erasing @ false, .. } => *erasing = true,
            Stage::StartTrouble { retrying: retrying @ false, .. } => *retrying = true,
            _ => return,
        }
        let (reach, file, pin) = (self.reach.clone(), self.file.clone(), self.pin.clone());
        let accounts = self.saved.accounts.clone();
        self.spawn(async move {
            let told =
                futures_util::future::join_all(accounts.iter().map(|account| take_back(&reach, account)))
                    .await;
            let offline = accounts
                .iter()
                .zip(told)
                .filter(|(_, told)| !told)
                .map(|(account, _)| account.origin.host_and_port().to_owned())
                .collect();
            let result = erase(&reach, &accounts, &pin, file).await;
            Message::Erased { offline, result }
        });
    }

    pub(super) fn erased(&mut self, offline: Vec<String>, result: Result<(), Problem>) {
        match result {
            Ok(()) => {
                self.saved = Saved::empty();
                self.key_missing.clear();
                self.selected = None;
                self.tell(NoticeMessage::Erased { offline });
                if self.is_started() {
                    self.show_home();
                } else {
                    self.show(Stage::Loading);
                    self.start();
                }
            }
            Err(problem) => {
                match &mut self.stage {
                    Stage::Settings { erasing, .. } => *erasing = false,
                    Stage::StartTrouble { retrying, .. } => *retrying = false,
                    _ => {}
                }
                self.tell(NoticeMessage::Failed { problem });
            }
        }
    }

    pub(super) async fn change_settings(&mut self, settings: Settings) {
        if settings == self.saved.settings {
            return;
        }
        let other_camera = settings.camera != self.saved.settings.camera;
        self.saved.settings = settings;
        self.save_or_tell().await;
        if other_camera {
            self.reopen_camera();
        }
    }
}

/// Tells the server that this device is gone; true when it knows.
async fn take_back(reach: &Reach, account: &Account) -> bool {
    if account.signed_out {
        return true;
    }
    match reach.open(account).await {
        Ok(access) => remove_from_server(&access.client, account.device, &access.auth).await.is_ok(),
        Err(_) => false,
    }
}

/// Secrets first: an account without its key is worth nothing, a key without its account would stay unseen.
/// The file names them also where it could not be read as a whole.
async fn erase(
    reach: &Reach,
    accounts: &[Account],
    pin: &crate::pin::PinGuard,
    file: crate::accounts::AccountsFile,
) -> Result<(), Problem> {
    let told = |failure: Failure| failure.problem(|_| None);
    let mut names: HashSet<_> = file.names().into_iter().collect();
    names.extend(accounts.iter().map(|account| account.id.clone()));
    for name in names {
        reach.forget(&name).await.map_err(told)?;
    }
    reach.forget_any_enrolment().await.map_err(told)?;
    pin.forget().await.map_err(|error| told(error.into()))?;
    match tokio::task::spawn_blocking(move || file.erase()).await {
        Ok(erased) => erased.map_err(|error| Problem::from(&error)),
        Err(error) => Err(Problem::internal(&error)),
    }
}
