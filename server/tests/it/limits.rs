//! Point 11: guessing is limited and live requests are capped.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use countersign_server::store::in_process::InProcess;
use protocol::encoding::base64url;
use protocol::id::StoreId;
use protocol::request::Lives;
use protocol::statement::Decision;
use protocol::user_code::UserCode;
use serde_json::json;

use crate::support::{Extras, Node, Options, fresh_bytes};

#[tokio::test]
async fn live_requests_of_one_address_are_capped() {
    let node = Node::with(Options::with(|settings| settings.limits.live_requests_per_address = 3)).await;
    let page = node.page();
    let first = page.start().await;
    page.start().await;
    page.start().await;
    page.start_with(json!({})).await.problem(429, "too_many_requests");
    node.page_at("198.51.100.20").start().await;
    page.cancel(&first).await.expect(204);
    page.start().await;
    page.start_with(json!({})).await.problem(429, "too_many_requests");
    node.clock.advance_s(300);
    page.start().await;
}

#[tokio::test]
async fn an_ipv6_prefix_is_one_address() {
    let node = Node::with(Options::with(|settings| settings.limits.live_requests_per_address = 1)).await;
    node.page_at("2001:db8:1:2::1").start().await;
    node.page_at("2001:db8:1:2:ffff::9").start_with(json!({})).await.problem(429, "too_many_requests");
    node.page_at("2001:db8:1:3::1").start().await;
}

#[tokio::test]
async fn starts_of_one_address_are_limited() {
    let node = Node::with(Options::with(|settings| settings.limits.starts_per_address = 4)).await;
    let page = node.page();
    for _ in 0..4 {
        let request = page.start().await;
        page.cancel(&request).await.expect(204);
    }
    let answer = page.start_with(json!({})).await;
    let wait_s: u32 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=601).contains(&wait_s), "{wait_s}");
    answer.problem(429, "too_many_requests");
    node.clock.advance_s(wait_s);
    page.start().await;
}

#[tokio::test]
async fn failed_proofs_and_tokens_of_one_address_are_limited() {
    let node = Node::with(Options::with(|settings| settings.limits.failed_proofs_per_address = 10)).await;
    let good = node.device("ada").await;
    let mut thief = node.stranger();
    for _ in 0..5 {
        thief.token = base64url(&[fresh_bytes(), fresh_bytes()].concat());
        thief.call("GET", "/api/devices", None).await.problem(401, "invalid_token");
        thief.send_statement("a.b.c").await.problem(404, "not_found");
    }
    thief.call("GET", "/api/devices", None).await.problem(429, "too_many_requests");
    thief.send_statement("a.b.c").await.problem(429, "too_many_requests");
    good.call("GET", "/api/devices", None).await.problem(429, "too_many_requests");
    // Another address goes on, and a page without proofs polls on.
    let mut elsewhere = good;
    elsewhere.wire.address = "198.51.100.20".to_owned();
    elsewhere.call("GET", "/api/devices", None).await.expect(200);
    node.clock.advance_s(601);
    thief.call("GET", "/api/devices", None).await.problem(401, "invalid_token");
}

/// Only a proof whose signature is good is told that its nonce is not, so that answer shows who was verified.
#[tokio::test]
async fn a_single_node_verifies_nothing_of_an_address_above_its_limit() {
    let id = StoreId::from_random(fresh_bytes());
    let in_process = Arc::new(InProcess::new(id, Lives::default(), 100));
    let node = Node::start().await.beside(in_process).await;
    let page = node.page();
    let (path, extras) = ("/api/login-requests", Extras::default());
    let start = |proof| page.wire.send("POST", path, &extras, Some(proof));
    let without_nonce = || {
        *page.wire.nonce.lock().unwrap() = None;
        page.wire.proof("POST", path, None)
    };
    start(without_nonce()).await.problem(401, "use_dpop_nonce");
    for _ in 0..node.service.settings().limits.failed_proofs_per_address {
        start("a.b.c".to_owned()).await.problem(401, "invalid_proof");
    }
    start(without_nonce()).await.problem(429, "too_many_requests");
}

#[tokio::test]
async fn asking_for_a_nonce_is_no_failure() {
    let node = Node::with(Options::with(|settings| settings.limits.failed_proofs_per_address = 2)).await;
    let page = node.page();
    for _ in 0..5 {
        *page.wire.nonce.lock().unwrap() = Some(String::new());
        page.start().await;
    }
}

#[tokio::test]
async fn five_wrong_typed_codes_of_a_device_are_the_last() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let page = node.page();
    let request = page.start().await;
    let right = page.user_code(&request).await.expect(200)["user_code"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        let wrong = UserCode::from_random(fresh_bytes()).to_string();
        device.type_code(&wrong).await.problem(404, "not_found");
    }
    device.type_code(&right).await.problem(429, "too_many_requests");
    // Frames are no guesses.
    let other = node.page();
    device.scanned(&other.start().await).await;
    node.clock.advance_s(280);
    device.type_code(&right).await.problem(429, "too_many_requests");
    node.device("ada").await.type_code(&right).await.expect(201);
}

#[tokio::test]
async fn a_burst_of_guesses_passes_no_limit_together() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let codes: Vec<String> = (0..40).map(|_| UserCode::from_random(fresh_bytes()).to_string()).collect();
    let answers = futures_util::future::join_all(codes.iter().map(|code| device.type_code(code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 404).count(), 5);
    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 35);
    assert_eq!(node.line.typed.load(Ordering::Acquire), 5, "codes that were compared");
}

#[tokio::test]
async fn twenty_wrong_typed_codes_of_an_account_are_the_last_of_the_hour() {
    let node = Node::start().await;
    for _ in 0..4 {
        let device = node.device("ada").await;
        for _ in 0..5 {
            device.type_code("BCDF-GHJK").await.problem(404, "not_found");
        }
    }
    let fifth = node.device("ada").await;
    fifth.type_code("BCDF-GHJK").await.problem(429, "too_many_requests");
    node.device("grace").await.type_code("BCDF-GHJK").await.problem(404, "not_found");
    node.clock.advance_s(3_601);
    fifth.type_code("BCDF-GHJK").await.problem(404, "not_found");
}

#[tokio::test]
async fn right_codes_are_not_counted() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    for _ in 0..7 {
        let page = node.page();
        let request = page.start().await;
        let code = page.user_code(&request).await.expect(200)["user_code"].as_str().unwrap().to_owned();
        let scanned = crate::support::Scanned::read(device.type_code(&code).await.expect(201));
        device.decide(&scanned, Decision::Deny, None).await.expect(204);
    }
}

#[tokio::test]
async fn passwords_are_limited_by_account_and_by_address() {
    let node = Node::with(Options::with(|settings| {
        settings.limits.wrong_passwords_per_account = 3;
        settings.limits.wrong_passwords_per_address = 5;
    }))
    .await;
    node.account("ada", Some("correct horse")).await;
    let body = |name: &str, password: &str| json!({ "username": name, "password": password, "device": { "name": "x", "kind": "other" } });
    for i in 0..3 {
        let mut guesser = node.stranger_at(&format!("198.51.100.{i}"));
        guesser.enrol_with(body("ada", "wrong")).await.problem(401, "enrolment_refused");
    }
    node.stranger().enrol_with(body("ADA", "correct horse")).await.problem(429, "too_many_requests");
    let mut sprayer = node.stranger_at("192.0.2.1");
    for i in 0..5 {
        sprayer.enrol_with(body(&format!("user{i}"), "123456")).await.problem(401, "enrolment_refused");
    }
    sprayer.enrol_with(body("user9", "123456")).await.problem(429, "too_many_requests");
    node.clock.advance_s(601);
    node.stranger().enrol_with(body("ada", "correct horse")).await.expect(201);
}

/// The limit must not tell what the answer hides: whether a password that may not enrol is right.
#[tokio::test]
async fn a_right_password_that_may_not_enrol_counts_as_a_wrong_one() {
    let node = Node::with(Options::with(|settings| settings.limits.wrong_passwords_per_address = 3)).await;
    let account = node.account("ada", Some("correct horse")).await;
    node.stranger_at("198.51.100.20").enrol(&node.link(account.id).await).await.expect(201);
    for password in ["correct horse", "wrong"] {
        let mut guesser = node.stranger_at(if password == "wrong" { "192.0.2.1" } else { "192.0.2.2" });
        let body =
            json!({ "username": "ada", "password": password, "device": { "name": "x", "kind": "other" } });
        for _ in 0..3 {
            guesser.enrol_with(body.clone()).await.problem(401, "enrolment_refused");
        }
        guesser.enrol_with(body).await.problem(429, "too_many_requests");
    }
}
