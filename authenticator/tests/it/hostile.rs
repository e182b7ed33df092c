//! A server that an account is enrolled with and that means harm, or is broken: the window still shows what can be shown.

use authenticator::command::Command;
use authenticator::view::{Place, Screen};
use protocol::id::DeviceId;
use serde_json::{Value, json};

use crate::app::App;
use crate::enrolling::eventually;
use crate::lists::{activity, log, sessions};
use crate::server::{Reply, Server, session};

/// The last second of the year 9999: what every calendar of a webview can draw.
const LAST_MOMENT: i64 = 253_402_300_799;

#[tokio::test]
async fn moments_that_no_calendar_has_are_cut() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let mut absurd = session(1, DeviceId::from_random([1; 16]));
    absurd["created_at"] = json!(i64::MIN);
    absurd["last_seen_at"] = json!(i64::MAX);
    server.inner().sessions.push(absurd);
    app.send(Command::Go { to: Place::Sessions }).await;
    let shown = sessions(&app, 1).await;
    assert_eq!((shown[0].created_at, shown[0].last_seen_at), (0, LAST_MOMENT));
}

#[tokio::test]
async fn what_has_no_name_is_called_by_the_next_best() {
    let server = Server::start().await;
    let app = App::new().await;
    let answer = json!({"device_id": "AAAAAAAAAAAAAAAAAAAAAA", "token": "A".repeat(43),
        "account": {"id": "AAAAAAAAAAAAAAAAAAAAAA", "username": "ada", "display_name": "\u{202e} \u{0}"},
        "server": {"name": "", "origin": server.origin}});
    server.next("POST /api/devices", Reply::Json(201, answer));
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    app.send(Command::ContactServer { yes: true }).await;
    let asked = app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    let Screen::ConfirmAccount { server_name, display_name, .. } = asked else {
        unreachable!("waited for it")
    };
    assert_eq!((server_name.as_str(), display_name.as_str()), (server.origin.host_and_port(), "ada"));
}

#[tokio::test]
async fn rows_of_one_name_are_shown_once() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    for n in [1, 1, 2] {
        server.inner().sessions.push(session(n, DeviceId::from_random([1; 16])));
    }
    app.send(Command::Go { to: Place::Sessions }).await;
    sessions(&app, 2).await;
}

#[tokio::test]
async fn a_log_with_absurd_places_raises_the_alarm_and_is_shown_without_them() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    eventually(|| server.count("GET /api/activity") > 0).await;
    let mut entries = log(3, "");
    let mut absurd = |seq: i64| {
        let mut entry = entries[2].clone();
        entry["seq"] = json!(seq);
        entries.push(entry);
    };
    absurd(3);
    absurd(i64::MAX);
    absurd(i64::MAX);
    server.next("GET /api/activity", Reply::Json(200, page(&entries)));
    server.next("GET /api/activity", Reply::Json(200, page(&entries)));
    app.send(Command::Go { to: Place::Activity }).await;
    assert_eq!(activity(&app, 3).await, [3, 2, 1]);
    app.until_state(|state| state.accounts[0].activity_alarm).await;
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

fn page(entries: &[Value]) -> Value {
    let last = entries.last().unwrap();
    json!({"entries": entries, "head": {"seq": last["seq"], "hash": last["hash"]}})
}
