//! Values that no honest server sends: the window still shows what can be shown.

use authenticator::command::Command;
use authenticator::view::{Place, Screen};
use protocol::id::DeviceId;
use serde_json::{Value, json};

use super::{looks_clean, scan_answer, to_scan};
use crate::app::App;
use crate::enrolling::eventually;
use crate::lists::{activity, log, sessions};
use crate::server::{NOW, Reply, Server, session};

/// The last second of the year 9999: what every calendar of a webview can draw.
const LAST_MOMENT: i64 = 253_402_300_799;

#[tokio::test]
async fn markup_and_bidi_in_every_field_stay_text() {
    const EVIL: &str =
        "<img src=x onerror=alert(1)>\u{202e}\u{2066}\u{200b}\u{0}\u{1b}[31m\r\n\u{e0041}\u{feff}";
    let server = Server::start().await;
    let app = App::new().await;
    let long = EVIL.repeat(200);
    let enrolled = json!({"device_id": "AAAAAAAAAAAAAAAAAAAAAA", "token": "A".repeat(43),
        "account": {"id": "AAAAAAAAAAAAAAAAAAAAAA", "username": long, "display_name": long},
        "server": {"name": long, "origin": server.origin}});
    server.next("POST /api/devices", Reply::Json(201, enrolled));
    app.send(Command::AddByLink { link: server.enrolment_link() }).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    looks_clean(&app, "the new account");

    let app = App::enrolled(&server).await;
    let own = server.origin.to_string();
    let scanned = scan_answer(&own, |_, context| {
        context["client"] = json!({"id": long, "name": long});
        context["scopes"] = json!([long, EVIL]);
        context["seen"]["address"] = json!(long);
        context["claimed"] = json!({"browser": long, "system": long, "language": long});
    });
    server.next("POST /api/scans", Reply::Json(201, scanned));
    app.scan(&server).await;
    looks_clean(&app, "the prompt");

    let mut row = session(1, DeviceId::from_random([1; 16]));
    for field in ["address", "browser", "system"] {
        row[field] = json!(long);
    }
    row["device"]["name"] = json!(long);
    server.inner().sessions.push(row);
    app.send(Command::Go { to: Place::Sessions }).await;
    sessions(&app, 1).await;
    looks_clean(&app, "the sessions");

    let device = json!({"id": DeviceId::from_random([5; 16]), "name": long, "kind": "linux", "created_at": NOW,
        "last_seen_at": NOW, "current": false});
    server.next("GET /api/devices", Reply::Json(200, json!({"devices": [device]})));
    app.send(Command::Go { to: Place::Devices }).await;
    app.until(|screen| matches!(screen, Screen::Devices { devices, .. } if devices.items.is_some())).await;
    looks_clean(&app, "the devices");

    server.inner().activity = log(3, &long)
        .into_iter()
        .map(|mut entry| {
            for field in ["summary", "address"] {
                entry[field] = json!(long);
            }
            entry
        })
        .collect();
    app.send(Command::Go { to: Place::Activity }).await;
    activity(&app, 3).await;
    looks_clean(&app, "the activity");

    server
        .next("GET /api/sessions", Reply::Problem(400, &EVIL[..28], json!({"title": long, "detail": long})));
    app.send(Command::Go { to: Place::Sessions }).await;
    app.until(|screen| matches!(screen, Screen::Sessions { sessions, .. } if sessions.problem.is_some()))
        .await;
    looks_clean(&app, "a refusal");
}

#[tokio::test]
async fn numbers_out_of_range_harm_nobody() {
    for (expires_at, now) in [
        (i64::MAX, i64::MIN),
        (i64::MIN, i64::MAX),
        (i64::MAX, i64::MAX),
        (i64::MIN, i64::MIN),
        (0, 0),
        (-1, 1),
    ] {
        let server = Server::start().await;
        let app = App::enrolled(&server).await;
        let own = server.origin.to_string();
        let answer = scan_answer(&own, |body, context| {
            body["expires_at"] = json!(expires_at);
            body["now"] = json!(now);
            context["seen"]["at"] = json!(expires_at);
            context["seen"]["frame_age_s"] = json!(i64::MIN);
        });
        server.next("POST /api/scans", Reply::Json(201, answer));
        app.send(Command::ScanText { text: server.login_link() }).await;
        // A prompt, or one whose time is over already.
        app.until(|screen| matches!(screen, Screen::Authorize { .. } | Screen::Outcome { .. })).await;
        looks_clean(&app, "the prompt");
        assert!(server.inner().statements.is_empty());
        to_scan(&app).await;
        app.scan(&server).await;
    }
}

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

fn page(entries: &[Value]) -> Value {
    let last = entries.last().unwrap();
    json!({"entries": entries, "head": {"seq": last["seq"], "hash": last["hash"]}})
}
