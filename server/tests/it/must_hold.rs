//! The points of docs/protocol.md, "What must hold", that are about a server. Point 8 has `deadlines`, 11 `limits`; 10 is
//! the authenticator's.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use futures_util::future::join_all;
use protocol::encoding::{array_from_base32, base64url};
use protocol::id::{RequestId, Ticket};
use protocol::origin::Origin;
use protocol::statement::{Decision, Statement};
use serde_json::{Value, json};

use crate::support::{Extras, Node, Page, Request, approved, fresh_bytes, scanned, signed_in};

/// Point 1.
#[tokio::test]
async fn everything_in_the_qr_replayed_gives_nothing() {
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    let (code, url) = (request.code(), request.body["frame"]["url"].as_str().unwrap().to_owned());
    let bytes: [u8; 25] = array_from_base32(&code).unwrap();
    let words = [code, url, base64url(&bytes[..16]), base64url(&bytes), base64url(&bytes[9..])];

    let thief = node.page();
    for word in &words {
        let path = word.replace(['/', ':'], "_");
        thief.jar.lock().unwrap().insert(format!("__Host-countersign-request-{path}"), word.clone());
        thief.jar.lock().unwrap().insert("__Host-countersign-sid".to_owned(), word.clone());
        thief.jar.lock().unwrap().insert("__Host-countersign-session".to_owned(), word.clone());
        let calls = [
            ("GET", format!("/api/login-requests/{path}"), None, false),
            ("DELETE", format!("/api/login-requests/{path}"), None, false),
            ("POST", format!("/api/login-requests/{path}/user-code"), Some(json!({})), false),
            ("POST", format!("/api/login-requests/{path}/session"), Some(json!({})), true),
            ("GET", format!("/api/login-requests/{path}/events"), None, false),
            ("GET", "/api/session".to_owned(), None, false),
            ("POST", "/api/session/refresh".to_owned(), Some(json!({})), true),
            ("POST", "/api/decisions".to_owned(), Some(json!({ "statement": word })), false),
            (
                "POST",
                "/api/devices".to_owned(),
                Some(json!({ "enrolment": word, "device": { "name": "x", "kind": "linux" } })),
                true,
            ),
        ];
        for (method, path, body, proof) in calls {
            let answer = thief.call(method, &path, body, proof).await;
            assert!([401, 403, 404].contains(&answer.status), "{method} {path}: {}", answer.status);
            assert_eq!(answer.cookies(), Vec::<String>::new(), "{method} {path}");
        }
        let body = json!({ "code": word, "via": "camera" });
        let mut stranger = node.stranger();
        stranger.call("POST", "/api/scans", Some(body.clone())).await.problem(401, "invalid_token");
        stranger.token.clone_from(word);
        stranger.call("POST", "/api/scans", Some(body)).await.problem(401, "invalid_token");
    }
    // Nor does it spend anything: the page is still waiting.
    assert_eq!(page.stands(&request).await, "waiting");
}

/// Point 2.
#[tokio::test]
async fn a_page_watches_and_redeems_its_own_request_only() {
    let node = Node::start().await;
    let (page, request, _, _) = approved(&node).await;
    let other = node.page();
    let own = other.start().await;
    let cookie = format!("__Host-countersign-request-{}", request.id);
    let own_secret = other.cookie(&format!("request-{}", own.id)).unwrap();

    for secret in [None, Some(own_secret), Some(base64url(&[0; 32]))] {
        other.jar.lock().unwrap().remove(&cookie);
        if let Some(secret) = secret {
            other.jar.lock().unwrap().insert(cookie.clone(), secret);
        }
        other.state(&request).await.problem(404, "not_found");
        other.cancel(&request).await.problem(404, "not_found");
        other.user_code(&request).await.problem(404, "not_found");
        other.redeem(&request).await.problem(404, "not_found");
    }
    // The cookie alone, stolen, is not enough either.
    let secret = page.cookie(&format!("request-{}", request.id)).unwrap();
    other.jar.lock().unwrap().insert(cookie, secret);
    other.redeem(&request).await.problem(401, "invalid_proof");
    page.redeem(&request).await.expect(201);
}

/// Point 2: foreign and unknown requests cannot be told apart.
#[tokio::test]
async fn foreign_and_unknown_requests_look_the_same() {
    let node = Node::start().await;
    let request = node.page().start().await;
    let unknown = Request { id: RequestId::from_random(fresh_bytes()).to_string(), body: Value::Null };
    let other = node.page();
    for method in ["state", "cancel", "user_code", "redeem"] {
        let mut seen = Vec::new();
        for request in [&request, &unknown] {
            let answer = match method {
                "state" => other.state(request).await,
                "cancel" => other.cancel(request).await,
                "user_code" => other.user_code(request).await,
                _ => other.redeem(request).await,
            };
            let names: BTreeSet<String> = answer.headers.keys().map(ToString::to_string).collect();
            seen.push((answer.status, answer.body, names));
        }
        assert_eq!(seen[0], seen[1], "{method}");
    }
}

/// Point 3.
#[tokio::test]
async fn ids_codes_and_secrets_that_a_client_chooses_are_ignored() {
    let node = Node::start().await;
    let page = node.page();
    let id = RequestId::from_random([1; 16]).to_string();
    let planted = base64url(&[1; 32]);
    page.jar.lock().unwrap().insert(format!("__Host-countersign-request-{id}"), planted.clone());
    page.jar.lock().unwrap().insert("__Host-countersign-session".to_owned(), planted.clone());
    let body = json!({ "id": id, "handle": id, "user_code": "BCDF-GHJK", "check": "47", "secret": planted, "state": "approved" });
    let started = page.start_with(body).await.expect(201);
    assert_ne!(started["id"], id.as_str());
    let request = Request { id: started["id"].as_str().unwrap().to_owned(), body: started };
    assert_ne!(page.cookie(&format!("request-{}", request.id)), Some(planted.clone()));

    let account = node.account("ada", None).await;
    let mut device = node.stranger();
    let enrolled = device
        .enrol_with(json!({
            "enrolment": node.link(account.id).await, "token": planted, "device_id": id,
            "device": { "id": id, "name": "Desk", "kind": "linux" },
        }))
        .await
        .expect(201);
    assert!(enrolled["token"] != planted.as_str() && enrolled["device_id"] != id.as_str());

    let body = json!({ "code": request.code(), "via": "camera", "ticket": id, "check": "47" });
    let scanned = device.call("POST", "/api/scans", Some(body)).await.expect(201);
    assert_ne!(scanned["ticket"], id.as_str());
    let scanned = crate::support::Scanned::read(scanned);
    let number = page.number(&request).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    page.redeem(&request).await.expect(201);
    assert_ne!(page.cookie("-session"), Some(planted));
}

/// Point 4.
#[tokio::test]
async fn two_hundred_redeems_make_one_session() {
    let node = Node::start().await;
    let (page, request, device, _) = approved(&node).await;
    let answers = join_all((0..200).map(|_| page.redeem(&request))).await;
    let cookies: BTreeSet<Vec<String>> = answers
        .into_iter()
        .map(|answer| {
            assert_eq!(answer.status, 201, "{}", answer.body);
            answer.cookies()
        })
        .collect();
    assert_eq!(cookies.len(), 1);
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
}

/// Point 4.
#[tokio::test]
async fn two_hundred_approvals_are_one_decision() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let number = page.number(&request).await;
    let statement = device.sign(&device.statement(&scanned, Decision::Approve, Some(&number)));
    let answers = join_all((0..200).map(|_| device.send_statement(&statement))).await;
    assert!(answers.iter().all(|answer| answer.status == 204));
    let activity = device.call("GET", "/api/activity", None).await.expect(200);
    let approvals = activity["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["kind"] == "sign_in_approved")
        .count();
    assert_eq!(approvals, 1);
}

/// Point 4: approve and deny at once; one of them counts, and the page hears of that one.
#[tokio::test]
async fn opposite_decisions_at_once_are_one_decision() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let number = page.number(&request).await;
    let approve = device.sign(&device.statement(&scanned, Decision::Approve, Some(&number)));
    let deny = device.sign(&device.statement(&scanned, Decision::Deny, None));
    let answers =
        join_all((0..40).map(|i| device.send_statement(if i % 2 == 0 { &approve } else { &deny }))).await;
    let (even, odd): (Vec<_>, Vec<_>) = answers.iter().enumerate().partition(|(i, _)| i % 2 == 0);
    let statuses = |side: Vec<(usize, &crate::support::Answer)>| -> BTreeSet<u16> {
        side.into_iter().map(|(_, answer)| answer.status).collect()
    };
    let (approvals, denials) = (statuses(even), statuses(odd));
    let stands = page.stands(&request).await;
    match stands.as_str() {
        "approved" => assert_eq!((approvals, denials), (BTreeSet::from([204]), BTreeSet::from([409]))),
        _ => assert_eq!(
            (approvals, denials, stands.as_str()),
            (BTreeSet::from([409]), BTreeSet::from([204]), "denied user")
        ),
    }
}

/// Points 4 and 11: a burst of all ninety numbers gets no further than three tries.
#[tokio::test]
async fn ninety_numbers_at_once_take_three_tries() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let right = page.number(&request).await;
    let wrong: Vec<String> = (10..100).map(|n: u32| n.to_string()).filter(|n| *n != right).collect();
    let answers = join_all(wrong.iter().map(|n| device.decide(&scanned, Decision::Approve, Some(n)))).await;
    let told_to_retry = answers.iter().filter(|answer| answer.status == 422).count();
    assert_eq!(told_to_retry, 2);
    assert_eq!(page.stands(&request).await, "denied check");
    device.decide(&scanned, Decision::Approve, Some(&right)).await.problem(410, "ended");
}

/// Point 5.
#[tokio::test]
async fn only_the_device_that_scanned_decides_and_only_for_its_own_account() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let number = page.number(&request).await;
    for name in ["ada", "mallory"] {
        let other = node.device(name).await;
        other.scan(&request.code(), "camera").await.problem(409, "already_scanned");
        other.decide(&scanned, Decision::Approve, Some(&number)).await.problem(404, "not_found");
        other.decide(&scanned, Decision::Deny, None).await.problem(404, "not_found");
        // The other device's key under the right device's name, and its own name under the right account.
        let mut statement = device.statement(&scanned, Decision::Approve, Some(&number));
        other.send_statement(&other.sign(&statement)).await.problem(404, "not_found");
        statement.device = other.id.unwrap();
        other.send_statement(&other.sign(&statement)).await.problem(404, "not_found");
    }
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    assert_eq!(page.redeem(&request).await.expect(201)["account"]["username"], "ada");
}

/// Point 6.
#[tokio::test]
async fn a_statement_with_any_field_changed_is_refused() {
    let node = Node::start().await;
    let (page, request, device, one) = scanned(&node).await;
    let number = page.number(&request).await;
    let other_page = node.page();
    let other = device.scanned(&other_page.start().await).await;
    let mallory = node.device("mallory").await;
    let good = device.statement(&one, Decision::Approve, Some(&number));
    let changed = [
        Statement { device: mallory.id.unwrap(), ..good.clone() },
        Statement { origin: Origin::parse("https://evil.example").unwrap(), ..good.clone() },
        Statement { account: mallory.account.unwrap(), ..good.clone() },
        Statement { ticket: Ticket::from_random(fresh_bytes()), ..good.clone() },
        Statement { ticket: other.ticket, ..good.clone() },
        Statement { context_hash: protocol::context::hash(&other.context), ..good.clone() },
        Statement { context_hash: [0; 32], ..good.clone() },
    ];
    for statement in &changed {
        device.send_statement(&device.sign(statement)).await.problem(404, "not_found");
    }
    let signed = device.sign(&good);
    let (head, signature) = signed.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let none = base64url(br#"{"typ":"login-decision+jwt","alg":"none"}"#);
    let hmac = base64url(br#"{"typ":"login-decision+jwt","alg":"HS256"}"#);
    let typ = base64url(br#"{"typ":"dpop+jwt","alg":"ES256"}"#);
    let deny = base64url(br#"{"decision":"approve"}"#);
    for text in [
        format!("{header}.{deny}.{signature}"),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{hmac}.{payload}.{signature}"),
        format!("{typ}.{payload}.{signature}"),
        format!("{head}.{}", base64url(&[0; 64])),
        head.to_owned(),
        String::new(),
        "a.b.c".to_owned(),
        "x".repeat(9_000),
    ] {
        device.send_statement(&text).await.problem(404, "not_found");
    }
    assert_eq!(page.stands(&request).await, "scanned");
    device.send_statement(&signed).await.expect(204);
    assert_eq!(
        other_page
            .state(&Request { id: other.body["request"].as_str().unwrap().to_owned(), body: Value::Null })
            .await
            .expect(200)["state"],
        "scanned"
    );
}

/// Point 6: a statement that was used changes nothing later.
#[tokio::test]
async fn a_replayed_statement_changes_nothing() {
    let node = Node::start().await;
    let (page, request, device, scanned) = approved(&node).await;
    page.redeem(&request).await.expect(201);
    page.end_session(json!({})).await.expect(204);
    let statement = device.sign(&device.statement(&scanned, Decision::Approve, Some("47")));
    device.send_statement(&statement).await.expect(204);
    assert_eq!(page.stands(&request).await, "redeemed");
    page.redeem(&request).await.problem(410, "ended");
    node.clock.advance_s(400);
    device.send_statement(&statement).await.problem(404, "not_found");
}

/// Point 7.
#[tokio::test]
async fn a_device_token_is_worth_nothing_without_its_key() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let mut thief = node.stranger();
    thief.token.clone_from(&device.token);
    for (method, path) in [
        ("GET", "/api/devices"),
        ("GET", "/api/sessions"),
        ("GET", "/api/activity"),
        ("DELETE", "/api/sessions"),
        ("POST", "/api/enrolments"),
    ] {
        thief.call(method, path, None).await.problem(401, "invalid_proof");
        let bearer = Extras {
            headers: vec![("authorization", format!("Bearer {}", device.token))],
            ..Extras::default()
        };
        thief.wire.call(method, path, bearer).await.problem(401, "invalid_token");
    }
    let without = Extras { token: Some(&device.token), ..Extras::default() };
    thief.wire.call("GET", "/api/devices", without).await.problem(401, "invalid_proof");
}

/// Point 9: neither states before the approval nor what the authenticator gets name anybody or hold the page's secrets.
#[tokio::test]
async fn nothing_personal_reaches_a_page_before_approval() {
    let node = Node::start().await;
    let (page, request, _, scanned) = scanned(&node).await;
    let number = page.number(&request).await;
    let state = page.state(&request).await.expect(200).to_string().to_lowercase();
    for word in ["ada", "desk", "203.0.113"] {
        assert!(!state.contains(word), "{word} in {state}");
    }
    assert_eq!(scanned.body["check"], true);
    assert!(!scanned.seen().to_string().contains(&format!("\"{number}\"")));
    let secret = page.cookie(&format!("request-{}", request.id)).unwrap();
    assert!(!scanned.body.to_string().contains(&secret) && !request.body.to_string().contains(&secret));
}

/// Point 9: what is logged during a whole login holds no secret and nobody's name.
#[tokio::test]
async fn no_secret_reaches_the_log() {
    let log = Log::of_this_process();
    let node = Node::start().await;
    let account = node.account("ada", Some("correct horse")).await;
    let code = node.link(account.id).await;
    let (page, request, device) = signed_in(&node).await;
    let mut second = node.stranger();
    second.enrol(&code).await.expect(201);
    let number = check_of(&page, &device, &node).await;
    page.refresh().await.expect(204);
    let link =
        device.call("POST", "/api/enrolments", None).await.expect(201)["link"].as_str().unwrap().to_owned();

    let text = log.text();
    assert!(text.contains("Signed in") && text.contains(&request.id), "{text}");
    let tokens = page
        .jar
        .lock()
        .unwrap()
        .iter()
        .filter(|(name, _)| !name.ends_with("-sid"))
        .map(|(_, v)| v.clone())
        .collect::<Vec<_>>();
    let link_code = link.rsplit('/').next().unwrap().to_owned();
    for secret in
        tokens.iter().chain([&device.token, &second.token, &code, &link_code, &request.code(), &number])
    {
        assert!(!text.contains(secret.as_str()), "{secret} in {text}");
    }
    for word in ["ada", "ADA", "203.0.113", "Desk", "Firefox", "correct horse"] {
        let lines: Vec<&str> =
            text.lines().filter(|line| line.contains("countersign") && line.contains(word)).collect();
        assert_eq!(lines, Vec::<&str>::new(), "{word}");
    }
}

/// A number with a word that cannot occur by chance: the user code of another request.
async fn check_of(page: &Page, device: &crate::support::Device, node: &Node) -> String {
    let request = page.start().await;
    let code = page.user_code(&request).await.expect(200)["user_code"].as_str().unwrap().to_owned();
    device.type_code(&code).await.expect(201);
    node.clock.advance_s(1);
    code
}

/// Point 9: tokens travel in cookies and one JSON member, and answers that hold them are not stored.
#[tokio::test]
async fn session_tokens_are_in_cookies_only_and_nothing_is_cached() {
    let node = Node::start().await;
    let (page, request, _, _) = approved(&node).await;
    let redeemed = page.redeem(&request).await;
    let token = page.cookie("-session").unwrap();
    assert!(!redeemed.body.to_string().contains(&token));
    assert!(!page.session().await.body.to_string().contains(&token));
    for answer in [redeemed, page.session().await, page.start_with(json!({})).await, page.refresh().await] {
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// One for all tests of the process: what a thread of its own hears depends on who else runs.
    fn of_this_process() -> Self {
        static LOG: LazyLock<Log> = LazyLock::new(|| {
            let log = Log::default();
            tracing_subscriber::fmt()
                .with_env_filter("countersign_server=trace,sqlx=debug,axum=trace")
                .with_ansi(false)
                .with_writer(log.clone())
                .init();
            log
        });
        LOG.clone()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
