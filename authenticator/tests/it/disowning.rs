//! "This wasn't me" about a sign-in that another device approved.

use authenticator::command::Command;
use authenticator::ports::Notification;
use authenticator::view::{NoticeMessage, Place, Screen, SignIn};
use protocol::id::{DeviceId, SessionId};
use serde_json::json;

use crate::app::App;
use crate::enrolling::eventually;
use crate::lists::{activity, log};
use crate::server::{CHECK, NOW, Reply, Server, session};

#[tokio::test]
async fn a_sign_in_of_another_device_is_told_and_ended_by_one_press() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let (notice, sign_in) = told(&app, &server).await;
    assert_eq!((sign_in.browser.as_str(), sign_in.system.as_str()), ("Firefox 153", "Linux"));
    assert_eq!((sign_in.device.as_str(), sign_in.at), ("Desktop", NOW + 4), "cleaned, and when");
    assert_eq!((sign_in.session, sign_in.host), (id(), server.origin.host_and_port().to_owned()));
    app.send(Command::DisownSignIn { notice }).await;
    let state = app.until_state(|state| matches!(state.screen, Screen::Disowned { ended: true, .. })).await;
    assert!(state.notice.is_none());
    assert_eq!(server.count(&call()), 1);
    assert!(server.inner().sessions.is_empty());
    // A second press, and one on a notice that is gone, do nothing.
    app.send(Command::DisownSignIn { notice }).await;
    app.send(Command::Go { to: Place::Devices }).await;
    app.until(|screen| matches!(screen, Screen::Devices { .. })).await;
    assert_eq!(server.count(&call()), 1);
}

#[tokio::test]
async fn one_that_is_over_already_counts_as_ended_and_a_failure_is_tried_again() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let (notice, _) = told(&app, &server).await;
    server.next(&call(), Reply::Problem(503, "store_unavailable", json!({})));
    server.next(&call(), Reply::Problem(404, "not_found", json!({})));
    app.send(Command::DisownSignIn { notice }).await;
    app.until(|screen| matches!(screen, Screen::Disowned { ended: false, problem: Some(_), .. })).await;
    app.send(Command::Retry).await;
    app.until(|screen| matches!(screen, Screen::Disowned { ended: true, problem: None, .. })).await;
}

#[tokio::test]
async fn what_this_device_approved_is_not_told() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    start_of_the_log(&app, &server).await;
    let own = server.inner().devices[0].0;
    add_sign_in(&server, own);
    app.send(Command::Reload).await;
    activity(&app, 4).await;
    assert!(!matches!(app.state().notice.map(|n| n.message), Some(NoticeMessage::NewSignIn { .. })));
    assert!(app.told.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_sign_in_without_a_session_that_can_be_named_is_told_alone() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    start_of_the_log(&app, &server).await;
    server.inner().activity = log(4, "");
    app.send(Command::Reload).await;
    let (notice, sign_in) = new_sign_in(&app).await;
    assert_eq!(sign_in.session, "");
    app.send(Command::DisownSignIn { notice }).await;
    app.send(Command::DismissNotice { id: notice }).await;
    let state = app.until_state(|state| state.notice.is_none()).await;
    assert!(matches!(state.screen, Screen::Activity { .. }));
    assert!(!server.calls().iter().any(|call| call.starts_with("DELETE")));
}

#[tokio::test]
async fn a_decision_on_its_way_is_not_left_for_it() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let (notice, _) = told(&app, &server).await;
    app.send(Command::Go { to: Place::Scan }).await;
    let prompt = app.scan(&server).await;
    let (go, hold) = tokio::sync::oneshot::channel();
    server.next("POST /api/decisions", Reply::Hold(hold));
    app.approve(&prompt, CHECK).await;
    app.send(Command::DisownSignIn { notice }).await;
    eventually(|| server.count("POST /api/decisions") == 1).await;
    go.send(()).unwrap();
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    assert_eq!(server.count(&call()), 0);
    let shown = app.state().notice.map(|notice| notice.message);
    assert!(matches!(shown, Some(NoticeMessage::NewSignIn { .. })), "it is still there to be pressed");
}

#[tokio::test]
async fn recovery_codes_that_another_device_made_are_notified() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    start_of_the_log(&app, &server).await;
    let chain = protocol::id::AccountId::from_random([0; 16]).to_string();
    let mut entries = log(4, "");
    let entry = entries.last_mut().unwrap();
    let body = entry["body"].as_str().unwrap().to_owned();
    let before = protocol::encoding::array_from_base64url(log(3, "")[2]["hash"].as_str().unwrap()).unwrap();
    let kind = "recovery_codes_made";
    let hashed = protocol::audit::Entry { chain: &chain, seq: 4, at: NOW + 4, kind, body: &body };
    entry["hash"] = protocol::encoding::base64url(&protocol::audit::hash(&before, &hashed)).into();
    entry["kind"] = kind.into();
    server.inner().activity = entries;
    app.send(Command::Reload).await;
    let is_told = |told: &Notification| matches!(told, Notification::RecoveryCodesMade { .. });
    eventually(|| app.told.0.lock().unwrap().iter().any(is_told)).await;
}

fn id() -> String {
    SessionId::from_random([9; 16]).to_string()
}

fn call() -> String {
    format!("DELETE /api/sessions/{}", id())
}

/// The app has seen three entries.
async fn start_of_the_log(app: &App, server: &Server) {
    server.inner().activity = log(3, "");
    app.send(Command::Go { to: Place::Activity }).await;
    activity(app, 3).await;
}

/// A fourth entry: a browser was signed in by `device`.
fn add_sign_in(server: &Server, device: DeviceId) {
    let mut entries = log(4, "");
    entries[3]["session"] = id().into();
    entries[3]["device"] = device.to_string().into();
    server.inner().activity = entries;
    server.inner().sessions.push(session(9, device));
}

/// Another device has signed a browser in, and the app tells of it.
async fn told(app: &App, server: &Server) -> (u32, SignIn) {
    start_of_the_log(app, server).await;
    add_sign_in(server, DeviceId::from_random([3; 16]));
    app.send(Command::Reload).await;
    new_sign_in(app).await
}

async fn new_sign_in(app: &App) -> (u32, SignIn) {
    let is_told = |message: &NoticeMessage| matches!(message, NoticeMessage::NewSignIn { .. });
    let state = app.until_state(|state| state.notice.as_ref().is_some_and(|n| is_told(&n.message))).await;
    match state.notice {
        Some(notice) => match notice.message {
            NoticeMessage::NewSignIn { sign_in } => (notice.id, sign_in),
            _ => unreachable!("waited for it"),
        },
        None => unreachable!("waited for it"),
    }
}
