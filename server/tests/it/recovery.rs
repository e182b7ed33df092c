//! Additions, recovery: ten one-time codes for whoever has lost the only authenticator.

use countersign_server::store::{AccountState, By};
use serde_json::{Value, json};

use crate::support::{Device, Node, Options};

fn by_recovery(name: &str, code: &str) -> Value {
    json!({ "username": name, "recovery_code": code, "device": { "name": "New desk", "kind": "linux" } })
}

async fn codes_of(device: &Device) -> Vec<String> {
    let made = device.call("POST", "/api/recovery-codes", None).await.expect(201);
    made["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

async fn left(device: &Device) -> Value {
    device.call("GET", "/api/recovery-codes", None).await.expect(200)["left"].clone()
}

#[tokio::test]
async fn ten_codes_are_told_once_and_stored_as_hashes() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let before = device.call("GET", "/api/recovery-codes", None).await.expect(200);
    assert_eq!((&before["left"], &before["made_at"]), (&json!(0), &Value::Null));
    let answer = device.call("POST", "/api/recovery-codes", None).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let made = answer.expect(201);
    let codes = made["codes"].as_array().unwrap();
    assert_eq!(codes.len(), 10);
    for code in codes {
        let code = code.as_str().unwrap();
        assert_eq!(code.len(), 19, "{code}");
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 4], "{code}");
    }
    let after = device.call("GET", "/api/recovery-codes", None).await.expect(200);
    assert_eq!((&after["left"], &after["made_at"]), (&json!(10), &made["now"]));
    assert_eq!(after.get("codes"), None);
}

#[tokio::test]
async fn a_code_makes_a_device_an_authenticator_and_the_others_hear_of_it() {
    let node = Node::start().await;
    let lost = node.device("ada").await;
    let codes = codes_of(&lost).await;
    let mut new = node.stranger();
    let typed = format!(" {} ", codes[4].to_lowercase().replace('-', " "));
    let enrolled = new.enrol_with(by_recovery(" ADA ", &typed)).await.expect(201);
    assert_eq!(enrolled["account"]["username"], "ada");
    assert_eq!(new.account, lost.account);
    assert_eq!(left(&new).await, 9);
    let activity = lost.call("GET", "/api/activity?after=0", None).await.expect(200);
    let last = activity["entries"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["kind"], &last["device"]), (&json!("device_enrolled"), &enrolled["device_id"]));
    assert_eq!(last["summary"], "New desk is trusted, added with a recovery code.");
    let body: Value = serde_json::from_str(last["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["by"], &body["count"]), (&json!("recovery_code"), &json!(9)));
    let made = activity["entries"].as_array().unwrap().iter().find(|e| e["kind"] == "recovery_codes_made");
    assert_eq!(made.unwrap()["device"], lost.id.unwrap().to_string());
    // And the lost one is removed from the new one.
    let path = format!("/api/devices/{}", lost.id.unwrap());
    new.call("DELETE", &path, None).await.expect(204);
    lost.call("GET", "/api/devices", None).await.problem(401, "invalid_token");
}

#[tokio::test]
async fn a_code_works_once_and_its_reply_may_be_lost() {
    let node = Node::start().await;
    let codes = codes_of(&node.device("ada").await).await;
    let mut new = node.stranger();
    let first = new.enrol_with(by_recovery("ada", &codes[0])).await.expect(201);
    let again = new.enrol_with(by_recovery("ada", &codes[0])).await.expect(201);
    assert_eq!(again["device_id"], first["device_id"]);
    assert_ne!(again["token"], first["token"]);
    node.stranger().enrol_with(by_recovery("ada", &codes[0])).await.problem(401, "enrolment_refused");
    node.clock.advance_s(600);
    new.enrol_with(by_recovery("ada", &codes[0])).await.problem(401, "enrolment_refused");
    assert_eq!(left(&new).await, 9);
}

#[tokio::test]
async fn fifty_uses_at_once_make_one_device() {
    let node =
        Node::with(Options::with(|settings| settings.limits.wrong_passwords_per_account = 1_000)).await;
    let device = node.device("ada").await;
    let codes = codes_of(&device).await;
    let mut strangers: Vec<_> = (0..50).map(|i| node.stranger_at(&format!("198.51.100.{i}"))).collect();
    let tries = strangers.iter_mut().map(|stranger| stranger.enrol_with(by_recovery("ada", &codes[0])));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(node.durable.devices(device.account.unwrap()).await.unwrap().len(), 2);
}

/// Wrong code, unknown name, disabled account, another account's code, a used one: the same answer.
#[tokio::test]
async fn every_refused_recovery_gives_the_same_answer() {
    let node = Node::start().await;
    let ada = node.device("ada").await;
    let eve = node.device("eve").await;
    node.account("plain", None).await;
    let (codes, eves) = (codes_of(&ada).await, codes_of(&eve).await);
    let gone = node.device("gone").await;
    let gones = codes_of(&gone).await;
    node.durable
        .set_account_state(gone.account.unwrap(), AccountState::Disabled, &By::operator(), node.now())
        .await
        .unwrap();
    node.stranger().enrol_with(by_recovery("ada", &codes[9])).await.expect(201);
    let mut seen = Vec::new();
    for (name, code) in [
        ("ada", "AAAA-AAAA-AAAA-AAAA"),
        ("ada", ""),
        ("ada", &eves[0]),
        ("ada", &codes[9]),
        ("nobody", &codes[0]),
        ("", &codes[0]),
        ("\u{0}", "x"),
        ("plain", "AAAA-AAAA-AAAA-AAAA"),
        ("gone", &gones[0]),
    ] {
        let answer = node.stranger().enrol_with(by_recovery(name, code)).await;
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        seen.push((names, answer.problem(401, "enrolment_refused")));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((left(&ada).await, left(&eve).await), (json!(9), json!(10)));
}

#[tokio::test]
async fn guesses_are_limited_per_account_and_per_address() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let codes = codes_of(&device).await;
    let guess = "AAAA-AAAA-AAAA-AAAA";
    // Ten on one account from anywhere; the right one is not even looked at then, and unknown names count alike.
    for name in ["ada", "nobody"] {
        for i in 0..10 {
            let mut stranger = node.stranger_at(&format!("198.51.100.{i}"));
            stranger.enrol_with(by_recovery(name, guess)).await.problem(401, "enrolment_refused");
        }
        let mut stranger = node.stranger_at("198.51.100.77");
        stranger.enrol_with(by_recovery(name, &codes[0])).await.problem(429, "too_many_requests");
    }
    node.clock.advance_s(1_200);
    let mut one = node.stranger_at("192.0.2.200");
    for i in 0..30 {
        one.enrol_with(by_recovery(&format!("user{i}"), guess)).await.problem(401, "enrolment_refused");
    }
    one.enrol_with(by_recovery("ada", &codes[0])).await.problem(429, "too_many_requests");
    node.stranger_at("192.0.2.201").enrol_with(by_recovery("ada", &codes[0])).await.expect(201);
}

#[tokio::test]
async fn new_codes_void_the_old_and_strangers_make_none() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let old = codes_of(&device).await;
    let new = codes_of(&device).await;
    node.stranger().enrol_with(by_recovery("ada", &old[0])).await.problem(401, "enrolment_refused");
    node.stranger().enrol_with(by_recovery("ada", &new[0])).await.expect(201);
    for method in ["GET", "POST"] {
        node.stranger().call(method, "/api/recovery-codes", None).await.problem(401, "invalid_token");
    }
}

/// A thief with a stolen computer makes codes: they end with its removal.
#[tokio::test]
async fn codes_made_at_a_stolen_computer_end_with_its_removal() {
    let node = Node::start().await;
    let own = node.device("ada").await;
    let stolen = node.device("ada").await;
    let codes = codes_of(&stolen).await;
    own.call("DELETE", &format!("/api/devices/{}", stolen.id.unwrap()), None).await.expect(204);
    node.stranger().enrol_with(by_recovery("ada", &codes[0])).await.problem(401, "enrolment_refused");
    assert_eq!(left(&own).await, 0);
}

#[tokio::test]
async fn a_full_account_is_told_to_whoever_has_a_good_code() {
    let node = Node::with(Options::with(|settings| settings.limits.devices_per_account = 1)).await;
    let device = node.device("ada").await;
    let codes = codes_of(&device).await;
    let mut new = node.stranger();
    new.enrol_with(by_recovery("ada", &codes[0])).await.problem(429, "too_many_requests");
    assert_eq!(left(&device).await, 10);
}
