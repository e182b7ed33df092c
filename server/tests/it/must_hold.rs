//! The first points of docs/protocol.md, "What must hold": codes, pages, ids, and many at once. 5 and 6 are in
//! `statements`, 7 in `proofs` and `sessions`, 8 in `deadlines`, 9 in `secrecy`, 11 in `limits`, 12 in `crash`, 13 in
//! `sessions` and `sockets`; 10 is the authenticator's.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use protocol::encoding::{array_from_base32, base64url};
use protocol::id::RequestId;
use protocol::request::State;
use protocol::statement::Decision;
use serde_json::{Value, json};

use crate::support::{Device, Node, Request, approved, fresh_bytes, scanned, wrong_number};

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
            assert!(answer.cookies().iter().all(|line| line.contains("Max-Age=0;")), "{method} {path}");
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
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
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
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
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
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
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

/// Points 4 and 11: a burst of all ninety numbers gets no further than three tries, and what the log says of it is what
/// came of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ninety_numbers_at_once_take_three_tries() {
    for with_the_right_one in [false, true, true, true] {
        let node = Node::start().await;
        let (page, request, device, scanned) = scanned(&node).await;
        let right = page.number(&request).await;
        let all = (10..100).map(|n: u32| n.to_string());
        let numbers: Vec<String> = all.filter(|n| with_the_right_one || *n != right).collect();
        let answers = numbers.iter().map(|n| device.decide(&scanned, Decision::Approve, Some(n)));
        let answers = join_all(answers).await;
        let told_to_retry = answers.iter().filter(|answer| answer.status == 422).count();
        let log = sign_ins(&device).await;
        if page.stands(&request).await == "denied check" {
            assert_eq!((told_to_retry, log), (2, vec!["sign_in_refused".to_owned()]));
            device.decide(&scanned, Decision::Approve, Some(&right)).await.problem(410, "ended");
        } else {
            assert!(with_the_right_one && told_to_retry <= 2);
            assert_eq!(log, ["sign_in_approved"]);
            page.redeem(&request).await.expect(201);
        }
    }
}

/// Points 4 and 11: a right number that others overtake has come too late, and the log says nothing else.
#[tokio::test]
async fn a_right_number_behind_three_wrong_ones_approves_nothing() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let right = page.number(&request).await;
    node.line.hold_back(|request| matches!(request.state, State::Scanned { .. }));
    let wrong_ones = async {
        node.line.held().await;
        let wrong = Some(wrong_number(&right));
        device.decide(&scanned, Decision::Approve, wrong).await.problem(422, "wrong_check");
        device.decide(&scanned, Decision::Approve, wrong).await.problem(422, "wrong_check");
        device.decide(&scanned, Decision::Approve, wrong).await.problem(410, "ended");
        node.line.release();
    };
    let (approval, ()) = join(device.decide(&scanned, Decision::Approve, Some(&right)), wrong_ones).await;
    approval.problem(410, "ended");
    assert_eq!(page.stands(&request).await, "denied check");
    assert_eq!(sign_ins(&device).await, ["sign_in_refused"]);
}

/// Points 4 and 11: an approval that is recorded stands, whatever number comes before the page hears of it.
#[tokio::test]
async fn wrong_numbers_behind_a_recorded_approval_change_nothing() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let right = page.number(&request).await;
    node.line.hold_back(|request| matches!(request.state, State::Approved { .. }));
    let wrong_ones = async {
        node.line.held().await;
        let wrong = Some(wrong_number(&right));
        device.decide(&scanned, Decision::Approve, wrong).await.problem(422, "wrong_check");
        for _ in 0..3 {
            device.decide(&scanned, Decision::Approve, wrong).await.expect(204);
        }
        node.line.release();
    };
    let (approval, ()) = join(device.decide(&scanned, Decision::Approve, Some(&right)), wrong_ones).await;
    approval.expect(204);
    assert_eq!(sign_ins(&device).await, ["sign_in_approved"]);
    page.redeem(&request).await.expect(201);
}

/// What the log says of sign-ins, oldest first.
async fn sign_ins(device: &Device) -> Vec<String> {
    let activity = device.call("GET", "/api/activity", None).await.expect(200);
    let kinds = activity["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap());
    kinds.filter(|kind| kind.starts_with("sign_in_")).map(str::to_owned).collect()
}
