//! How a device becomes an authenticator.

use countersign_server::config::PasswordEnrolment;
use protocol::link::Payload;
use serde_json::{Value, json};

use crate::support::{Device, Node, Options};

fn by_password(name: &str, password: &str) -> Value {
    json!({ "username": name, "password": password, "device": { "name": "Desk", "kind": "linux" } })
}

#[tokio::test]
async fn a_link_enrols_one_device_once() {
    let node = Node::start().await;
    let account = node.account("ada", None).await;
    let code = node.link(account.id).await;
    let mut device = node.stranger();
    let first = device.enrol(&code).await.expect(201);
    assert_eq!(
        first["server"],
        json!({ "name": "login.example.com", "origin": "https://login.example.com" })
    );
    assert_eq!(first["account"]["username"], "ada");
    let old_token = device.token.clone();

    // The same key again: the same device, a new token, the old one ends.
    node.clock.advance_s(599);
    let again = device.enrol(&code).await.expect(201);
    assert_eq!(again["device_id"], first["device_id"]);
    assert_ne!(device.token, old_token);
    device.call("GET", "/api/devices", None).await.expect(200);
    device.token = old_token;
    device.call("GET", "/api/devices", None).await.problem(401, "invalid_token");

    node.stranger().enrol(&code).await.problem(404, "not_found");
    node.clock.advance_s(1);
    device.enrol(&code).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_device_of_an_unknown_kind_uses_nothing_up() {
    let node = Node::start().await;
    let account = node.account("ada", None).await;
    let code = node.link(account.id).await;
    for kind in ["android", "Linux", "root", ""] {
        let body = json!({ "enrolment": code, "device": { "name": "Desk", "kind": kind } });
        node.stranger().enrol_with(body).await.problem(400, "malformed");
    }
    let body = json!({ "enrolment": code, "device": { "name": "Desk", "kind": "other" } });
    node.stranger().enrol_with(body).await.expect(201);
}

#[tokio::test]
async fn a_link_ends_after_ten_minutes() {
    for (at_s, good) in [(599, true), (600, false)] {
        let node = Node::start().await;
        let account = node.account("ada", None).await;
        let code = node.link(account.id).await;
        node.clock.advance_s(at_s);
        let answer = node.stranger().enrol(&code).await;
        if good { drop(answer.expect(201)) } else { drop(answer.problem(404, "not_found")) }
    }
}

#[tokio::test]
async fn two_hundred_at_once_make_one_device() {
    let node = Node::start().await;
    let account = node.account("ada", None).await;
    let code = node.link(account.id).await;
    let mut devices: Vec<Device> = (0..50).map(|i| node.stranger_at(&format!("203.0.113.{i}"))).collect();
    let answers = futures_util::future::join_all(devices.iter_mut().map(|device| device.enrol(&code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(node.durable.devices(account.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_authenticator_invites_another_one() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let made = device.call("POST", "/api/enrolments", None).await.expect(201);
    assert_eq!(made["expires_at"].as_i64().unwrap() - made["now"].as_i64().unwrap(), 600);
    let Payload::Enrol(link) = Payload::parse(made["link"].as_str().unwrap()) else { panic!("{made}") };
    assert_eq!((link.origin.as_str(), link.pin), ("https://login.example.com", None));
    let mut second = node.stranger();
    second.enrol(&link.code.expose().to_lowercase()).await.expect(201);
    assert_eq!(second.account, device.account);
    // It shows in the activity of the other one.
    let activity = device.call("GET", "/api/activity?after=0", None).await.expect(200);
    let last = activity["entries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["kind"], "device_enrolled");
}

#[tokio::test]
async fn unknown_codes_of_any_form_look_the_same() {
    let node = Node::start().await;
    let mut device = node.stranger();
    for code in ["AAAAAAAAAAAAAAAAAAAAAAAAAA", "short", "", "!"] {
        device.enrol(code).await.problem(404, "not_found");
    }
    let nameless = json!({ "enrolment": "x", "device": { "name": " \u{202E}", "kind": "linux" } });
    device.enrol_with(nameless).await.problem(400, "malformed");
    device.enrol_with(json!({ "device": { "name": "x", "kind": "linux" } })).await.problem(400, "malformed");
}

#[tokio::test]
async fn a_password_enrols_the_first_device_only() {
    let node = Node::start().await;
    node.account("ada", Some("correct horse")).await;
    let mut first = node.stranger();
    first.enrol_with(by_password("Ada", "correct horse")).await.expect(201);
    // The same key may repeat, another device may not.
    first.enrol_with(by_password("ada", "correct horse")).await.expect(201);
    let mut second = node.stranger();
    second.enrol_with(by_password("ada", "correct horse")).await.problem(401, "enrolment_refused");
    // Nor once that first device is gone.
    let path = format!("/api/devices/{}", first.id.unwrap());
    first.call("DELETE", &path, None).await.expect(204);
    second.enrol_with(by_password("ada", "correct horse")).await.problem(401, "enrolment_refused");
}

#[tokio::test]
async fn the_rule_for_passwords_is_a_setting() {
    for (rule, second_status) in [(PasswordEnrolment::Always, 201), (PasswordEnrolment::Never, 401)] {
        let options = Options::with(|settings| settings.enrolment.by_password = rule);
        let node = Node::with(options).await;
        node.account("ada", Some("correct horse")).await;
        for _ in 0..2 {
            let answer = node.stranger().enrol_with(by_password("ada", "correct horse")).await;
            assert_eq!(answer.status, second_status);
        }
    }
}

#[tokio::test]
async fn every_refused_password_gives_the_same_answer() {
    use countersign_server::store::{AccountState, By};
    let node = Node::start().await;
    node.account("ada", Some("correct horse")).await;
    node.account("linkonly", None).await;
    let disabled = node.account("gone", Some("correct horse")).await;
    node.durable
        .set_account_state(disabled.id, AccountState::Disabled, &By::operator(), node.now())
        .await
        .unwrap();
    let used = node.device("used").await;
    assert!(used.account.is_some());
    let mut seen = Vec::new();
    for (name, password) in [
        ("ada", "wrong"),
        ("ada", ""),
        ("nobody", "correct horse"),
        ("", ""),
        ("\u{0}", "x"),
        ("linkonly", "correct horse"),
        ("gone", "correct horse"),
        ("used", "correct horse"),
    ] {
        let answer = node.stranger().enrol_with(by_password(name, password)).await;
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        seen.push((names, answer.problem(401, "enrolment_refused")));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}
