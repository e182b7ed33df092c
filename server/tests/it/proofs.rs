//! The proof matrix (RFC 9449): what is refused, how, and what stays spent.

use protocol::encoding::{base64url, from_base64url};
use protocol::jws;
use serde_json::{Value, json};

use crate::support::{Answer, Extras, Node, Page, new_key, random};

const PATH: &str = "/api/login-requests";

/// Sends a start with this proof.
async fn start(page: &Page, proof: &str) -> Answer {
    let extras = Extras { body: Some(json!({})), ..Extras::default() };
    page.wire.send("POST", PATH, &extras, Some(proof.to_owned())).await
}

/// A page that knows a good nonce.
async fn page(node: &Node) -> Page {
    let page = node.page();
    page.start().await;
    page
}

fn claims(page: &Page) -> Value {
    json!({
        "htm": "POST", "htu": format!("{}{PATH}", page.wire.origin), "jti": base64url(&crate::support::fresh_bytes()),
        "iat": 1, "nonce": page.wire.nonce.lock().unwrap().clone(),
    })
}

fn signed(page: &Page, claims: &Value) -> String {
    jws::sign("dpop+jwt", claims, &page.wire.key, true, &random()).unwrap()
}

#[tokio::test]
async fn a_good_proof_counts_once() {
    let node = Node::start().await;
    let page = page(&node).await;
    let proof = page.wire.proof("POST", PATH, None);
    start(&page, &proof).await.expect(201);
    start(&page, &proof).await.problem(401, "invalid_proof");
}

#[tokio::test]
async fn a_proof_stays_spent_whatever_the_answer_was() {
    let node = Node::start().await;
    let page = page(&node).await;
    let proof = page.wire.proof("POST", PATH, None);
    let bad = Extras { body: Some(json!({ "return_to": "//evil.example" })), ..Extras::default() };
    page.wire.send("POST", PATH, &bad, Some(proof.clone())).await.problem(400, "malformed");
    start(&page, &proof).await.problem(401, "invalid_proof");
    // Still so when the nonce is nearly over.
    node.clock.advance_s(299);
    start(&page, &proof).await.problem(401, "invalid_proof");
}

#[tokio::test]
async fn nonces_are_asked_for_and_live_five_minutes() {
    let node = Node::start().await;
    let page = page(&node).await;
    for nonce in [Value::Null, json!(""), json!("guess"), json!(base64url(&[0; 24]))] {
        let mut claims = claims(&page);
        claims["nonce"] = nonce;
        start(&page, &signed(&page, &claims)).await.problem(401, "use_dpop_nonce");
    }
    let mut without = claims(&page);
    without.as_object_mut().unwrap().remove("nonce");
    start(&page, &signed(&page, &without)).await.problem(401, "use_dpop_nonce");

    let aged = claims(&page);
    let also_aged = claims(&page);
    node.clock.advance_s(299);
    start(&page, &signed(&page, &aged)).await.expect(201);
    node.clock.advance_s(1);
    let answer = start(&page, &signed(&page, &also_aged)).await;
    let fresh = answer.headers["dpop-nonce"].to_str().unwrap().to_owned();
    answer.problem(401, "use_dpop_nonce");
    let mut claims = claims(&page);
    claims["nonce"] = json!(fresh);
    start(&page, &signed(&page, &claims)).await.expect(201);
}

#[tokio::test]
async fn a_proof_for_another_call_is_refused() {
    let node = Node::start().await;
    let page = page(&node).await;
    let origin = page.wire.origin.to_string();
    for (member, value) in [
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htu", json!(format!("{origin}/api/devices"))),
        ("htu", json!(format!("{origin}{PATH}?x"))),
        ("htu", json!(format!("https://evil.example{PATH}"))),
        ("htu", json!(format!("{}{PATH}", page.wire.base))),
        ("htu", json!(PATH)),
        ("jti", json!("")),
        ("jti", json!("j".repeat(65))),
        ("jti", json!(7)),
        ("ath", json!(base64url(&[0; 32]))),
    ] {
        let mut claims = claims(&page);
        claims[member] = value.clone();
        start(&page, &signed(&page, &claims)).await.problem(401, "invalid_proof");
    }
    for member in ["htm", "htu", "jti"] {
        let mut claims = claims(&page);
        claims.as_object_mut().unwrap().remove(member);
        start(&page, &signed(&page, &claims)).await.problem(401, "invalid_proof");
    }
    let mut longest = claims(&page);
    longest["jti"] = json!("j".repeat(64));
    start(&page, &signed(&page, &longest)).await.expect(201);
}

#[tokio::test]
async fn iat_is_never_judged() {
    let node = Node::start().await;
    let page = page(&node).await;
    for iat in [json!(0), json!(9_999_999_999_i64), json!("yesterday"), Value::Null] {
        let mut claims = claims(&page);
        claims["iat"] = iat;
        start(&page, &signed(&page, &claims)).await.expect(201);
    }
}

#[tokio::test]
async fn a_broken_proof_is_refused() {
    let node = Node::start().await;
    let page = page(&node).await;
    let good = signed(&page, &claims(&page));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&from_base64url(header).unwrap()).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut header = header.clone();
        change(&mut header);
        format!("{}.{payload}.{signature}", base64url(header.to_string().as_bytes()))
    };
    let foreign: Value = serde_json::from_str(&new_key().public().jwk_text()).unwrap();
    let proofs = [
        with(&|h| h["typ"] = json!("jwt")),
        with(&|h| h["alg"] = json!("none")),
        with(&|h| h["alg"] = json!("HS256")),
        with(&|h| h["jwk"]["d"] = json!(base64url(&[1; 32]))),
        with(&|h| h["jwk"]["kty"] = json!("oct")),
        with(&|h| h["jwk"]["crv"] = json!("P-384")),
        with(&|h| h["jwk"]["x"] = json!(base64url(&[0; 32]))),
        with(&|h| h["jwk"] = foreign.clone()),
        with(&|h| drop(h.as_object_mut().unwrap().remove("jwk"))),
        with(&|h| h["crit"] = json!(["x"])),
        format!("{head}."),
        format!("{head}.{}", base64url(&[0; 64])),
        head.to_owned(),
        "nonsense".to_owned(),
        String::new(),
        format!("{}{}", "a".repeat(9_000), good),
    ];
    for proof in proofs {
        start(&page, &proof).await.problem(401, "invalid_proof");
    }
    start(&page, &good).await.expect(201);
}

#[tokio::test]
async fn a_missing_proof_and_two_proofs_are_refused() {
    let node = Node::start().await;
    let page = page(&node).await;
    let body = Some(json!({}));
    let none = Extras { body: body.clone(), ..Extras::default() };
    page.wire.send("POST", PATH, &none, None).await.problem(401, "invalid_proof");
    let two =
        Extras { headers: vec![("dpop", page.wire.proof("POST", PATH, None))], body, ..Extras::default() };
    let proof = page.wire.proof("POST", PATH, None);
    page.wire.send("POST", PATH, &two, Some(proof)).await.problem(401, "invalid_proof");
}

#[tokio::test]
async fn proof_and_token_are_judged_before_the_body() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let page = page(&node).await;
    let broken =
        page.wire.http.post(format!("{}{PATH}", page.wire.base)).header("x-forwarded-for", "203.0.113.7");
    assert_eq!(broken.body("{").send().await.unwrap().status(), 401);
    let proof = page.wire.proof("POST", PATH, None);
    let proven = page.wire.http.post(format!("{}{PATH}", page.wire.base)).header("dpop", proof);
    let answer = proven.header("x-forwarded-for", "203.0.113.7").body("{").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.headers().contains_key("dpop-nonce"));
    device.call("POST", "/api/scans", Some(json!("nonsense"))).await.problem(400, "malformed");
    node.stranger().call("POST", "/api/scans", Some(json!("nonsense"))).await.problem(401, "invalid_token");
}

#[tokio::test]
async fn every_answer_to_a_proof_brings_a_nonce() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    for (method, path) in [("GET", "/api/devices"), ("GET", "/api/nowhere"), ("DELETE", "/api/sessions")] {
        let answer = device.call(method, path, None).await;
        assert!(answer.headers.contains_key("dpop-nonce"), "{method} {path}");
    }
    let known = device.wire.call("GET", "/.well-known/countersign", Extras::default()).await;
    assert!(known.headers.contains_key("dpop-nonce"));
}

#[tokio::test]
async fn a_token_needs_a_proof_made_for_it() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let other = node.device("ada").await;
    let with = |proof: String| {
        let extras = Extras { token: Some(&device.token), ..Extras::default() };
        let wire = &device.wire;
        async move { wire.send("GET", "/api/devices", &extras, Some(proof)).await }
    };
    with(device.wire.proof("GET", "/api/devices", None)).await.problem(401, "invalid_proof");
    with(device.wire.proof("GET", "/api/devices", Some(&other.token))).await.problem(401, "invalid_proof");
    with(device.wire.proof("GET", "/api/devices", Some(&device.token))).await.expect(200);
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
