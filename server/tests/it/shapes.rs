//! The JSON of each body, member for member.

use insta::assert_json_snapshot;
use protocol::statement::Decision;
use serde_json::json;

use crate::support::{Extras, Node, approved, signed_in, wrong_number};

#[tokio::test]
async fn request_state() {
    let _sorted = sorted();
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    assert_json_snapshot!("waiting", request.body, {
        ".id" => "[id]", ".frame.url" => "[link]", ".frame.png" => "[png]",
    });
    page.user_code(&request).await.expect(200);
    let state = page.state(&request).await.expect(200);
    assert_json_snapshot!("user_code", state, { ".id" => "[id]", ".user_code" => "[code]" });
    page.cancel(&request).await.expect(204);
    assert_json_snapshot!("cancelled", page.state(&request).await.expect(200), { ".id" => "[id]" });
    let (page, request, _, _) = crate::support::scanned(&node).await;
    let state = page.state(&request).await.expect(200);
    assert_json_snapshot!("scanned", state, { ".id" => "[id]", ".check" => "[number]" });
}

#[tokio::test]
async fn scan_and_context() {
    let _sorted = sorted();
    let node = Node::start().await;
    let (_, _, _, scanned) = crate::support::scanned(&node).await;
    assert_json_snapshot!("scan", scanned.body, {
        ".request" => "[id]", ".ticket" => "[ticket]", ".context" => "[context]",
    });
    assert_json_snapshot!("context", scanned.seen(), { ".request" => "[id]", ".page_key" => "[thumbprint]" });
}

#[tokio::test]
async fn redeem_and_session() {
    let _sorted = sorted();
    let node = Node::start().await;
    let (page, request, _, _) = approved(&node).await;
    assert_json_snapshot!("redeem", page.redeem(&request).await.expect(201));
    assert_json_snapshot!("session", page.session().await.expect(200));
}

#[tokio::test]
async fn devices_and_enrolments() {
    let _sorted = sorted();
    let node = Node::start().await;
    let account = node.account("ada", None).await;
    let mut device = node.stranger();
    let enrolled = device.enrol(&node.link(account.id).await).await.expect(201);
    assert_json_snapshot!("enrolled", enrolled, {
        ".device_id" => "[id]", ".token" => "[token]", ".account.id" => "[id]",
    });
    let devices = device.call("GET", "/api/devices", None).await.expect(200);
    assert_json_snapshot!("devices", devices, { ".devices[].id" => "[id]" });
    let made = device.call("POST", "/api/enrolments", None).await.expect(201);
    assert_json_snapshot!("enrolment", made, { ".link" => "[link]" });
}

#[tokio::test]
async fn sessions_and_activity() {
    let _sorted = sorted();
    let node = Node::start().await;
    let (_, _, device) = signed_in(&node).await;
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_json_snapshot!("sessions", sessions, {
        ".sessions[].id" => "[id]", ".sessions[].request" => "[id]", ".sessions[].device.id" => "[id]",
    });
    let activity = device.call("GET", "/api/activity?after=0", None).await.expect(200);
    assert_json_snapshot!("activity", activity, {
        ".entries[].device" => "[id]", ".entries[].session" => "[id]", ".entries[].hash" => "[hash]",
        ".entries[].body" => "[body]", ".head.hash" => "[hash]",
    });
}

#[tokio::test]
async fn problems() {
    let _sorted = sorted();
    let node = Node::start().await;
    let (page, request, device, scanned) = crate::support::scanned(&node).await;
    let wrong = wrong_number(&page.number(&request).await);
    assert_json_snapshot!(
        "wrong_check",
        device.decide(&scanned, Decision::Approve, Some(wrong)).await.expect(422)
    );
    assert_json_snapshot!("not_found", node.page().state(&request).await.expect(404));
    assert_json_snapshot!("malformed", page.start_with(json!({ "return_to": "//x" })).await.expect(400));
    assert_json_snapshot!("stale", {
        let (page, _, _) = signed_in(&node).await;
        page.drop_cookie("-session");
        page.session().await.expect(401)
    });
}

#[tokio::test]
async fn well_known() {
    let _sorted = sorted();
    let node = Node::start().await;
    let answer = node.page().wire.call("GET", "/.well-known/countersign", Extras::default()).await;
    assert_json_snapshot!("well_known", answer.expect(200));
}

/// Members by name: whether a map keeps their order depends on which crates are compiled along.
fn sorted() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.set_sort_maps(true);
    settings.bind_to_scope()
}
