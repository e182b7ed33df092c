//! Whole logins, and the ways in which they end otherwise.

use protocol::statement::Decision;
use serde_json::{Value, json};

use crate::support::{Node, Scanned, approved, code_of, scanned, signed_in, wrong_number};

#[tokio::test]
async fn a_page_is_signed_in_by_an_approval_with_its_number() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let page = node.page();

    let request = page.start().await;
    assert_eq!(request.body["state"], "waiting");
    let scanned = device.scanned(&request).await;
    assert_eq!(page.stands(&request).await, "scanned");
    let number = page.number(&request).await;
    assert_eq!(device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204), "");
    assert_eq!(page.stands(&request).await, "approved");

    let redeemed = page.redeem(&request).await.expect(201);
    assert_eq!(redeemed["account"], json!({ "username": "ada", "display_name": "ADA" }));
    assert_eq!(page.stands(&request).await, "redeemed");
    let session = page.session().await.expect(200);
    assert_eq!(session["device"]["name"], "Desk");
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_eq!(sessions["sessions"][0]["request"], request.id.as_str());
}

#[tokio::test]
async fn a_typed_code_signs_in_as_well() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let page = node.page();
    let request = page.start().await;
    let shown = page.user_code(&request).await.expect(200);
    assert_eq!(shown["frame"], Value::Null);
    let code = shown["user_code"].as_str().unwrap().to_owned();
    assert_eq!(page.user_code(&request).await.expect(200)["user_code"], code.as_str());

    device.scan(&request.code(), "camera").await.problem(410, "frame_expired");
    let typed = code.to_lowercase().replace('-', " ");
    let scanned = Scanned::read(device.type_code(&typed).await.expect(201));
    assert_eq!(scanned.seen()["via"], "typed");
    assert_eq!(scanned.seen()["seen"]["frame_age_s"], Value::Null);
    page.user_code(&request).await.problem(409, "already_scanned");
    let number = page.number(&request).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    page.redeem(&request).await.expect(201);
}

#[tokio::test]
async fn deny_and_report_reach_the_page() {
    for (decision, stands) in [(Decision::Deny, "denied user"), (Decision::Report, "denied reported")] {
        let node = Node::start().await;
        let (page, request, device, scanned) = scanned(&node).await;
        device.decide(&scanned, decision, None).await.expect(204);
        assert_eq!(page.stands(&request).await, stands);
        page.redeem(&request).await.problem(410, "ended");
        device.decide(&scanned, decision, None).await.expect(204);
        device.decide(&scanned, Decision::Approve, Some("47")).await.problem(409, "already_decided");
    }
}

#[tokio::test]
async fn the_third_wrong_number_ends_the_request() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let right = page.number(&request).await;
    let wrong = wrong_number(&right);
    for left in [2, 1] {
        let problem =
            device.decide(&scanned, Decision::Approve, Some(wrong)).await.problem(422, "wrong_check");
        assert_eq!(problem["tries_left"], left);
    }
    device.decide(&scanned, Decision::Approve, Some(wrong)).await.problem(410, "ended");
    assert_eq!(page.stands(&request).await, "denied check");
    device.decide(&scanned, Decision::Approve, Some(&right)).await.problem(410, "ended");
    page.redeem(&request).await.problem(410, "ended");
    let activity = device.call("GET", "/api/activity?after=0", None).await.expect(200);
    assert!(activity["entries"].as_array().unwrap().iter().any(|entry| entry["kind"] == "sign_in_refused"));
}

#[tokio::test]
async fn an_approval_without_its_number_takes_a_try() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let problem = device.decide(&scanned, Decision::Approve, None).await.problem(422, "wrong_check");
    assert_eq!(problem["tries_left"], 2);
    let number = page.number(&request).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
}

#[tokio::test]
async fn repeats_by_the_same_party_change_nothing() {
    let node = Node::start().await;
    let (page, request, device, first) = scanned(&node).await;
    let number = page.number(&request).await;
    node.clock.advance_s(90);

    // A frame that has grown old still answers to the device that scanned it.
    let again = Scanned::read(device.scan(&request.code(), "image").await.expect(201));
    assert_eq!((again.ticket, &again.context), (first.ticket, &first.context));
    assert_eq!(again.body["expires_at"], first.body["expires_at"]);
    assert_eq!(page.number(&request).await, number);

    let statement = device.sign(&device.statement(&first, Decision::Approve, Some(&number)));
    for _ in 0..3 {
        device.send_statement(&statement).await.expect(204);
    }
    device.decide(&first, Decision::Deny, None).await.problem(409, "already_decided");
    device.scan(&request.code(), "camera").await.problem(410, "ended");

    let one = page.redeem(&request).await;
    let two = page.redeem(&request).await;
    assert_eq!((one.status, two.status), (201, 201));
    assert_eq!(one.cookies(), two.cookies());
    device.send_statement(&statement).await.expect(204);
}

#[tokio::test]
async fn a_cancelled_request_is_over_for_everybody() {
    let node = Node::start().await;
    let (page, request, device, scanned) = approved(&node).await;
    page.cancel(&request).await.expect(204);
    page.cancel(&request).await.expect(204);
    assert_eq!(page.stands(&request).await, "cancelled page");
    page.redeem(&request).await.problem(410, "ended");
    device.scan(&request.code(), "camera").await.problem(410, "ended");
    device.decide(&scanned, Decision::Deny, None).await.problem(409, "already_decided");
}

#[tokio::test]
async fn redeeming_too_early_is_told_apart_from_too_late() {
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    page.redeem(&request).await.problem(409, "not_approved");
    let device = node.device("ada").await;
    device.scanned(&request).await;
    page.redeem(&request).await.problem(409, "not_approved");
}

#[tokio::test]
async fn frames_change_and_each_shows_the_same_request() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let page = node.page();
    let request = page.start().await;
    node.clock.advance_s(31);
    let state = page.state(&request).await.expect(200);
    assert_ne!(code_of(&state), request.code());
    let scanned = Scanned::read(device.scan(&code_of(&state), "camera").await.expect(201));
    assert_eq!(scanned.body["request"], request.id.as_str());
    assert_eq!(scanned.seen()["seen"]["frame_age_s"], 1);
}

#[tokio::test]
async fn the_browser_is_known_the_second_time_and_its_older_session_ends() {
    let node = Node::start().await;
    let (page, first, device) = signed_in(&node).await;
    let request = page.start().await;
    let scanned = device.scanned(&request).await;
    assert_eq!(scanned.seen()["seen"]["known_browser"], true);
    let number = page.number(&request).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    page.redeem(&request).await.expect(201);
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    assert_ne!(sessions["sessions"][0]["request"], first.id.as_str());
}

#[tokio::test]
async fn return_to_comes_back_and_never_leads_away() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let page = node.page();
    for bad in
        ["//evil.example", "https://evil.example/", "/\\evil.example", "/a\u{0}b", "javascript:alert(1)"]
    {
        page.start_with(json!({ "return_to": bad })).await.problem(400, "malformed");
    }
    page.start_with(json!({ "return_to": 1 })).await.problem(400, "malformed");
    let body = page.start_with(json!({ "return_to": "/inbox?x=1", "id": "chosen" })).await.expect(201);
    let request = crate::support::Request { id: body["id"].as_str().unwrap().to_owned(), body };
    let scanned = device.scanned(&request).await;
    let number = page.number(&request).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    assert_eq!(page.redeem(&request).await.expect(201)["return_to"], "/inbox?x=1");
}
