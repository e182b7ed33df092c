//! Too much, too many, too slowly.

use std::time::Duration;

use authenticator::command::Command;
use authenticator::error_code::ErrorCode;
use authenticator::view::{AccountState, Place, Screen};
use protocol::id::DeviceId;
use serde_json::{Value, json};

use super::to_scan;
use crate::app::App;
use crate::front::{Front, Trick};
use crate::lists::sessions;
use crate::server::{Reply, Server, session};

/// Longer than the longest that the app waits for one call, twice over, on a machine that has better things to do.
const PATIENCE: Duration = Duration::from_mins(5);
/// What may leave a server before the app has had enough: its own limit is far below, the rest are buffers of the system.
const FLOOD_MAX: u64 = 64 << 20;

#[tokio::test]
async fn a_flood_is_given_up_before_it_fills_the_memory() {
    let front = Front::start().await;
    let app = App::enrolled(&front.server).await;
    let piece = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000)).into_bytes();
    let floods = [
        (
            "a body of ten gigabytes",
            "HTTP/1.1 201 Created\r\ncontent-length: 10737418240\r\n\r\n",
            vec![b' '; 1 << 16],
        ),
        ("a body without an end", "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n", piece),
        ("a body until the end of time", "HTTP/1.1 201 Created\r\n\r\n", vec![b'['; 1 << 16]),
        ("a refusal without an end", "HTTP/1.1 403 Forbidden\r\n\r\n", vec![b'{'; 1 << 16]),
        ("a head without an end", "HTTP/1.1 201 Created\r\n", b"x-more: and more\r\n".repeat(1_000)),
        ("a line without an end", "HTTP/1.1 201 Created\r\nx-more: ", vec![b'x'; 1 << 16]),
        ("a status without an end", "HTTP/1.1 201 ", vec![b'x'; 1 << 16]),
    ];
    for (name, first, more) in floods {
        let before = front.sent();
        to_scan(&app).await;
        front.play("POST /api/scans", &Trick::Endless(first.into(), more), 2);
        app.send(Command::ScanText { text: front.server.login_link() }).await;
        let error = app.scan_problem().await;
        let told = matches!(error, ErrorCode::NotCountersign { .. } | ErrorCode::ServerUnreachable { .. });
        assert!(told, "{name}: {error:?}");
        front.behave();
        let sent = front.sent() - before;
        assert!(sent < FLOOD_MAX, "{name}: {sent} bytes were taken");
    }
    app.scan(&front.server).await;
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let filler = "x".repeat(9 << 20);
    server.next("GET /api/sessions", Reply::Json(200, json!({"sessions": [], "filler": filler})));
    app.send(Command::Go { to: Place::Sessions }).await;
    app.until(|screen| matches!(screen, Screen::Sessions { sessions, .. } if sessions.problem.is_some()))
        .await;
}

#[tokio::test]
async fn a_server_that_takes_its_time_is_told_and_lost_is_nothing() {
    let waits = [
        ("silence", "", ""),
        ("a head that never ends", "HTTP/1.1 200 OK\r\n", "x: y\r\n"),
        ("a body that never ends", "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", " "),
        ("go on, go on", "", "HTTP/1.1 100 Continue\r\n\r\n"),
    ];
    // All at once: each of them takes as long as the app waits for a call.
    let cases = waits.map(|(name, first, more)| async move {
        let front = Front::start().await;
        let app = App::enrolled(&front.server).await;
        front.play("GET /api/sessions", &Trick::Drip(first.into(), more.into()), 1);
        app.send(Command::Go { to: Place::Sessions }).await;
        let mut view = app.handle.view();
        let told = view.wait_for(
            |state| matches!(&state.screen, Screen::Sessions { sessions, .. } if sessions.problem.is_some()),
        );
        let state = tokio::time::timeout(PATIENCE, told).await.expect(name).unwrap().clone();
        let Screen::Sessions { sessions, .. } = state.screen else { unreachable!("waited for it") };
        let error = sessions.problem.unwrap().error;
        let slow = matches!(error, ErrorCode::ServerTimeout { .. } | ErrorCode::ServerUnreachable { .. });
        assert!(slow, "{name}: {error:?}");
        assert_eq!((state.accounts.len(), state.accounts[0].state), (1, AccountState::Ready), "{name}");
        // The person can leave while it waits, and all works again.
        front.behave();
        to_scan(&app).await;
        app.scan(&front.server).await;
    });
    futures_util::future::join_all(cases).await;
}

#[tokio::test]
async fn ten_thousand_sessions_are_listed_and_ended() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let account = app.state().accounts[0].id.clone();
    let many: Vec<Value> = (0..10_000_u32)
        .map(|n| {
            let mut id = [7; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            let mut row = session(1, DeviceId::from_random([1; 16]));
            row["id"] = json!(protocol::id::SessionId::from_random(id));
            row["browser"] = json!("B".repeat(80));
            row["system"] = json!("S".repeat(80));
            row
        })
        .collect();
    server.inner().sessions = many;
    app.send(Command::Go { to: Place::Sessions }).await;
    sessions(&app, 10_000).await;
    app.send(Command::EndAllSessions { account }).await;
    sessions(&app, 0).await;
}
