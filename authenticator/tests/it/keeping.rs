//! Start, keychain trouble, signing out, erasing.

use authenticator::command::Command;
use authenticator::error_code::ErrorCode;
use authenticator::ports::{Vault, VaultError};
use authenticator::view::{AccountState, NoticeMessage, Place, Screen, Theme};

use crate::app::{App, MemoryVault};
use crate::server::Server;

#[tokio::test]
async fn keychain_troubles_are_told_apart_and_retried() {
    let vault = MemoryVault::default();
    let text = || "cause".to_owned();
    vault.fail(Some(VaultError::NoStore(text())));
    let app = App::run(vault, tempfile::tempdir().unwrap());
    for (fault, error) in [
        (VaultError::NoStore(text()), ErrorCode::KeychainNone),
        (VaultError::Locked(text()), ErrorCode::KeychainLocked),
        (VaultError::Refused(text()), ErrorCode::KeychainRefused),
    ] {
        app.vault.fail(Some(fault));
        app.until(|screen| matches!(screen, Screen::StartTrouble { retrying: false, .. })).await;
        app.send(Command::Retry).await;
        app.until(|screen| matches!(screen, Screen::StartTrouble { problem, retrying: false } if problem.error == error)).await;
    }
    app.vault.fail(None);
    app.send(Command::Retry).await;
    app.until(|screen| matches!(screen, Screen::FirstStart)).await;
}

#[tokio::test]
async fn a_damaged_accounts_file_is_told_and_can_be_erased() {
    let folder = tempfile::tempdir().unwrap();
    let mut vault = MemoryVault::default();
    vault.put("of-a-lost-account", b"key and token").unwrap();
    std::fs::write(
        folder.path().join("accounts.json"),
        r#"{"v": 9, "accounts": [{"id": "of-a-lost-account""#,
    )
    .unwrap();
    let app = App::run(vault, folder);
    app.until(|screen| matches!(screen, Screen::StartTrouble { problem, .. } if matches!(problem.error, ErrorCode::AccountsUnreadable { .. }))).await;
    app.send(Command::EraseEverything).await;
    app.until(|screen| matches!(screen, Screen::FirstStart)).await;
    assert_eq!(app.vault.entries(), [], "a key without its account would stay unseen");
}

#[tokio::test]
async fn accounts_and_settings_outlive_a_restart() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let mut settings = app.state().settings;
    settings.theme = Theme::Dark;
    app.send(Command::ChangeSettings { settings: settings.clone() }).await;
    app.until_state(|state| state.settings == settings).await;
    let before = app.state();
    let app = app.restart();
    let after = app.until_state(|state| matches!(state.screen, Screen::Scan { .. })).await;
    assert_eq!((after.accounts, after.settings), (before.accounts, settings));
    app.scan(&server).await;
}

#[tokio::test]
async fn an_account_whose_key_is_gone_says_so() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    app.vault.clear();
    let app = app.restart();
    app.until_state(|state| {
        state.accounts.first().is_some_and(|account| account.state == AccountState::KeyMissing)
    })
    .await;
    app.send(Command::ScanText { text: server.login_link() }).await;
    assert_eq!(app.scan_problem().await, ErrorCode::KeyMissing);
}

#[tokio::test]
async fn signing_out_removes_device_key_and_account() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    sign_out(&app).await;
    let state = app
        .until_state(|state| state.accounts.is_empty() && matches!(state.screen, Screen::FirstStart))
        .await;
    assert!(matches!(state.notice.unwrap().message, NoticeMessage::AccountRemoved { .. }));
    assert!(server.inner().devices.is_empty());
    assert_eq!(app.vault.entries(), []);
}

#[tokio::test]
async fn signing_out_works_offline_and_says_what_stays() {
    let mut server = Server::start().await;
    let app = App::enrolled(&server).await;
    server.stop().await;
    sign_out(&app).await;
    let state = app.until_state(|state| state.accounts.is_empty()).await;
    assert!(matches!(state.notice.unwrap().message, NoticeMessage::AccountRemovedHereOnly { .. }));
    assert_eq!(app.vault.entries(), []);
}

#[tokio::test]
async fn erasing_leaves_nothing_and_names_the_servers_that_could_not_be_told() {
    let server = Server::start().await;
    let mut gone = Server::start().await;
    let app = App::enrolled(&server).await;
    app.enrol(&gone).await;
    gone.stop().await;
    app.send(Command::Go { to: Place::Settings }).await;
    app.send(Command::EraseEverything).await;
    let state = app.until_state(|state| matches!(state.screen, Screen::FirstStart)).await;
    assert_eq!(
        state.notice.unwrap().message,
        NoticeMessage::Erased { offline: vec![gone.origin.host_and_port().to_owned()] }
    );
    assert_eq!(app.vault.entries(), []);
    assert!(!app.folder.path().join("accounts.json").exists());
    assert!(server.inner().devices.is_empty());
}

#[tokio::test]
async fn back_leads_to_where_the_person_came_from() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    app.send(Command::Go { to: Place::Devices }).await;
    app.send(Command::Back).await;
    app.until(|screen| matches!(screen, Screen::Accounts { .. })).await;
    app.send(Command::Go { to: Place::Activity }).await;
    app.send(Command::Go { to: Place::Settings }).await;
    app.send(Command::Back).await;
    app.until(|screen| matches!(screen, Screen::Activity { .. })).await;
}

async fn sign_out(app: &App) {
    app.send(Command::Go { to: Place::Accounts }).await;
    app.send(Command::SignOut { account: app.state().accounts[0].id.clone() }).await;
}
