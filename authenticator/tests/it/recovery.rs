//! Recovery codes: offered, shown once, kept by the person, and the way back in with one.

use std::fs;

use authenticator::command::Command;
use authenticator::error_code::ErrorCode;
use authenticator::pin::PinText;
use authenticator::view::{AccountRef, NoticeMessage, Place, Screen};
use serde_json::json;

use crate::app::App;
use crate::enrolling::eventually;
use crate::server::{CODES, Reply, Server};

#[tokio::test]
async fn codes_are_offered_after_enrolling_shown_once_and_forgotten() {
    let server = Server::with_codes().await;
    let app = App::new().await;
    let account = offered(&app, &server).await;
    app.send(Command::MakeRecoveryCodes { account, pin: None }).await;
    assert_eq!(shown(&app).await, CODES);
    // Looking away is no reason to lose them; leaving them is the person's act.
    app.send(Command::WindowReady).await;
    app.send(Command::RecoveryCodesKept).await;
    let state = app.until_state(|state| matches!(state.screen, Screen::Scan { .. })).await;
    assert_eq!(state.notice.unwrap().message, NoticeMessage::RecoveryCodesKept);
    let said = format!("{:?} {}", app.state(), serde_json::to_string(&app.state()).unwrap());
    assert!(!said.contains(CODES[0]));
    for file in fs::read_dir(app.folder.path()).unwrap() {
        let path = file.unwrap().path();
        assert!(!fs::read_to_string(&path).unwrap().contains(CODES[0]), "{}", path.display());
    }
    assert!(app.vault.entries().iter().all(|(_, secret)| !secret.contains(CODES[0])));
}

#[tokio::test]
async fn the_offer_can_wait_and_does_not_come_where_codes_are_or_are_not_known() {
    let server = Server::with_codes().await;
    let app = App::new().await;
    offered(&app, &server).await;
    app.send(Command::Back).await;
    app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
    assert_eq!(server.count("POST /api/recovery-codes"), 0);

    server.inner().codes_left = 7;
    let second = App::new().await;
    second.enrol(&server).await;
    let old = Server::start().await;
    second.enrol(&old).await;
    assert!(old.count("GET /api/recovery-codes") == 1);
}

#[tokio::test]
async fn they_are_counted_and_made_anew_from_the_account() {
    let server = Server::with_codes().await;
    server.inner().codes_left = 3;
    let app = App::enrolled(&server).await;
    let account = app.state().accounts[0].id.clone();
    app.send(Command::Go { to: Place::Accounts }).await;
    app.send(Command::ShowRecoveryCodes { account: account.clone() }).await;
    app.until(|screen| matches!(screen, Screen::RecoveryCodes { left: Some(3), first: false, .. })).await;
    server.next("POST /api/recovery-codes", Reply::Problem(503, "store_unavailable", json!({})));
    app.send(Command::MakeRecoveryCodes { account: account.clone(), pin: None }).await;
    app.until(|screen| matches!(screen, Screen::RecoveryCodes { problem: Some(_), .. })).await;
    app.send(Command::MakeRecoveryCodes { account: account.clone(), pin: None }).await;
    shown(&app).await;
    // A second press makes no second ten, which would void those on show.
    app.send(Command::MakeRecoveryCodes { account, pin: None }).await;
    app.send(Command::RecoveryCodesKept).await;
    app.until(|screen| matches!(screen, Screen::Accounts { .. })).await;
    assert_eq!(server.count("POST /api/recovery-codes"), 2);
}

#[tokio::test]
async fn they_are_saved_for_their_owner_alone_and_overwrite_nothing() {
    let server = Server::with_codes().await;
    let app = App::new().await;
    let account = offered(&app, &server).await;
    app.send(Command::SaveRecoveryCodes).await;
    app.send(Command::MakeRecoveryCodes { account, pin: None }).await;
    shown(&app).await;
    let mut paths = Vec::new();
    for _ in 0..2 {
        let before = paths.last().cloned();
        app.send(Command::SaveRecoveryCodes).await;
        let screen = app
            .until(|screen| matches!(screen, Screen::RecoveryCodes { saved: Some(path), .. } if before.as_ref() != Some(path)))
            .await;
        let Screen::RecoveryCodes { saved: Some(path), .. } = screen else { unreachable!("waited for it") };
        let text = fs::read_to_string(&path).unwrap();
        assert!(CODES.iter().all(|code| text.contains(code)), "{text}");
        assert!(text.contains(server.origin.as_str()) && text.contains("ada"), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        paths.push(path);
    }
    assert_eq!(fs::read_dir(app.folder.path().join("documents")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told() {
    let server = Server::with_codes().await;
    let app = App::new().await;
    let account = offered(&app, &server).await;
    app.send(Command::MakeRecoveryCodes { account, pin: None }).await;
    shown(&app).await;
    fs::write(app.folder.path().join("documents"), "a file in the place of the folder").unwrap();
    app.send(Command::SaveRecoveryCodes).await;
    let is_told = |screen: &Screen| {
        matches!(screen, Screen::RecoveryCodes { problem: Some(problem), codes, .. }
        if matches!(problem.error, ErrorCode::CodesUnwritable { .. }) && codes.0.len() == 10)
    };
    app.until(is_told).await;
}

#[tokio::test]
async fn making_them_takes_the_pin() {
    let server = Server::with_codes().await;
    server.inner().codes_left = 3;
    let app = App::enrolled(&server).await;
    app.send(Command::SetPin { current: None, new: PinText::new("471108") }).await;
    app.until_state(|state| state.pin.passed == 1).await;
    let account = app.state().accounts[0].id.clone();
    app.send(Command::ShowRecoveryCodes { account: account.clone() }).await;
    for pin in [None, Some(PinText::new("471109"))] {
        let before = app.state().pin.judged;
        app.send(Command::MakeRecoveryCodes { account: account.clone(), pin }).await;
        app.until_state(|state| state.pin.judged > before).await;
    }
    assert_eq!(server.count("POST /api/recovery-codes"), 0);
    app.send(Command::MakeRecoveryCodes { account, pin: Some(PinText::new("471108")) }).await;
    shown(&app).await;
}

#[tokio::test]
async fn codes_that_this_app_would_not_take_back_are_not_shown() {
    let server = Server::with_codes().await;
    let app = App::new().await;
    let account = offered(&app, &server).await;
    for (n, codes) in
        [json!([]), json!(["<b>bold</b>"]), json!(["AAAA-AAAA-AAAA-AAA"])].into_iter().enumerate()
    {
        server.next("POST /api/recovery-codes", Reply::Json(201, json!({"codes": codes, "now": 1})));
        app.send(Command::MakeRecoveryCodes { account: account.clone(), pin: None }).await;
        let is_told = |screen: &Screen| {
            matches!(screen, Screen::RecoveryCodes { problem: Some(problem), working: false, .. }
            if matches!(problem.error, ErrorCode::NotCountersign { .. }))
        };
        eventually(|| server.count("POST /api/recovery-codes") == n + 1).await;
        app.until(is_told).await;
    }
}

#[tokio::test]
async fn a_code_brings_back_an_account_whose_computer_is_lost() {
    let server = Server::with_codes().await;
    server.inner().codes_left = 9;
    let app = App::new().await;
    recover(&app, &server, &CODES[2].to_lowercase().replace('-', " ")).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    app.send(Command::KeepAccount { yes: true }).await;
    let state = app.until_state(|state| matches!(state.screen, Screen::Devices { .. })).await;
    assert_eq!(state.notice.unwrap().message, NoticeMessage::Recovered { left: Some(9) });
    assert_eq!(server.inner().enrolled_with.last().unwrap()["recovery_code"], CODES[2]);
}

#[tokio::test]
async fn a_refused_code_and_one_that_is_none_are_told_apart() {
    let server = Server::with_codes().await;
    let app = App::new().await;
    recover(&app, &server, "AAAA-AAAA").await;
    assert_eq!(problem(&app).await, ErrorCode::RecoveryCodeMalformed);
    assert_eq!(server.count("POST /api/devices"), 0, "nothing is contacted for that");
    server.next("POST /api/devices", Reply::Problem(401, "enrolment_refused", json!({})));
    recover(&app, &server, CODES[0]).await;
    assert_eq!(problem(&app).await, ErrorCode::RecoveryRefused);
    recover(&app, &server, " ").await;
    assert_eq!(problem(&app).await, ErrorCode::FieldMissing { field: "recovery_code".to_owned() });
}

#[tokio::test]
async fn a_lost_reply_is_repeated_with_the_same_code_and_key() {
    let server = Server::with_codes().await;
    let app = App::new().await;
    server.next("POST /api/devices", Reply::Lost);
    recover(&app, &server, CODES[0]).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    assert_eq!(server.inner().devices.len(), 1);
    assert_eq!(server.count("POST /api/devices"), 2);
}

/// Enrols by link until the offer is shown.
async fn offered(app: &App, server: &Server) -> AccountRef {
    app.send(Command::Go { to: Place::AddAccount }).await;
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    app.send(Command::KeepAccount { yes: true }).await;
    match app.until(|screen| matches!(screen, Screen::RecoveryCodes { first: true, .. })).await {
        Screen::RecoveryCodes { account, .. } => account,
        _ => unreachable!("waited for it"),
    }
}

async fn shown(app: &App) -> Vec<String> {
    let has_codes =
        |screen: &Screen| matches!(screen, Screen::RecoveryCodes { codes, .. } if !codes.0.is_empty());
    match app.until(has_codes).await {
        Screen::RecoveryCodes { codes, .. } => codes.0,
        _ => unreachable!("waited for it"),
    }
}

async fn recover(app: &App, server: &Server, code: &str) {
    app.send(Command::Go { to: Place::AddAccount }).await;
    app.until(|screen| matches!(screen, Screen::AddAccount { problem: None })).await;
    let (address, username) = (server.origin.to_string(), "ada".to_owned());
    app.send(Command::AddByRecovery { address, username, recovery_code: code.to_owned() }).await;
}

async fn problem(app: &App) -> ErrorCode {
    match app.until(|screen| matches!(screen, Screen::AddAccount { problem: Some(_) })).await {
        Screen::AddAccount { problem: Some(problem) } => problem.error,
        _ => unreachable!("waited for it"),
    }
}
