//! The PIN before an approval: asked for, limited, forgotten, and never anywhere but in the keychain as a verifier.

use std::fs;
use std::sync::Arc;

use authenticator::command::{Command, DecisionInput};
use authenticator::error_code::ErrorCode;
use authenticator::keychain::Keychain;
use authenticator::pin::{PinError, PinGuard, PinText};
use authenticator::ports::{System, VaultError};
use authenticator::view::{NoticeMessage, Place, Screen};
use protocol::statement::Decision;

use crate::app::{App, MemoryVault};
use crate::server::{CHECK, Server};

const PIN: &str = "471108";
const WRONG: &str = "471109";

#[tokio::test]
async fn an_approval_needs_the_pin_and_a_denial_does_not() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    let prompt = app.scan(&server).await;
    assert_eq!(refused(&app, app.approve(&prompt, CHECK)).await, ErrorCode::PinAsked);
    assert_eq!(
        refused(&app, app.approve_with_pin(&prompt, CHECK, WRONG)).await,
        ErrorCode::PinWrong { tries_left: 4 }
    );
    assert_eq!(server.count("POST /api/decisions"), 0, "nothing is signed before the PIN is right");
    app.approve_with_pin(&prompt, CHECK, PIN).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    let statement = server.inner().statements[0].clone();
    assert_eq!((statement.decision, statement.user_verified), (Decision::Approve, false));

    app.send(Command::Go { to: Place::Scan }).await;
    let prompt = app.scan(&server).await;
    app.decide(&prompt, DecisionInput::Deny).await;
    app.until(|screen| matches!(screen, Screen::Outcome { .. })).await;
}

#[tokio::test]
async fn a_server_that_asks_gets_the_flag_and_a_first_pin_is_set_on_the_way() {
    let server = Server::start().await;
    server.inner().asks_for_verification = true;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    assert!(prompt.verification_required);
    assert_eq!(refused(&app, app.approve(&prompt, CHECK)).await, ErrorCode::PinAsked);
    assert_eq!(refused(&app, app.approve_with_pin(&prompt, CHECK, "123456")).await, ErrorCode::PinSimple);
    assert_eq!(refused(&app, app.approve_with_pin(&prompt, CHECK, "1108")).await, ErrorCode::PinForm);
    assert!(!app.state().pin.set);
    app.approve_with_pin(&prompt, CHECK, PIN).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    assert!(app.state().pin.set);
    let statements = server.inner().statements.clone();
    assert_eq!(statements.len(), 1);
    assert!(statements[0].user_verified);
}

#[tokio::test]
async fn a_number_that_cannot_be_is_told_before_a_pin_is_tried() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    let prompt = app.scan(&server).await;
    app.approve_with_pin(&prompt, "4", WRONG).await;
    app.until(|screen| matches!(screen, Screen::Authorize { prompt } if prompt.problem.is_some())).await;
    assert_eq!(
        refused(&app, app.approve_with_pin(&prompt, CHECK, WRONG)).await,
        ErrorCode::PinWrong { tries_left: 4 }
    );
}

/// Brute force: the waits grow, survive the app and a clock that is set back, and end for good.
#[tokio::test]
async fn wrong_pins_are_limited_across_restarts() {
    let server = Server::start().await;
    let mut app = App::enrolled(&server).await;
    set(&app, PIN).await;
    for tries_left in [4, 3, 2, 1] {
        assert_eq!(try_to_remove(&app, WRONG).await, Some(ErrorCode::PinWrong { tries_left }));
    }
    for (wrong, wait_s) in (4..).zip([60, 300, 900, 3_600, 3_600, 3_600, 3_600, 3_600, 3_600, 3_600]) {
        assert_eq!(try_to_remove(&app, WRONG).await, Some(ErrorCode::PinWait { wait_s }), "after {wrong}");
        // The right one is not even looked at, neither here nor after a restart.
        assert!(matches!(try_to_remove(&app, PIN).await, Some(ErrorCode::PinWait { .. })));
        app = app.restart();
        app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
        assert!(matches!(try_to_remove(&app, PIN).await, Some(ErrorCode::PinWait { .. })));
        app.pass_s(u64::from(wait_s) + 1);
    }
    assert_eq!(try_to_remove(&app, WRONG).await, Some(ErrorCode::PinBlocked));
    app.pass_s(1_000_000);
    assert_eq!(try_to_remove(&app, PIN).await, Some(ErrorCode::PinBlocked));
    app = app.restart();
    app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
    app.pass_s(1_000_000);
    assert_eq!(try_to_remove(&app, PIN).await, Some(ErrorCode::PinBlocked));
    assert!(app.state().pin.blocked);
}

#[tokio::test]
async fn a_right_pin_starts_the_count_anew() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    for _ in 0..3 {
        for _ in 0..4 {
            try_to_remove(&app, WRONG).await;
        }
        assert_eq!(change(&app, Some(PIN), PIN).await, None);
    }
}

#[tokio::test]
async fn the_pin_is_changed_and_taken_away_by_the_pin_alone() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    assert_eq!(change(&app, None, "902817").await, Some(ErrorCode::PinAsked));
    assert_eq!(change(&app, Some(WRONG), "902817").await, Some(ErrorCode::PinWrong { tries_left: 4 }));
    assert_eq!(change(&app, Some(PIN), "111111").await, Some(ErrorCode::PinSimple));
    assert_eq!(change(&app, Some(PIN), "902817").await, None);
    assert_eq!(try_to_remove(&app, PIN).await, Some(ErrorCode::PinWrong { tries_left: 4 }));
    assert_eq!(try_to_remove(&app, "902817").await, None);
    assert!(!app.state().pin.set);
    assert_eq!(app.state().notice.unwrap().message, NoticeMessage::PinRemoved);
}

#[tokio::test]
async fn another_computer_is_added_after_the_pin_only() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    let account = app.state().accounts[0].id.clone();
    let add =
        |pin: Option<&str>| Command::AddComputer { account: account.clone(), pin: pin.map(PinText::new) };
    assert_eq!(refused(&app, app.send(add(None))).await, ErrorCode::PinAsked);
    assert_eq!(refused(&app, app.send(add(Some(WRONG)))).await, ErrorCode::PinWrong { tries_left: 4 });
    assert_eq!(server.count("POST /api/enrolments"), 0);
    app.send(add(Some(PIN))).await;
    app.until(|screen| matches!(screen, Screen::AddComputer { code: Some(_), .. })).await;
    // "Again" would make another one without asking.
    app.send(Command::Reload).await;
    app.send(Command::Go { to: Place::Settings }).await;
    app.until(|screen| matches!(screen, Screen::Settings { .. })).await;
    assert_eq!(server.count("POST /api/enrolments"), 1);
}

#[tokio::test]
async fn a_forgotten_pin_goes_with_the_last_account() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    let account = app.state().accounts[0].id.clone();
    app.send(Command::Go { to: Place::Accounts }).await;
    app.send(Command::SignOut { account }).await;
    app.until_state(|state| state.accounts.is_empty() && !state.pin.set).await;
    assert_eq!(entries_named_pin(&app), 0);
    app.enrol(&server).await;
    let prompt = app.scan(&server).await;
    app.approve(&prompt, CHECK).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
}

#[tokio::test]
async fn erasing_takes_the_pin_along() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    app.send(Command::Go { to: Place::Settings }).await;
    app.send(Command::EraseEverything).await;
    app.until_state(|state| matches!(state.screen, Screen::FirstStart) && !state.pin.set).await;
    assert_eq!(entries_named_pin(&app), 0);
}

#[tokio::test]
async fn the_pin_is_in_no_file_and_in_no_state() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    let prompt = app.scan(&server).await;
    app.approve_with_pin(&prompt, CHECK, PIN).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    let state = serde_json::to_string(&app.state()).unwrap();
    assert!(!state.contains(PIN) && !state.contains("argon2"));
    for file in fs::read_dir(app.folder.path()).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains(PIN) && !text.contains("argon2"), "{text}");
    }
    for (name, secret) in app.vault.entries() {
        assert!(!secret.contains(PIN), "{name}");
        assert_eq!(secret.contains("$argon2id$v=19$m=19456,t=2,p=1$"), name == "pin", "{name}");
    }
    let said = format!("{:?}", Command::SetPin { current: None, new: PinText::new(PIN) });
    assert_eq!(said, "set_pin");
    let input = DecisionInput::Approve { check: None, pin: Some(PinText::new(PIN)) };
    assert_eq!(format!("{input:?}"), "Approve");
}

#[tokio::test]
async fn a_damaged_verifier_lets_nobody_in() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    let mut vault = app.vault.clone();
    authenticator::ports::Vault::put(&mut vault, "pin", b"{}").unwrap();
    let app = app.restart();
    app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
    assert!(app.state().pin.set && app.state().pin.blocked);
    let prompt = app.scan(&server).await;
    assert_eq!(refused(&app, app.approve_with_pin(&prompt, CHECK, PIN)).await, ErrorCode::PinBlocked);
}

#[tokio::test]
async fn a_keychain_that_fails_approves_nothing() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    set(&app, PIN).await;
    let prompt = app.scan(&server).await;
    app.vault.fail(Some(VaultError::Locked("test".to_owned())));
    assert_eq!(refused(&app, app.approve_with_pin(&prompt, CHECK, PIN)).await, ErrorCode::KeychainLocked);
    app.vault.fail(None);
    app.approve_with_pin(&prompt, CHECK, PIN).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
}

#[tokio::test]
async fn tries_that_come_at_once_are_judged_one_by_one() {
    let system = Arc::new(System::new());
    let keychain = Keychain::start(MemoryVault::default());
    let guard = PinGuard::new(keychain, system.clone(), system);
    guard.set(None, PinText::new(PIN)).await.unwrap();
    let tries = (0..20).map(|_| guard.verify(PinText::new(WRONG)));
    let judged = futures_util::future::join_all(tries).await;
    let count =
        |is_it: fn(&PinError) -> bool| judged.iter().filter(|one| one.as_ref().is_err_and(is_it)).count();
    assert_eq!(count(|error| matches!(error, PinError::Wrong { .. })), 4);
    assert_eq!(count(|error| matches!(error, PinError::Wait { .. })), 16);
}

/// Sets the first PIN.
async fn set(app: &App, pin: &str) {
    assert_eq!(change(app, None, pin).await, None);
}

async fn change(app: &App, current: Option<&str>, new: &str) -> Option<ErrorCode> {
    let command = Command::SetPin { current: current.map(PinText::new), new: PinText::new(new) };
    judged(app, app.send(command)).await
}

async fn try_to_remove(app: &App, pin: &str) -> Option<ErrorCode> {
    judged(app, app.send(Command::RemovePin { current: PinText::new(pin) })).await
}

async fn refused(app: &App, act: impl Future<Output = ()>) -> ErrorCode {
    judged(app, act).await.unwrap()
}

/// What became of the PIN that `act` sends.
async fn judged(app: &App, act: impl Future<Output = ()>) -> Option<ErrorCode> {
    let before = app.state().pin.judged;
    act.await;
    let state = app.until_state(|state| state.pin.judged > before).await;
    state.pin.problem.map(|problem| problem.error)
}

fn entries_named_pin(app: &App) -> usize {
    app.vault.entries().iter().filter(|(name, _)| name == "pin").count()
}
