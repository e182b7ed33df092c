//! Point 12: the process ends between two writes, a reply is lost, a store forgets.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use countersign_server::store::in_process::InProcess;
use countersign_server::store::{By, NewDecision, NewSession, Verdict};
use protocol::id::{RequestId, SessionId, StoreId};
use protocol::request::{Lives, Redeemer, State};
use protocol::statement::Decision;
use serde_json::json;

use crate::support::{Device, Extras, Node, Page, Request, Scanned, approved, fresh_bytes, scanned};

const APPROVED: Verdict = Verdict::Decided(Decision::Approve);

/// Writes the verdict to the durable store and nothing else, as a crash right after it leaves things.
async fn decide_and_crash(
    node: &Node,
    request: &Request,
    device: &Device,
    scanned: &Scanned,
    verdict: Verdict,
) {
    let new = NewDecision {
        ticket: scanned.ticket,
        request: RequestId::parse(&request.id).unwrap(),
        device: device.id.unwrap(),
        account: device.account.unwrap(),
        verdict,
        context: scanned.context.clone(),
        statement: "as signed".to_owned(),
        browser: String::new(),
        system: String::new(),
    };
    node.durable.record_decision(&new, &By::server(), node.now()).await.unwrap();
}

#[tokio::test]
async fn a_decision_that_a_crash_left_behind_shows_at_the_next_read() {
    for (verdict, stands) in [
        (Verdict::Decided(Decision::Approve), "approved"),
        (Verdict::Decided(Decision::Deny), "denied user"),
        (Verdict::Decided(Decision::Report), "denied reported"),
        (Verdict::WrongNumbers, "denied check"),
    ] {
        let node = Node::start().await;
        let (page, request, device, scanned) = scanned(&node).await;
        decide_and_crash(&node, &request, &device, &scanned, verdict).await;
        assert_eq!(page.stands(&request).await, stands);
    }
}

#[tokio::test]
async fn a_decision_that_a_crash_left_behind_shows_at_its_repeat() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let number = page.number(&request).await;
    decide_and_crash(&node, &request, &device, &scanned, APPROVED).await;
    node.clock.advance_s(20);
    device.decide(&scanned, Decision::Deny, None).await.problem(409, "already_decided");
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    // Its deadline counts from the decision, not from the repeat.
    node.clock.advance_s(39);
    page.redeem(&request).await.expect(201);
}

#[tokio::test]
async fn a_decision_that_a_crash_left_behind_can_be_redeemed_at_once() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    decide_and_crash(&node, &request, &device, &scanned, APPROVED).await;
    page.redeem(&request).await.expect(201);
}

#[tokio::test]
async fn a_decision_in_time_counts_although_nobody_read_it_in_time() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    node.clock.advance_s(110);
    decide_and_crash(&node, &request, &device, &scanned, APPROVED).await;
    node.clock.advance_s(40);
    assert_eq!(page.stands(&request).await, "approved");
    node.clock.advance_s(20);
    assert_eq!(page.stands(&request).await, "expired approved");
}

#[tokio::test]
async fn a_session_that_a_crash_left_behind_is_given_to_its_page() {
    let node = Node::start().await;
    let (page, request, device, scanned) = approved(&node).await;
    let made = redeem_and_crash(&node, &page, &request, &scanned).await;
    let session = page.redeem(&request).await.expect(201);
    assert_eq!(session["account"]["username"], "ada");
    assert_eq!(page.cookie("-sid"), Some(made.to_string()));
    page.session().await.expect(200);
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_that_a_crash_left_behind_is_not_told_as_expired() {
    let node = Node::start().await;
    let (page, request, _, scanned) = approved(&node).await;
    redeem_and_crash(&node, &page, &request, &scanned).await;
    node.clock.advance_s(61);
    assert_eq!(page.stands(&request).await, "redeemed");
}

#[tokio::test]
async fn a_store_that_forgot_gives_a_fresh_code_and_never_a_second_session() {
    let node = Node::start().await;
    let (page, request, device, scanned) = approved(&node).await;
    let empty = InProcess::new(StoreId::from_random(fresh_bytes()), Lives::default(), 1_000);
    let restarted = node.beside(Arc::new(empty)).await;
    let page = page.at(&restarted);
    page.state(&request).await.problem(404, "not_found");
    page.redeem(&request).await.problem(404, "not_found");
    let mut device = device;
    device.wire.base.clone_from(&restarted.base);
    device.decide(&scanned, Decision::Approve, Some("47")).await.problem(404, "not_found");
    // Nonces of the store that forgot are forgotten with it; the next call heals.
    let fresh = page.start().await;
    let scanned = device.scanned(&fresh).await;
    let number = page.number(&fresh).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    page.redeem(&fresh).await.expect(201);
}

/// Point 7: what was spent is forgotten with the store, so the nonces must go with it, on nodes that run on too.
#[tokio::test]
async fn a_proof_that_a_store_has_forgotten_is_not_taken_again() {
    let node = Node::start().await;
    let page = node.page();
    page.start().await;
    let proof = page.wire.proof("POST", "/api/login-requests", None);
    let extras = || Extras { body: Some(json!({})), ..Extras::default() };
    page.wire.send("POST", "/api/login-requests", &extras(), Some(proof.clone())).await.expect(201);
    node.line.loses.store(true, Ordering::Release);
    let again = page.wire.send("POST", "/api/login-requests", &extras(), Some(proof)).await;
    again.problem(401, "use_dpop_nonce");
    page.start().await;
}

#[tokio::test]
async fn a_store_out_of_reach_is_said_so_and_never_expired() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let number = page.number(&request).await;
    let nonce = page.wire.nonce.lock().unwrap().clone();
    node.line.cut.store(true, Ordering::Release);
    for answer in [
        page.state(&request).await,
        page.start_with(json!({})).await,
        page.redeem(&request).await,
        device.decide(&scanned, Decision::Approve, Some(&number)).await,
        device.scan(&request.code(), "camera").await,
    ] {
        assert!(answer.headers.contains_key("retry-after"));
        answer.problem(503, "store_unavailable");
    }
    assert!(node.service.is_ready().await.is_err());
    node.line.cut.store(false, Ordering::Release);
    assert_eq!(page.wire.nonce.lock().unwrap().clone(), nonce);
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    page.redeem(&request).await.expect(201);
}

#[tokio::test]
async fn a_full_store_is_a_limit() {
    let node = Node::start().await;
    let small = InProcess::new(StoreId::from_random(fresh_bytes()), Lives::default(), 1);
    let node = node.beside(Arc::new(small)).await;
    node.page_at("198.51.100.1").start().await;
    node.page_at("198.51.100.2").start_with(json!({})).await.problem(429, "too_many_requests");
}

#[tokio::test]
async fn any_node_serves_any_call() {
    let one = Node::start().await;
    let two = one.beside(Arc::clone(&one.short_lived)).await;
    let mut device = one.device("ada").await;
    let page = one.page();
    let request = page.start().await;
    let page = page.at(&two);
    let scanned = device.scanned(&request).await;
    let number = page.number(&request).await;
    device.wire.base.clone_from(&two.base);
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    let page = page.at(&one);
    let first = page.redeem(&request).await;
    let page = page.at(&two);
    let again = page.redeem(&request).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.cookies(), again.cookies());
    page.session().await.expect(200);
}

/// The page redeems, the record is put back to approved: as a crash between the two writes leaves it.
async fn redeem_and_crash(node: &Node, page: &Page, request: &Request, scanned: &Scanned) -> SessionId {
    let id = RequestId::parse(&request.id).unwrap();
    let read = node.short_lived.by_id(id).await.unwrap().unwrap();
    assert!(matches!(read.request.state, State::Approved { .. }));
    let Redeemer::Page { key, .. } = read.request.redeemer else { panic!("a page") };
    let secret =
        protocol::secret::Secret::parse(&page.cookie(&format!("request-{}", request.id)).unwrap()).unwrap();
    let frame_key =
        protocol::frame::FrameKey::derive(&protocol::secret::Secret::new([7; 32]), &read.request.handle);
    let session = SessionId::from_random(fresh_bytes());
    let new = NewSession {
        id: session,
        ticket: scanned.ticket,
        request: id,
        token: frame_key.session_token(&secret, &id).hash(),
        page_key: Some(key),
        consent: None,
        kind: countersign_server::config::SessionKind::Linked,
        address: "203.0.113.7".to_owned(),
        browser: String::new(),
        system: String::new(),
        verified: false,
    };
    let lives = countersign_server::store::SessionLives::default();
    node.durable.redeem(&new, 60, &lives, &By::server(), node.now()).await.unwrap();
    session
}
