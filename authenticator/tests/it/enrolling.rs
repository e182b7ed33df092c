//! Adding an account.

use authenticator::command::Command;
use authenticator::error_code::ErrorCode;
use authenticator::view::{NoticeMessage, Place, Screen};
use serde_json::json;

use crate::app::App;
use crate::server::{Reply, Server};

#[tokio::test]
async fn a_link_contacts_nobody_before_yes_and_nothing_is_kept_before_the_second_yes() {
    let server = Server::start().await;
    let app = App::new().await;
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    let asked = app.until(|screen| matches!(screen, Screen::ConfirmContact { .. })).await;
    assert!(
        matches!(asked, Screen::ConfirmContact { host, pinned: false, .. } if host == server.origin.host_and_port())
    );
    assert_eq!(server.calls(), [""; 0]);

    app.send(Command::ContactServer { yes: true }).await;
    let named = app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    assert!(matches!(named, Screen::ConfirmAccount { display_name, .. } if display_name == "Ada Lovelace"));
    assert_eq!(app.state().accounts, []);
    let stored: Vec<_> = app.vault.entries().into_iter().map(|(name, _)| name).collect();
    assert_eq!(stored, ["enrolling"], "the key was stored before it was sent, the token is not");

    app.send(Command::KeepAccount { yes: true }).await;
    let state = app.until_state(|state| state.accounts.len() == 1).await;
    assert!(matches!(state.notice.unwrap().message, NoticeMessage::AccountAdded { .. }));
    // The enrolment's own entry goes once the account is saved.
    eventually(|| app.vault.entries().len() == 1).await;
    let entries = app.vault.entries();
    assert_eq!(entries[0].0, state.accounts[0].id.0);
    let secrets: serde_json::Value = serde_json::from_str(&entries[0].1).unwrap();
    let file = std::fs::read_to_string(app.folder.path().join("accounts.json")).unwrap();
    for secret in ["key", "token"] {
        assert!(!file.contains(secrets[secret].as_str().unwrap()), "the {secret} is in the keychain alone");
    }
}

#[tokio::test]
async fn no_contacts_nobody() {
    let server = Server::start().await;
    let app = App::new().await;
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    app.send(Command::ContactServer { yes: false }).await;
    app.until(|screen| matches!(screen, Screen::FirstStart)).await;
    assert_eq!(server.calls(), [""; 0]);
}

#[tokio::test]
async fn an_account_that_is_not_wanted_leaves_nothing_behind() {
    let server = Server::start().await;
    let app = App::new().await;
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    app.send(Command::KeepAccount { yes: false }).await;
    app.until(|screen| matches!(screen, Screen::FirstStart)).await;
    eventually(|| server.inner().devices.is_empty() && app.vault.entries().is_empty()).await;
    assert_eq!(app.state().accounts, []);
}

#[tokio::test]
async fn an_enrolment_cancelled_on_its_way_is_undone_when_it_arrives() {
    let server = Server::start().await;
    let app = App::new().await;
    let (go, hold) = tokio::sync::oneshot::channel();
    server.next("POST /api/devices", Reply::Hold(hold));
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    app.send(Command::ContactServer { yes: true }).await;
    eventually(|| server.count("POST /api/devices") == 1).await;
    app.send(Command::Back).await;
    app.until(|screen| matches!(screen, Screen::AddAccount { .. })).await;
    go.send(()).unwrap();
    eventually(|| server.calls().iter().any(|call| call.starts_with("DELETE /api/devices/"))).await;
    eventually(|| app.vault.entries().is_empty()).await;
    assert!(matches!(app.state().screen, Screen::AddAccount { problem: None }));
}

#[tokio::test]
async fn a_lost_reply_is_repeated_with_the_same_key_and_makes_one_device() {
    let server = Server::start().await;
    server.next("POST /api/devices", Reply::Lost);
    let app = App::enrolled(&server).await;
    assert_eq!(server.count("POST /api/devices"), 2);
    assert_eq!(server.inner().devices.len(), 1);
    app.scan(&server).await;
}

#[tokio::test]
async fn the_same_link_after_a_crash_uses_the_same_key() {
    let server = Server::start().await;
    let app = App::new().await;
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    let app = app.restart();
    app.until(|screen| matches!(screen, Screen::FirstStart)).await;
    app.enrol(&server).await;
    assert_eq!(server.inner().devices.len(), 1);
}

#[tokio::test]
async fn the_link_still_works_after_a_crash_while_the_account_is_saved() {
    let server = Server::start().await;
    let app = App::new().await;
    // A folder in the way of the file stands for the crash: the secrets are kept, the account is not.
    let file = app.folder.path().join("accounts.json");
    std::fs::create_dir(&file).unwrap();
    ask_to_keep(&app, &server).await;
    app.send(Command::KeepAccount { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { problem: Some(_), working: false, .. }))
        .await;
    let stored: Vec<_> = app.vault.entries().into_iter().map(|(name, _)| name).collect();
    assert_eq!(stored, ["enrolling"], "what was not saved leaves nothing but the key to try again with");
    std::fs::remove_dir(&file).unwrap();
    let app = app.restart();
    app.until(|screen| matches!(screen, Screen::FirstStart)).await;
    app.enrol(&server).await;
    assert_eq!(server.inner().devices.len(), 1);
    eventually(|| app.vault.entries().len() == 1).await;
}

#[tokio::test]
async fn the_same_link_after_ten_minutes_takes_a_fresh_key() {
    let server = Server::start().await;
    let app = App::new().await;
    // Some seconds to spare: the machine's own clock goes on meanwhile.
    for (passed_s, devices) in [(0, 1), (570, 1), (31, 2)] {
        app.pass_s(passed_s);
        server.next("POST /api/devices", Reply::Lost);
        server.next("POST /api/devices", Reply::Lost);
        assert!(matches!(enrol_problem(&app, &server).await, ErrorCode::ServerUnreachable { .. }));
        assert_eq!(server.inner().devices.len(), devices, "after {passed_s} s");
    }
}

#[tokio::test]
async fn a_server_that_calls_itself_otherwise_is_refused() {
    let server = Server::start().await;
    let app = App::new().await;
    server.next(
        "GET /.well-known/countersign",
        Reply::Json(200, json!({"name": "x", "origin": "https://other.example", "versions": [1]})),
    );
    assert!(
        matches!(enrol_problem(&app, &server).await, ErrorCode::OriginDiffers { claimed, .. } if claimed == "https://other.example")
    );
    assert_eq!(server.count("POST /api/devices"), 0);

    let answer = json!({"device_id": "AAAAAAAAAAAAAAAAAAAAAA", "token": "A".repeat(43),
        "account": {"id": "AAAAAAAAAAAAAAAAAAAAAA", "username": "a", "display_name": "A"},
        "server": {"name": "x", "origin": "https://other.example"}});
    server.next("POST /api/devices", Reply::Json(201, answer));
    assert!(matches!(enrol_problem(&app, &server).await, ErrorCode::OriginDiffers { .. }));
    assert_eq!(app.state().accounts, []);
}

#[tokio::test]
async fn refusals_have_their_own_words() {
    let server = Server::start().await;
    let app = App::new().await;
    server.next("POST /api/devices", Reply::Problem(404, "not_found", json!({})));
    assert_eq!(enrol_problem(&app, &server).await, ErrorCode::LinkUsed);
    server.next("POST /api/devices", Reply::Problem(429, "too_many_requests", json!({})));
    assert_eq!(enrol_problem(&app, &server).await, ErrorCode::RateLimited { retry_after_s: 7 });
    server.next("POST /api/devices", Reply::Problem(503, "store_unavailable", json!({})));
    assert!(matches!(enrol_problem(&app, &server).await, ErrorCode::ServerUnavailable { .. }));
    server.next("POST /api/devices", Reply::Json(200, json!({"hello": "there"})));
    assert!(matches!(enrol_problem(&app, &server).await, ErrorCode::NotCountersign { .. }));
}

#[tokio::test]
async fn a_password_enrols_at_the_typed_address() {
    let server = Server::start().await;
    let app = App::new().await;
    let by_password = |password: &str| Command::AddByPassword {
        address: server.origin.host_and_port().to_owned(),
        username: "ada".to_owned(),
        password: password.to_owned(),
    };
    app.send(Command::Go { to: Place::AddAccount }).await;
    app.send(by_password("")).await;
    assert_eq!(add_problem(&app).await, ErrorCode::FieldMissing { field: "password".to_owned() });
    server.next("POST /api/devices", Reply::Problem(401, "enrolment_refused", json!({})));
    app.send(by_password("wrong")).await;
    app.until(|screen| matches!(screen, Screen::AddAccount { problem: Some(problem) } if problem.error == ErrorCode::EnrolmentRefused)).await;
    app.send(by_password("right")).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
}

#[tokio::test]
async fn other_versions_ask_for_an_update() {
    for (versions, is_it) in [
        (vec![2, 3], (|error| matches!(error, ErrorCode::AppTooOld { .. })) as fn(&ErrorCode) -> bool),
        (vec![0], |error| matches!(error, ErrorCode::ServerTooOld { .. })),
    ] {
        let server = Server::start().await;
        let app = App::new().await;
        server.inner().versions = Some(versions);
        app.send(Command::AddByLink { link: server.enrolment_link() }).await;
        app.send(Command::ContactServer { yes: true }).await;
        app.until(|screen| matches!(screen, Screen::UpdateNeeded { problem } if is_it(&problem.error))).await;
    }
}

#[tokio::test]
async fn adding_again_replaces_the_account_and_retires_its_device() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let old = server.inner().devices[0].0;
    app.send(Command::Go { to: Place::AddAccount }).await;
    app.send(Command::AddByLink { link: server.enrolment_link().replace("/E/", "/e/") }).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    app.send(Command::KeepAccount { yes: true }).await;
    eventually(|| server.inner().devices.len() == 1 && server.inner().devices[0].0 != old).await;
    eventually(|| app.vault.entries().len() == 1).await;
    assert_eq!(app.state().accounts.len(), 1);
}

async fn ask_to_keep(app: &App, server: &Server) {
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
}

async fn enrol_problem(app: &App, server: &Server) -> ErrorCode {
    app.send(Command::Go { to: Place::AddAccount }).await;
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    // The problem of the try before is on show until here.
    app.until(|screen| matches!(screen, Screen::ConfirmContact { .. })).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| !matches!(screen, Screen::ConfirmContact { .. })).await;
    add_problem(app).await
}

async fn add_problem(app: &App) -> ErrorCode {
    match app.until(|screen| matches!(screen, Screen::AddAccount { problem: Some(_) })).await {
        Screen::AddAccount { problem: Some(problem) } => problem.error,
        _ => unreachable!("waited for it"),
    }
}

/// Waits for something that no view state tells.
pub async fn eventually(is_so: impl Fn() -> bool) {
    for _ in 0..12_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("it never came true");
}
