//! Whatever comes instead of the answer that was asked for.

use authenticator::command::Command;
use authenticator::view::{AccountState, Place};
use protocol::encoding::base64url;
use serde_json::{Value, json};

use super::{is_clean, scan_answer, to_scan};
use crate::app::App;
use crate::front::{Front, Trick};
use crate::server::NOW;

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

/// The beginning of a gzip stream; whoever unpacks it on and on gets zeros.
fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bytes.extend([0xec, 0xc1, 0x01, 0x01].repeat(16_000));
    bytes
}
