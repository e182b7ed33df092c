//! `same_network` and the relay guard.

use countersign_server::config::{RelayGuard, Settings};
use serde_json::{Value, json};

use crate::support::{Device, Node, Options, Page, Scanned, wrong_number};

const HERE: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.20";

async fn device_at(node: &Node, address: &str) -> Device {
    let account = node.account("ada", None).await;
    let code = node.link(account.id).await;
    let mut device = node.stranger_at(address);
    device.enrol(&code).await.expect(201);
    device
}

async fn scan(page: &Page, device: &Device, via: &str) -> crate::support::Answer {
    let request = page.start().await;
    device.scan(&request.code(), via).await
}

#[tokio::test]
async fn the_context_says_whether_both_share_a_network() {
    let node = Node::start().await;
    for (page, device, same) in [
        (HERE, HERE, json!(true)),
        (HERE, ELSEWHERE, json!(false)),
        ("2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", json!(true)),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", json!(false)),
        ("2001:db8:1:2::1", HERE, Value::Null),
        ("::ffff:203.0.113.7", HERE, json!(true)),
        ("not an address", HERE, Value::Null),
    ] {
        let seen = Scanned::read(
            scan(&node.page_at(page), &device_at(&node, device).await, "camera").await.expect(201),
        )
        .seen();
        assert_eq!(seen["seen"]["same_network"], same, "{page} {device}");
    }
}

#[tokio::test]
async fn an_unlisted_proxy_makes_it_unknown() {
    // Nobody is listed here, and both peers send the header of a proxy.
    let node =
        Node::with(Options { settings: Settings::in_memory(), origin: "https://login.example.com" }).await;
    let device = device_at(&node, HERE).await;
    let seen = Scanned::read(scan(&node.page(), &device, "camera").await.expect(201)).seen();
    assert_eq!(
        (seen["seen"]["same_network"].clone(), seen["seen"]["address"].clone()),
        (Value::Null, json!("127.0.0.1"))
    );
}

#[tokio::test]
async fn screen_and_link_need_a_shared_network_and_the_others_are_warned_of() {
    let node = Node::start().await;
    let far = device_at(&node, ELSEWHERE).await;
    let near = device_at(&node, HERE).await;
    for (via, status) in [("camera", 201), ("image", 201), ("screen", 403), ("link", 403)] {
        let page = node.page();
        let request = page.start().await;
        let answer = far.scan(&request.code(), via).await;
        assert_eq!(answer.status, status, "{via}");
        if status == 403 {
            answer.problem(403, "network_refused");
            assert_eq!(page.stands(&request).await, "denied network");
            near.scan(&request.code(), "camera").await.problem(410, "ended");
        }
        assert_eq!(scan(&node.page(), &near, via).await.status, 201, "{via}");
    }
    let unknown = node.page_at("2001:db8::1");
    scan(&unknown, &near, "screen").await.problem(403, "network_refused");
    let activity = far.call("GET", "/api/activity?after=0", None).await.expect(200);
    assert!(activity["entries"].as_array().unwrap().iter().any(|entry| entry["kind"] == "sign_in_refused"));
}

#[tokio::test]
async fn a_typed_code_from_elsewhere_is_only_warned_of() {
    let node = Node::start().await;
    let far = device_at(&node, ELSEWHERE).await;
    let page = node.page();
    let request = page.start().await;
    let code = page.user_code(&request).await.expect(200)["user_code"].as_str().unwrap().to_owned();
    far.type_code(&code).await.expect(201);
    assert_eq!(wrong_number("10"), "11");
}

#[tokio::test]
async fn the_setting_allows_screen_and_link() {
    let node = Node::with(Options::with(|settings| {
        settings.relay.allow_screen = true;
        settings.relay.allow_link = true;
    }))
    .await;
    let far = device_at(&node, ELSEWHERE).await;
    for via in ["screen", "link"] {
        scan(&node.page(), &far, via).await.expect(201);
    }
}

#[tokio::test]
async fn the_guard_refuses_whatever_does_not_share_a_network() {
    let node = Node::with(Options::with(|settings| {
        settings.relay.guard = RelayGuard::Refuse;
        settings.relay.allow_screen = true;
    }))
    .await;
    let far = device_at(&node, ELSEWHERE).await;
    for via in ["camera", "screen", "image", "link"] {
        scan(&node.page(), &far, via).await.problem(403, "network_refused");
        scan(&node.page_at("2001:db8::1"), &far, via).await.problem(403, "network_refused");
        scan(&node.page_at(ELSEWHERE), &far, via).await.expect(201);
    }
}

#[tokio::test]
async fn loopback_equals_loopback_under_a_loopback_origin() {
    let node = Node::with(Options { settings: Settings::in_memory(), origin: "http://127.0.0.1:8080" }).await;
    let account = node.account("ada", None).await;
    let mut device = node.stranger();
    let code = node.link(account.id).await;
    // Without a proxy's header the peer is the caller.
    device.wire.address = String::new();
    let mut page = node.page();
    page.wire.address = String::new();
    device.enrol(&code).await.expect(201);
    let seen = Scanned::read(scan(&page, &device, "screen").await.expect(201)).seen();
    assert_eq!(seen["seen"]["same_network"], true);
    assert!(page.cookies().contains("countersign-8080-request-") && !page.cookies().contains("__Host-"));
}
