//! The same link or name once more before the first try is over: one key, one device, and never the wanted one removed.

use authenticator::command::Command;
use authenticator::error_code::ErrorCode;
use authenticator::ports::Vault as _;
use authenticator::view::{AccountState, NoticeMessage, Place, Screen};
use serde_json::json;
use tokio::sync::oneshot;

use crate::app::App;
use crate::enrolling::eventually;
use crate::server::{Reply, Server};

#[tokio::test]
async fn begun_again_while_on_its_way_it_takes_the_first_answer() {
    let server = strict_server().await;
    let app = App::new().await;
    let go = cancelled_on_its_way(&app, &server, by_link(&server)).await;
    begin(&app, by_link(&server)).await;
    app.until(|screen| matches!(screen, Screen::Enrolling { .. })).await;
    a_whole_enrolment_elsewhere().await;
    go.send(()).unwrap();
    keep(&app).await;
    assert_eq!(server.count("POST /api/devices"), 1, "two calls end each other's token in any order");
    works_with_one_device(&app, &server).await;
    assert_eq!(removals(&server), 0);
}

#[tokio::test]
async fn an_answer_that_comes_while_it_is_asked_about_again_is_not_thrown_away() {
    let server = strict_server().await;
    let app = App::new().await;
    let go = cancelled_on_its_way(&app, &server, by_link(&server)).await;
    app.send(by_link(&server)).await;
    let asked = app.until_state(|state| matches!(state.screen, Screen::ConfirmContact { .. })).await;
    go.send(()).unwrap();
    app.until_state(|state| state.revision > asked.revision).await;
    app.send(Command::ContactServer { yes: true }).await;
    keep(&app).await;
    works_with_one_device(&app, &server).await;
    assert_eq!(removals(&server), 0);
}

#[tokio::test]
async fn an_answer_that_comes_while_it_is_asked_about_again_is_undone_after_no() {
    let server = strict_server().await;
    let app = App::new().await;
    let go = cancelled_on_its_way(&app, &server, by_link(&server)).await;
    app.send(by_link(&server)).await;
    let asked = app.until_state(|state| matches!(state.screen, Screen::ConfirmContact { .. })).await;
    go.send(()).unwrap();
    app.until_state(|state| state.revision > asked.revision).await;
    app.send(Command::ContactServer { yes: false }).await;
    eventually(|| server.inner().devices.is_empty() && app.vault.entries().is_empty()).await;
}

#[tokio::test]
async fn a_link_whose_device_is_being_removed_is_used_up() {
    let server = strict_server().await;
    let app = App::new().await;
    begin(&app, by_link(&server)).await;
    let go = not_kept(&app, &server).await;
    begin(&app, by_link(&server)).await;
    app.until(|screen| matches!(screen, Screen::Enrolling { .. })).await;
    a_whole_enrolment_elsewhere().await;
    go.send(()).unwrap();
    let told = app
        .until(|screen| {
            matches!(screen, Screen::ConfirmAccount { .. } | Screen::AddAccount { problem: Some(_) })
        })
        .await;
    assert!(
        matches!(&told, Screen::AddAccount { problem: Some(problem) } if problem.error == ErrorCode::LinkUsed),
        "a device that is being removed is no device to keep: {told:?}"
    );
    eventually(|| server.inner().devices.is_empty()).await;
}

#[tokio::test]
async fn a_password_makes_another_device_once_the_one_before_is_removed() {
    let server = strict_server().await;
    let app = App::new().await;
    begin(&app, by_password(&server, "right")).await;
    let go = not_kept(&app, &server).await;
    begin(&app, by_password(&server, "right")).await;
    app.until(|screen| matches!(screen, Screen::Enrolling { .. })).await;
    a_whole_enrolment_elsewhere().await;
    go.send(()).unwrap();
    keep(&app).await;
    eventually(|| removals(&server) == 1).await;
    works_with_one_device(&app, &server).await;
}

#[tokio::test]
async fn another_password_waits_for_the_first_one_to_be_over() {
    let server = strict_server().await;
    let app = App::new().await;
    let go = cancelled_on_its_way(&app, &server, by_password(&server, "first")).await;
    begin(&app, by_password(&server, "second")).await;
    app.until(|screen| matches!(screen, Screen::Enrolling { .. })).await;
    a_whole_enrolment_elsewhere().await;
    go.send(()).unwrap();
    keep(&app).await;
    let sent: Vec<_> = server
        .inner()
        .enrolled_with
        .iter()
        .map(|body| body["password"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(sent, ["first", "second"]);
    assert_eq!(removals(&server), 1, "the first one was cancelled");
    works_with_one_device(&app, &server).await;
}

#[tokio::test]
async fn a_link_leads_to_its_device_again_where_the_server_could_not_be_told() {
    let server = strict_server().await;
    let app = App::new().await;
    begin(&app, by_link(&server)).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    server.next(&removal(&server), Reply::Problem(503, "store_unavailable", json!({})));
    app.send(Command::KeepAccount { yes: false }).await;
    app.until_state(|state| {
        state
            .notice
            .as_ref()
            .is_some_and(|notice| matches!(notice.message, NoticeMessage::AccountRemovedHereOnly { .. }))
    })
    .await;
    begin(&app, by_link(&server)).await;
    keep(&app).await;
    works_with_one_device(&app, &server).await;
}

#[tokio::test]
async fn a_device_that_is_kept_twice_is_not_retired() {
    let server = strict_server().await;
    let app = App::new().await;
    begin(&app, by_link(&server)).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    let entries = app.vault.entries();
    let (name, enrolment) = &entries[0];
    keep(&app).await;
    eventually(|| app.vault.entries().iter().all(|(other, _)| other != name)).await;
    // As after a crash between the saved account and the end of its enrolment.
    app.vault.clone().put(name, enrolment.as_bytes()).unwrap();
    app.send(Command::Go { to: Place::AddAccount }).await;
    begin(&app, by_link(&server)).await;
    keep(&app).await;
    eventually(|| app.vault.entries().len() == 1).await;
    assert_eq!(app.state().accounts.len(), 1);
    works_with_one_device(&app, &server).await;
    assert_eq!(server.inner().bad_tokens, [""; 0], "nobody tried to remove it");
}

/// Its links are good once, as real ones are.
async fn strict_server() -> Server {
    let server = Server::start().await;
    server.inner().links_are_used_up = true;
    server
}

fn by_link(server: &Server) -> Command {
    Command::AddByLink { link: server.enrolment_link() }
}

fn by_password(server: &Server, password: &str) -> Command {
    Command::AddByPassword {
        address: server.origin.host_and_port().to_owned(),
        username: "ada".to_owned(),
        password: password.to_owned(),
    }
}

async fn begin(app: &App, command: Command) {
    app.send(Command::Go { to: Place::AddAccount }).await;
    let asks = matches!(command, Command::AddByLink { .. });
    app.send(command).await;
    if asks {
        app.until(|screen| matches!(screen, Screen::ConfirmContact { .. })).await;
        app.send(Command::ContactServer { yes: true }).await;
    }
}

/// As long as a call takes that must not be made yet.
async fn a_whole_enrolment_elsewhere() {
    let server = Server::start().await;
    App::enrolled(&server).await;
}

/// The server has the call and answers when it is let go; the person has gone back.
async fn cancelled_on_its_way(app: &App, server: &Server, command: Command) -> oneshot::Sender<()> {
    let (go, hold) = oneshot::channel();
    server.next("POST /api/devices", Reply::Hold(hold));
    begin(app, command).await;
    eventually(|| server.count("POST /api/devices") == 1).await;
    app.send(Command::Back).await;
    app.until(|screen| matches!(screen, Screen::AddAccount { .. })).await;
    go
}

/// "No" to the account; its removal is at the server, which goes on when it is let go.
async fn not_kept(app: &App, server: &Server) -> oneshot::Sender<()> {
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    let (go, hold) = oneshot::channel();
    server.next(&removal(server), Reply::Hold(hold));
    app.send(Command::KeepAccount { yes: false }).await;
    app.until(|screen| matches!(screen, Screen::FirstStart)).await;
    eventually(|| removals(server) == 1).await;
    go
}

fn removal(server: &Server) -> String {
    format!("DELETE /api/devices/{}", server.inner().devices[0].0)
}

fn removals(server: &Server) -> usize {
    server.calls().iter().filter(|call| call.starts_with("DELETE /api/devices/")).count()
}

async fn keep(app: &App) {
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    app.send(Command::KeepAccount { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
}

async fn works_with_one_device(app: &App, server: &Server) {
    assert_eq!(server.inner().devices.len(), 1);
    app.scan(server).await;
    assert_eq!(app.state().accounts[0].state, AccountState::Ready);
}
