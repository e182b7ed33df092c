//! Sessions, devices, the code for another computer, activity.

use authenticator::command::Command;
use authenticator::ports::Notification;
use authenticator::view::{AccountState, NoticeMessage, Place, Screen, Settings, WarningCode};
use protocol::audit;
use protocol::encoding::base64url;
use protocol::id::{AccountId, DeviceId};
use serde_json::{Value, json};

use crate::app::App;
use crate::enrolling::eventually;
use crate::server::{NOW, Reply, Server, session};

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let account = app.state().accounts[0].id.clone();
    server.sign_in();
    let mut other = session(2, DeviceId::from_random([99; 16]));
    other["clients"] = json!(["Gra\u{202e}fana", "\n", "Wiki"]);
    server.inner().sessions.push(other);
    app.send(Command::Go { to: Place::Sessions }).await;
    let shown = sessions(&app, 2).await;
    assert_eq!((shown[0].by_this_device, shown[1].by_this_device), (true, false));
    assert_eq!(
        (shown[0].clients.len(), &shown[1].clients[..]),
        (0, &["Grafana".to_owned(), "Wiki".to_owned()][..])
    );
    app.send(Command::EndSession { account: account.clone(), session: shown[0].id.clone() }).await;
    let left = sessions(&app, 1).await;
    assert_eq!(left[0].id, shown[1].id);
    assert!(matches!(app.state().notice.unwrap().message, NoticeMessage::SessionEnded));
    app.send(Command::EndAllSessions { account }).await;
    sessions(&app, 0).await;
}

#[tokio::test]
async fn a_session_that_is_gone_already_counts_as_ended() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let account = app.state().accounts[0].id.clone();
    server.sign_in();
    app.send(Command::Go { to: Place::Sessions }).await;
    let shown = sessions(&app, 1).await;
    server
        .next(&format!("DELETE /api/sessions/{}", shown[0].id), Reply::Problem(404, "not_found", json!({})));
    server.inner().sessions.clear();
    app.send(Command::EndSession { account, session: shown[0].id.clone() }).await;
    sessions(&app, 0).await;
    assert!(matches!(app.state().notice.unwrap().message, NoticeMessage::SessionEnded));
}

#[tokio::test]
async fn a_list_that_fails_says_so_and_comes_with_retry() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    server.next("GET /api/sessions", Reply::Problem(503, "store_unavailable", json!({})));
    app.send(Command::Go { to: Place::Sessions }).await;
    app.until(|screen| matches!(screen, Screen::Sessions { sessions, .. } if sessions.problem.is_some()))
        .await;
    app.send(Command::Retry).await;
    sessions(&app, 0).await;
}

#[tokio::test]
async fn devices_are_renamed_and_removed() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let account = app.state().accounts[0].id.clone();
    let other = DeviceId::from_random([77; 16]);
    let first = server.inner().devices[0].clone();
    server.inner().devices.push((other, first.1, String::new()));
    app.send(Command::Go { to: Place::Devices }).await;
    app.until(|screen| matches!(screen, Screen::Devices { devices, .. } if devices.items.as_ref().is_some_and(|d| d.len() == 2))).await;
    app.send(Command::RenameDevice {
        account: account.clone(),
        device: other.to_string(),
        name: "  ".to_owned(),
    })
    .await;
    app.until_state(
        |state| matches!(&state.notice, Some(n) if matches!(n.message, NoticeMessage::Failed { .. })),
    )
    .await;
    app.send(Command::RenameDevice {
        account: account.clone(),
        device: other.to_string(),
        name: "Laptop".to_owned(),
    })
    .await;
    app.until_state(|state| matches!(&state.notice, Some(n) if n.message == NoticeMessage::DeviceRenamed))
        .await;
    app.send(Command::RemoveDevice { account, device: other.to_string() }).await;
    app.until_state(|state| matches!(&state.notice, Some(n) if n.message == NoticeMessage::DeviceRemoved))
        .await;
    assert_eq!(server.inner().devices.len(), 1);
}

#[tokio::test]
async fn another_computer_gets_a_code_of_the_same_server_only() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let account = app.state().accounts[0].id.clone();
    app.send(Command::AddComputer { account: account.clone(), pin: None }).await;
    let shown = app.until(|screen| matches!(screen, Screen::AddComputer { code: Some(_), .. })).await;
    let Screen::AddComputer { code: Some(code), .. } = shown else { unreachable!("waited for it") };
    assert!(code.png.starts_with("data:image/png;base64,"));
    assert_eq!(code.left_s, 600);
    assert_eq!(
        format!("{code:?}"),
        "EnrolmentCode { left_s: 600, .. }",
        "its link belongs on the screen alone"
    );
    let elsewhere = format!("HTTPS://EVIL.EXAMPLE/E/{}", "A".repeat(26));
    server.next(
        "POST /api/enrolments",
        Reply::Json(201, json!({"link": elsewhere, "expires_at": 2, "now": 1})),
    );
    app.send(Command::AddComputer { account, pin: None }).await;
    app.until(|screen| matches!(screen, Screen::AddComputer { code: None, problem: Some(_), .. })).await;
}

#[tokio::test]
async fn a_computer_that_uses_the_code_on_show_is_named() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let other = App::new().await;
    let account = app.state().accounts[0].id.clone();
    app.send(Command::AddComputer { account, pin: None }).await;
    app.until(|screen| matches!(screen, Screen::AddComputer { code: Some(_), .. })).await;
    // A look that fails changes nothing, and is no reason to take the code away.
    server.next("GET /api/devices", Reply::Problem(503, "store_unavailable", json!({})));
    other.enrol(&server).await;
    let shown = app.until(|screen| matches!(screen, Screen::AddComputer { added: Some(_), .. })).await;
    let Screen::AddComputer { code, problem, added, .. } = shown else { unreachable!("waited for it") };
    assert_eq!((code, problem, added.as_deref()), (None, None, Some("Device 1")));
    app.pass_s(601);
    app.send(Command::Back).await;
    app.until(|screen| matches!(screen, Screen::Devices { .. })).await;
}

#[tokio::test]
async fn a_device_that_was_removed_elsewhere_shows_as_signed_out() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    server.inner().devices.clear();
    app.send(Command::Go { to: Place::Sessions }).await;
    app.until_state(|state| state.accounts[0].state == AccountState::SignedOut).await;
    app.send(Command::Go { to: Place::Scan }).await;
    app.send(Command::ScanText { text: server.login_link() }).await;
    assert_eq!(app.scan_problem().await, authenticator::error_code::ErrorCode::SignedOut);
    assert_eq!(server.count("POST /api/scans"), 0);
}

#[tokio::test]
async fn activity_is_shown_newest_first_and_a_rewritten_log_raises_the_alarm() {
    let server = Server::start().await;
    server.inner().activity = log(5, "");
    let app = App::enrolled(&server).await;
    app.send(Command::Go { to: Place::Activity }).await;
    let entries = activity(&app, 5).await;
    assert_eq!((entries[0], entries[4]), (5, 1));
    assert!(!app.state().accounts[0].activity_alarm);

    server.inner().activity = log(7, "");
    app.send(Command::Reload).await;
    activity(&app, 7).await;
    eventually(|| {
        app.told.0.lock().unwrap().iter().any(|told| matches!(told, Notification::NewSignIn { .. }))
    })
    .await;

    server.inner().activity = log(8, "other");
    app.send(Command::Reload).await;
    app.until_state(|state| state.accounts[0].activity_alarm).await;
    assert!(
        app.told.0.lock().unwrap().iter().any(|told| matches!(told, Notification::ActivityRewritten { .. }))
    );

    // It stays over a restart, until the person has read it.
    let app = app.restart();
    app.until_state(|state| state.accounts.first().is_some_and(|account| account.activity_alarm)).await;
    app.send(Command::AcceptActivity { account: app.state().accounts[0].id.clone() }).await;
    app.until_state(|state| !state.accounts[0].activity_alarm).await;
    app.send(Command::Go { to: Place::Activity }).await;
    activity(&app, 8).await;
    assert!(!app.state().accounts[0].activity_alarm);
}

#[tokio::test]
async fn an_entry_says_what_browser_and_which_device() {
    let server = Server::start().await;
    server.inner().activity = log(1, "");
    let app = App::enrolled(&server).await;
    app.send(Command::Go { to: Place::Activity }).await;
    activity(&app, 1).await;
    let Screen::Activity { entries, .. } = app.state().screen else { unreachable!("waited for it") };
    let entry = &entries.items.unwrap()[0];
    assert_eq!((entry.browser.as_str(), entry.system.as_str()), ("Firefox 153", "Linux"));
    assert_eq!((entry.device.as_deref(), entry.subject.as_deref()), (Some("Desktop"), None));
}

#[tokio::test]
async fn notifications_are_silent_when_the_person_wants_none() {
    let server = Server::start().await;
    server.inner().activity = log(5, "");
    let app = App::enrolled(&server).await;
    let settings = Settings { notifications: false, ..app.state().settings };
    app.send(Command::ChangeSettings { settings }).await;
    app.send(Command::Go { to: Place::Activity }).await;
    activity(&app, 5).await;
    server.inner().activity = log(7, "");
    app.send(Command::Reload).await;
    activity(&app, 7).await;
    server.inner().activity = log(8, "other");
    app.send(Command::Reload).await;
    // The window tells it all the same.
    app.until_state(|state| state.accounts[0].activity_alarm).await;
    assert_eq!(*app.told.0.lock().unwrap(), []);
}

#[tokio::test]
async fn after_a_long_absence_one_notification_tells_of_many_sign_ins() {
    let server = Server::start().await;
    server.inner().activity = log(5, "");
    let app = App::enrolled(&server).await;
    app.send(Command::Go { to: Place::Activity }).await;
    activity(&app, 5).await;
    server.inner().activity = log(45, "");
    app.send(Command::Reload).await;
    activity(&app, 45).await;
    let host = server.origin.host_and_port().to_owned();
    assert_eq!(*app.told.0.lock().unwrap(), [Notification::ManyNew { host, count: 40 }]);
}

#[tokio::test]
async fn warnings_reach_the_prompt_gravest_first() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let codes: Vec<_> = app.scan(&server).await.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(
        codes,
        [WarningCode::DifferentNetwork, WarningCode::CameByLink, WarningCode::BrowserFirstSeen]
    );
}

pub async fn sessions(app: &App, count: usize) -> Vec<authenticator::view::SessionView> {
    let is_it = |screen: &Screen| {
        matches!(screen, Screen::Sessions { sessions, ending, .. }
        if ending.is_empty() && !sessions.loading && sessions.items.as_ref().is_some_and(|items| items.len() == count))
    };
    match app.until(is_it).await {
        Screen::Sessions { sessions, .. } => sessions.items.unwrap(),
        _ => unreachable!("waited for it"),
    }
}

pub async fn activity(app: &App, count: usize) -> Vec<u64> {
    let is_it = |screen: &Screen| {
        matches!(screen, Screen::Activity { entries, .. }
        if !entries.loading && entries.items.as_ref().is_some_and(|items| items.len() == count))
    };
    match app.until(is_it).await {
        Screen::Activity { entries, .. } => entries.items.unwrap().iter().map(|entry| entry.seq).collect(),
        _ => unreachable!("waited for it"),
    }
}

/// A log of the account that the scripted server enrols.
pub fn log(length: i64, note: &str) -> Vec<Value> {
    let chain = AccountId::from_random([0; 16]).to_string();
    let mut previous = audit::GENESIS;
    (1..=length)
        .map(|seq| {
            let body = json!({"note": note, "browser": "Firefox 153", "system": "Linux",
                "device": {"id": DeviceId::from_random([3; 16]), "name": "Desk\u{202e}top"}, "subject": null})
            .to_string();
            let entry = audit::Entry { chain: &chain, seq, at: NOW + seq, kind: "signed_in", body: &body };
            previous = audit::hash(&previous, &entry);
            json!({"seq": seq, "at": NOW + seq, "kind": "signed_in", "address": null, "device": null, "session": null,
                "summary": "Signed in", "body": body, "hash": base64url(&previous)})
        })
        .collect()
}
