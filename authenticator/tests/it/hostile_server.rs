//! A server that an account is enrolled with and that lies, stalls, floods or breaks off, over real HTTP: each time a
//! sentence, bounded memory and time, nothing decided, and the enrolment stays.

use std::time::Duration;

use authenticator::command::{Command, DecisionInput};
use authenticator::error_code::ErrorCode;
use authenticator::view::{AccountState, Place, Screen};
use protocol::encoding::base64url;
use protocol::id::DeviceId;
use serde_json::{Value, json};

use crate::app::App;
use crate::front::{Front, Trick};
use crate::server::{CHECK, NOW, Reply, Server, session};

/// Longer than the longest that the app waits for one call, twice over, on a machine that has better things to do.
const PATIENCE: Duration = Duration::from_mins(5);
/// What may leave a server before the app has had enough: its own limit is far below, the rest are buffers of the system.
const FLOOD_MAX: u64 = 64 << 20;

#[tokio::test]
async fn whatever_answers_a_scan_is_told_and_the_enrolment_stays() {
    let front = Front::start().await;
    let app = App::enrolled(&front.server).await;
    let secrets = app.vault.entries();
    for (name, answer, code) in answers(&front) {
        to_scan(&app).await;
        // A scan whose answer was lost is repeated once.
        front.play("POST /api/scans", &Trick::Bytes(answer), 2);
        app.send(Command::ScanText { text: front.server.login_link() }).await;
        let error = app.scan_problem().await;
        let error = serde_json::to_value(&error).unwrap();
        assert_eq!(error["code"], code, "{name}");
        front.behave();
        let state = app.state();
        assert!(
            state.accounts.len() == 1 && state.accounts[0].state == AccountState::Ready,
            "{name}: the account is gone"
        );
        assert_eq!(app.vault.entries(), secrets, "{name}: the keychain changed");
        is_clean(name, &serde_json::to_value(&state).unwrap());
    }
    assert!(front.server.inner().statements.is_empty(), "something was decided");
    app.scan(&front.server).await;
}

/// Name, bytes, and the code of the sentence that they lead to.
fn answers(front: &Front) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let own = front.server.origin.to_string();
    let http = |status: &str, lines: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 {status}\r\n{lines}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let redirect = |status: &str, to: &str| http(status, &format!("location: {to}\r\n"), b"");
    let json = |status: &str, body: &str| http(status, "content-type: application/json\r\n", body.as_bytes());
    let problem = |status: &str, body: &str| {
        http(status, "content-type: application/problem+json\r\n", body.as_bytes())
    };
    let scanned = scan_answer(&own, |_, _| {}).to_string();
    let (redirected, broken, not_ours) = ("redirect_refused", "server_unreachable", "not_countersign");
    vec![
        ("301 to another", redirect("301 Moved Permanently", "http://127.0.0.1:1/api/scans"), redirected),
        ("302 to itself", redirect("302 Found", &format!("{own}/api/scans")), redirected),
        ("303 to a file", redirect("303 See Other", "file:///etc/passwd"), redirected),
        ("307 to TLS", redirect("307 Temporary Redirect", "https://127.0.0.1:1/api/scans"), redirected),
        ("308 to nowhere", redirect("308 Permanent Redirect", "/api/scans"), redirected),
        ("300 with a choice", redirect("300 Multiple Choices", "//127.0.0.1:1"), redirected),
        ("304 without an earlier answer", http("304 Not Modified", "", b""), redirected),
        ("305 to a proxy", redirect("305 Use Proxy", "http://127.0.0.1:1"), redirected),
        ("302 to a script", redirect("302 Found", "javascript:alert(1)"), redirected),
        (
            "a page",
            http("200 OK", "content-type: text/html\r\n", b"<html><script>alert(1)</script>"),
            not_ours,
        ),
        ("a page as JSON", json("200 OK", "<html>"), not_ours),
        ("nothing at all in 200", http("200 OK", "", b""), not_ours),
        ("204", http("204 No Content", "", b""), not_ours),
        ("206 of a part", json("206 Partial Content", &scanned[..40]), not_ours),
        ("JSON that stops", json("201 Created", &scanned[..scanned.len() / 2]), not_ours),
        ("JSON of another shape", json("201 Created", "[]"), not_ours),
        ("a null", json("201 Created", "null"), not_ours),
        ("JSON a hundred thousand deep", json("201 Created", &"[".repeat(100_000)), not_ours),
        (
            "a number beyond all numbers",
            json("201 Created", &scanned.replace(&NOW.to_string(), "1e999")),
            not_ours,
        ),
        (
            "bytes that are no text",
            http("201 Created", "content-type: application/json\r\n", &[0xff; 64]),
            not_ours,
        ),
        ("a bomb in gzip", http("201 Created", "content-encoding: gzip\r\n", &bomb()), not_ours),
        (
            "a refusal in 200",
            problem("200 OK", r#"{"type":"urn:countersign:problem:ended","status":410}"#),
            not_ours,
        ),
        (
            "an unknown refusal",
            problem("403 Forbidden", r#"{"type":"urn:countersign:problem:moon"}"#),
            not_ours,
        ),
        ("a refusal in markup", problem("400 Bad Request", "{\"type\":\"<b>\u{202e}x\u{0}\"}"), not_ours),
        (
            "tries beyond counting",
            problem(
                "422 Unprocessable Content",
                r#"{"type":"urn:countersign:problem:wrong_check","tries_left":99999}"#,
            ),
            not_ours,
        ),
        (
            "a wrong number at a scan",
            problem(
                "422 Unprocessable Content",
                r#"{"type":"urn:countersign:problem:wrong_check","tries_left":255}"#,
            ),
            not_ours,
        ),
        (
            "a wait without end",
            http("429 Too Many Requests", "retry-after: 99999999999999999999\r\n", b""),
            "rate_limited",
        ),
        (
            "a wait that is no number",
            http("429 Too Many Requests", "retry-after: <b>\r\n", b""),
            "rate_limited",
        ),
        ("a fault", http("500 Internal Server Error", "", b"<h1>"), "server_unavailable"),
        ("a status that is none", http("999 Whatever", "", b""), not_ours),
        (
            "101",
            http("101 Switching Protocols", "upgrade: websocket\r\nconnection: upgrade\r\n", b""),
            not_ours,
        ),
        (
            "nonces asked for again and again",
            problem("401 Unauthorized", r#"{"type":"urn:countersign:problem:use_dpop_nonce"}"#),
            "proof_refused",
        ),
        (
            "a nonce of a megabyte",
            http("401 Unauthorized", &format!("dpop-nonce: {}\r\n", "n".repeat(1 << 20)), b""),
            broken,
        ),
        ("no answer", Vec::new(), broken),
        ("half a status line", b"HTTP/1.1 2".to_vec(), broken),
        ("half a head", b"HTTP/1.1 201 Created\r\ncontent-type: app".to_vec(), broken),
        ("half a body", [&http("201 Created", "", &[b'{'; 64])[..], b""].concat()[..90].to_vec(), broken),
        (
            "two lengths",
            b"HTTP/1.1 201 Created\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}".to_vec(),
            broken,
        ),
        ("a length below nothing", b"HTTP/1.1 201 Created\r\ncontent-length: -1\r\n\r\n{}".to_vec(), broken),
        (
            "a piece that is no piece",
            b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}".to_vec(),
            broken,
        ),
        ("a greeting of another service", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), broken),
        ("TLS where none is", b"\x15\x03\x01\x00\x02\x02\x28".to_vec(), broken),
        ("HTTP/2 unasked", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), broken),
        (
            "another request",
            json(
                "201 Created",
                &scan_answer(&own, |body, _| body["request"] = json!("AAAAAAAAAAAAAAAAAAAAAA")).to_string(),
            ),
            "context_refused",
        ),
        (
            "another server",
            json(
                "201 Created",
                &scan_answer(&own, |_, context| context["origin"] = json!("https://bank.example"))
                    .to_string(),
            ),
            "context_refused",
        ),
        (
            "our server in capitals",
            json(
                "201 Created",
                &scan_answer(&own, |_, context| context["origin"] = json!(own.to_uppercase())).to_string(),
            ),
            "context_refused",
        ),
        (
            "our server with a slash",
            json(
                "201 Created",
                &scan_answer(&own, |_, context| context["origin"] = json!(format!("{own}/"))).to_string(),
            ),
            "context_refused",
        ),
        (
            "another way",
            json(
                "201 Created",
                &scan_answer(&own, |_, context| context["via"] = json!("camera")).to_string(),
            ),
            "context_refused",
        ),
        (
            "a ticket that is none",
            json("201 Created", &scan_answer(&own, |body, _| body["ticket"] = json!("x")).to_string()),
            not_ours,
        ),
        (
            "no ticket",
            json("201 Created", &scan_answer(&own, |body, _| body["ticket"] = Value::Null).to_string()),
            not_ours,
        ),
        (
            "no context",
            json("201 Created", &scan_answer(&own, |body, _| body["context"] = json!("")).to_string()),
            not_ours,
        ),
        (
            "a context that is no JSON",
            json(
                "201 Created",
                &scan_answer(&own, |body, _| body["context"] = json!(base64url(b"<html>"))).to_string(),
            ),
            not_ours,
        ),
        (
            "a context in another alphabet",
            json("201 Created", &scan_answer(&own, |body, _| body["context"] = json!("+/+/")).to_string()),
            not_ours,
        ),
        (
            "a number that is a string",
            json("201 Created", &scan_answer(&own, |body, _| body["check"] = json!("47")).to_string()),
            not_ours,
        ),
    ]
}

/// A scan's answer with something changed in it, or in its context.
fn scan_answer(origin: &str, change: impl FnOnce(&mut Value, &mut Value)) -> Value {
    let mut body = crate::server::scanned_body(origin.to_owned(), protocol::context::Via::Link, 120);
    let bytes = protocol::encoding::from_base64url(body["context"].as_str().unwrap()).unwrap();
    let mut context: Value = serde_json::from_slice(&bytes).unwrap();
    let untouched = body["context"].clone();
    change(&mut body, &mut context);
    if body["context"] == untouched {
        body["context"] = json!(base64url(context.to_string().as_bytes()));
    }
    body
}

/// The beginning of a gzip stream; whoever unpacks it on and on gets zeros.
fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bytes.extend([0xec, 0xc1, 0x01, 0x01].repeat(16_000));
    bytes
}

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
async fn a_decision_counts_by_its_own_answer_alone() {
    let front = Front::start().await;
    let app = App::enrolled(&front.server).await;
    let ok = |body: &str| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    };
    for (name, answer) in [
        ("a refusal in 200", ok(r#"{"type":"urn:countersign:problem:ended","status":410}"#)),
        ("a page about maintenance", ok("<html>We will be back soon</html>")),
        ("200 and nothing", ok("")),
        ("201", "HTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()),
        ("202", "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()),
        (
            "a redirect",
            "HTTP/1.1 303 See Other\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                .to_owned(),
        ),
    ] {
        for input in
            [DecisionInput::Deny, DecisionInput::Approve { check: Some(CHECK.to_owned()), pin: None }]
        {
            to_scan(&app).await;
            let prompt = app.scan(&front.server).await;
            front.play("POST /api/decisions", &Trick::Bytes(answer.clone().into_bytes()), 1);
            app.decide(&prompt, input).await;
            let is_told =
                |screen: &Screen| matches!(screen, Screen::Authorize { prompt } if prompt.problem.is_some());
            app.until(|screen| is_told(screen) || !matches!(screen, Screen::Authorize { .. })).await;
            assert!(is_told(&app.state().screen), "{name}: taken for done");
            front.behave();
        }
    }
    assert!(front.server.inner().statements.is_empty(), "the server has heard of none");
    // Deciding again is harmless and comes to its end.
    let prompt = app.prompt().await;
    app.decide(&prompt, DecisionInput::Deny).await;
    app.until(|screen| matches!(screen, Screen::Outcome { .. })).await;
}

#[tokio::test]
async fn ending_and_removing_count_by_their_own_answer_alone() {
    let front = Front::start().await;
    let app = App::enrolled(&front.server).await;
    let account = app.state().accounts[0].id.clone();
    let own = session(1, DeviceId::from_random([1; 16]));
    let id = own["id"].as_str().unwrap().to_owned();
    front.server.inner().sessions.push(own);
    app.send(Command::Go { to: Place::Sessions }).await;
    crate::lists::sessions(&app, 1).await;
    let page = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>".to_vec();
    front.play(&format!("DELETE /api/sessions/{id}"), &Trick::Bytes(page), 1);
    app.send(Command::EndSession { account, session: id }).await;
    app.until_state(|state| state.notice.is_some()).await;
    crate::lists::sessions(&app, 1).await;
}

#[tokio::test]
async fn what_was_shown_is_what_is_signed_when_the_server_changes_its_story() {
    let front = Front::start().await;
    let app = App::enrolled(&front.server).await;
    front.server.inner().strict = false;
    let own = front.server.origin.to_string();
    let other = scan_answer(&own, |_, context| context["claimed"]["browser"] = json!("Another browser"));
    // The first answer is lost on the way, the repeated scan tells another story.
    front.play("POST /api/scans", &Trick::Bytes(Vec::new()), 1);
    front.server.next("POST /api/scans", Reply::Json(201, other.clone()));
    let prompt = app.scan(&front.server).await;
    assert_eq!(prompt.claimed.browser, "Another browser");
    app.approve(&prompt, CHECK).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    let shown = protocol::encoding::from_base64url(other["context"].as_str().unwrap()).unwrap();
    assert_eq!(front.server.inner().statements[0].context_hash, protocol::context::hash(&shown));
}

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
    crate::lists::sessions(&app, 1).await;
    looks_clean(&app, "the sessions");

    let device = json!({"id": DeviceId::from_random([5; 16]), "name": long, "kind": "linux", "created_at": NOW,
        "last_seen_at": NOW, "current": false});
    server.next("GET /api/devices", Reply::Json(200, json!({"devices": [device]})));
    app.send(Command::Go { to: Place::Devices }).await;
    app.until(|screen| matches!(screen, Screen::Devices { devices, .. } if devices.items.is_some())).await;
    looks_clean(&app, "the devices");

    server.inner().activity = crate::lists::log(3, &long)
        .into_iter()
        .map(|mut entry| {
            for field in ["summary", "address"] {
                entry[field] = json!(long);
            }
            entry
        })
        .collect();
    app.send(Command::Go { to: Place::Activity }).await;
    crate::lists::activity(&app, 3).await;
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
async fn nothing_is_remembered_for_a_server_that_asks_for_it() {
    let front = Front::start().await;
    let app = App::enrolled(&front.server).await;
    let lines = "set-cookie: spy=1; Path=/; Max-Age=99999\r\nalt-svc: h3=\":1\"\r\nrefresh: 0; url=http://127.0.0.1:1\r\n\
                 link: <http://127.0.0.1:1/x>; rel=preload\r\nstrict-transport-security: max-age=9\r\netag: \"spy\"\r\n";
    front.play("POST /api/scans", &Trick::With(lines), 1);
    front.play("GET /api/sessions", &Trick::With(lines), 1);
    app.scan(&front.server).await;
    app.send(Command::Go { to: Place::Sessions }).await;
    crate::lists::sessions(&app, 0).await;
    app.send(Command::Reload).await;
    let count = || front.heads().iter().filter(|head| head.starts_with("GET /api/sessions")).count();
    crate::enrolling::eventually(|| count() >= 2).await;
    for head in front.heads() {
        let head = head.to_ascii_lowercase();
        for name in ["cookie:", "if-none-match:", "accept-encoding:", "referer:", "upgrade:", "range:"] {
            assert!(!head.contains(&format!("\r\n{name}")), "{head}");
        }
    }
}

/// Back to the scan view, with nothing told there.
async fn to_scan(app: &App) {
    app.send(Command::Go { to: Place::Scan }).await;
    app.until(|screen| matches!(screen, Screen::Scan { problem: None, .. })).await;
}

fn looks_clean(app: &App, what: &str) {
    is_clean(what, &serde_json::to_value(app.state()).unwrap());
}

/// No text that the window gets turns other text around, hides, or is longer than anybody reads.
fn is_clean(what: &str, value: &Value) {
    match value {
        Value::String(text) => {
            let hidden = |c: char| protocol::text::is_unsafe(c) && !matches!(c, '\n' | '\t');
            assert!(!text.chars().any(hidden), "{what}: {text:?}");
            assert!(text.chars().count() <= 4_096, "{what}: {} characters", text.chars().count());
        }
        Value::Array(values) => {
            for value in values {
                is_clean(what, value);
            }
        }
        Value::Object(members) => {
            for value in members.values() {
                is_clean(what, value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
