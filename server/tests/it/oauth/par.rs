//! RFC 9126: a client pushes its authorization request, and the browser brings a reference to it.

use serde_json::Value;

use super::{Program, REDIRECT_URI, SECRET, World, form, refused};
use crate::support::{Answer, Node, Options, Page, Site, new_key};

const PAR: &str = "/oauth/par";
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// The site that a program's browsers come back to.
fn site_of(client: &Program) -> Site {
    Site { id: client.id.clone(), redirect_uri: REDIRECT_URI.to_owned() }
}

/// A good request as it is pushed, with these parameters replaced, added, or taken away by an empty value.
fn pushed_form(client: &Program, changes: &[(&str, &str)]) -> String {
    let asks = site_of(client).asks(changes);
    match &client.secret {
        Some(secret) => format!("{asks}&client_secret={secret}"),
        None => asks,
    }
}

async fn push(client: &Program, changes: &[(&str, &str)]) -> Answer {
    client.send("POST", PAR, &[], Some(pushed_form(client, changes))).await
}

async fn request_uri(client: &Program, changes: &[(&str, &str)]) -> String {
    let body = push(client, changes).await.expect(201);
    body["request_uri"].as_str().unwrap().to_owned()
}

/// The browser brings it; `more` are further parameters.
async fn bring(page: &Page, client_id: &str, request_uri: &str, more: &str) -> Answer {
    page.visit(&format!("/oauth/authorize?client_id={client_id}&request_uri={request_uri}{more}")).await
}

#[tokio::test]
async fn a_pushed_request_leads_to_a_code() {
    let world = World::new().await;
    for client in [world.confidential("grafana").await, world.public("spa").await] {
        let (site, page) = (site_of(&client), world.node.page());
        let answer = push(&client, &[]).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["content-type"], "application/json");
        let body = answer.expect(201);
        assert_eq!(body["expires_in"], 90);
        assert_eq!(body.as_object().unwrap().len(), 2);
        let uri = body["request_uri"].as_str().unwrap();
        assert!(uri.starts_with(URN), "{uri}");
        let transaction = bring(&page, &client.id, uri, "").await.transaction();
        let code = site.code(&page.through(&transaction, &world.device).await);
        let tokens = client.exchange(&code).await.expect(200);
        let claims = world.claims(&client, "JWT", &tokens["id_token"]).await;
        assert_eq!(claims["nonce"], "n0nce");
        // The person has agreed by now; and the reference may come by a form as well.
        let uri = request_uri(&client, &[]).await;
        let asks = form(&[("client_id", client.id.clone()), ("request_uri", uri)]);
        let resumed = page.submit("/oauth/authorize", &asks, None).await.leads_to();
        site.code(&page.visit(&resumed).await);
    }
}

/// RFC 9126 §2.3, with the words of RFC 6749 §4.1.2.1: whatever authorize would refuse.
#[tokio::test]
async fn each_wrong_parameter_is_told_to_the_client_itself() {
    let world = World::new().await;
    let client = world.confidential("grafana").await;
    let long = "x".repeat(3_000);
    for (changes, error) in [
        (&[("redirect_uri", "")][..], "invalid_request"),
        (&[("redirect_uri", "https://evil.example/callback")], "invalid_request"),
        (&[("redirect_uri", "https://app.example.com/callback/")], "invalid_request"),
        (&[("redirect_uri", REDIRECT_URI), ("redirect_uri", REDIRECT_URI)], "invalid_request"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("scope", "a  b")], "invalid_scope"),
        (&[("scope", "admin")], "invalid_scope"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("state", "a"), ("state", "b")], "invalid_request"),
        (&[("state", &long)], "invalid_request"),
        (&[("nonce", &long)], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("max_age", "soon")], "invalid_request"),
        (&[("dpop_jkt", "x")], "invalid_request"),
        (&[("request", "x.y.z")], "request_not_supported"),
        (&[("registration", "{}")], "registration_not_supported"),
        // RFC 9126 §2.1.
        (&[("request_uri", "https://app.example.com/request")], "invalid_request"),
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], "invalid_request"),
    ] {
        refused(&push(&client, changes).await, 400, error);
    }
    for changes in [&[("unknown", "x")][..], &[("resource", "https://a"), ("resource", "https://b")]] {
        push(&client, changes).await.expect(201);
    }
}

/// RFC 9126 §2: the client shows who it is as at the token endpoint.
#[tokio::test]
async fn a_client_shows_who_it_is() {
    let world = World::new().await;
    let (site, spa) = (world.confidential("grafana").await, world.public("spa").await);
    let ask =
        async |headers: &[(&str, String)], form: String| site.send("POST", PAR, headers, Some(form)).await;
    let named = site_of(&site).asks(&[]);
    refused(&ask(&[], named.clone()).await, 401, "invalid_client");
    refused(&ask(&[], site_of(&site).asks(&[("client_id", "")])).await, 401, "invalid_client");
    refused(&ask(&[], format!("{named}&client_secret=guess")).await, 401, "invalid_client");
    refused(&ask(&[], site_of(&spa).asks(&[]) + "&client_secret=x").await, 401, "invalid_client");
    refused(&ask(&[], site_of(&site).asks(&[("client_id", "nobody")])).await, 401, "invalid_client");
    let basic = |pair: &str| {
        use base64::Engine as _;
        [("authorization", format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))]
    };
    let good = basic(&format!("grafana:{SECRET}"));
    ask(&good, named.clone()).await.expect(201);
    refused(&ask(&basic("grafana:guess"), named.clone()).await, 401, "invalid_client");
    refused(&ask(&good, format!("{named}&client_secret={SECRET}")).await, 400, "invalid_request");
    refused(&ask(&good, site_of(&spa).asks(&[])).await, 400, "invalid_request");
    // RFC 9126 §2.1: `client_id` is a parameter of the request too.
    refused(&ask(&good, site_of(&site).asks(&[("client_id", "")])).await, 400, "invalid_request");
    let twice = format!("{named}&client_id=grafana&client_secret={SECRET}");
    refused(&ask(&[], twice).await, 400, "invalid_request");
}

/// RFC 9126 §2.3.
#[tokio::test]
async fn other_methods_and_bodies_are_refused() {
    let node = Node::with(Options::with(|settings| settings.limits.failed_proofs_per_address = 5)).await;
    let world = World::on(node).await;
    let client = world.confidential("grafana").await;
    let good = pushed_form(&client, &[]);
    assert_eq!(client.get(&format!("{PAR}?{good}")).await.status, 405);
    let long = format!("{good}&x={}", "x".repeat(70_000));
    refused(&client.send("POST", PAR, &[], Some(long)).await, 413, "invalid_request");
    let call = world.page.wire.http.post(format!("{}{PAR}", world.node.base));
    let json = call.header("content-type", "application/json").body("{}").send().await.unwrap();
    assert_eq!(json.status(), 400);
    assert_eq!(json.json::<Value>().await.unwrap()["error"], "invalid_request");
    let guesser = Program { secret: Some("guess".to_owned()), ..world.confidential("other").await };
    for _ in 0..5 {
        refused(&push(&guesser, &[]).await, 401, "invalid_client");
    }
    let limited = push(&client, &[]).await;
    refused(&limited, 429, "temporarily_unavailable");
    assert!(limited.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
}

/// RFC 9126 §2.2 and §4.
#[tokio::test]
async fn a_request_is_the_clients_that_pushed_it() {
    let world = World::new().await;
    let (client, other) = (world.confidential("grafana").await, world.confidential("other").await);
    let page = world.node.page();
    let uri = request_uri(&client, &[]).await;
    bring(&page, &other.id, &uri, "").await.refuses("unreadable");
    bring(&page, "nobody", &uri, "").await.refuses("client-unknown");
    bring(&page, "", &uri, "").await.refuses("client-missing");
    bring(&page, &client.id, &uri, &format!("&client_id={}", client.id)).await.refuses("unreadable");
    // None of them used it up.
    bring(&page, &client.id, &uri, "").await.transaction();
}

/// RFC 9101 §6.3, which RFC 9126 §4 names.
#[tokio::test]
async fn what_a_browser_brings_beside_it_does_not_count() {
    let world = World::new().await;
    let client = world.confidential("grafana").await;
    let (site, page) = (site_of(&client), world.node.page());
    let uri = request_uri(&client, &[]).await;
    let more = "&redirect_uri=https%3A%2F%2Fevil.example%2F&scope=admin&state=other&response_type=token&nonce=x\
                &prompt=none&request=x&state=again";
    let transaction = bring(&page, &client.id, &uri, more).await.transaction();
    let code = site.code(&page.through(&transaction, &world.device).await);
    let tokens = client.exchange(&code).await.expect(200);
    assert_eq!(tokens["scope"], "openid profile");
    assert_eq!(world.claims(&client, "JWT", &tokens["id_token"]).await["nonce"], "n0nce");
}

/// RFC 9126 §4 and §7.3: once, and only for a short time. The client hears of it, since it can push again.
#[tokio::test]
async fn a_reference_is_good_once_and_for_a_short_time() {
    let world = World::new().await;
    let client = world.confidential("grafana").await;
    let (site, page) = (site_of(&client), world.node.page());
    let uri = request_uri(&client, &[]).await;
    world.node.clock.advance_s(89);
    bring(&page, &client.id, &uri, "").await.transaction();
    let again = bring(&page, &client.id, &uri, "").await;
    site.hears(&again, "invalid_request_uri");
    assert_eq!(site.heard(&again)["state"], "st4te");
    world.node.clock.advance_s(1);
    let late = bring(&page, &client.id, &uri, "").await;
    site.hears(&late, "invalid_request_uri");
    let unused = request_uri(&client, &[]).await;
    world.node.clock.advance_s(90);
    site.hears(&bring(&page, &client.id, &unused, "").await, "invalid_request_uri");
    world.node.clock.advance_s(86_400);
    bring(&page, &client.id, &unused, "").await.refuses("unreadable");
}

/// The person has all the time of a sign-in from the moment the browser comes.
#[tokio::test]
async fn a_sign_in_begins_when_the_browser_comes() {
    let world = World::new().await;
    let client = world.confidential("grafana").await;
    let (site, page) = (site_of(&client), world.node.page());
    let uri = request_uri(&client, &[("prompt", "login")]).await;
    world.node.clock.advance_s(80);
    let transaction = bring(&page, &client.id, &uri, "").await.transaction();
    world.node.clock.advance_s(850);
    site.code(&page.through(&transaction, &world.device).await);
}

#[tokio::test]
async fn nothing_but_a_pushed_request_is_taken_for_one() {
    let world = World::new().await;
    let client = world.confidential("grafana").await;
    let (site, page) = (site_of(&client), world.node.page());
    let uri = request_uri(&client, &[]).await;
    let text = uri.strip_prefix(URN).unwrap();
    let transaction = site.send(&page, &[]).await.transaction();
    let middle = uri.len() / 2;
    let swapped = if &uri[middle..=middle] == "A" { "B" } else { "A" };
    let changed = format!("{}{swapped}{}", &uri[..middle], &uri[middle + 1..]);
    for bad in [format!("{URN}{transaction}"), changed, uri[..uri.len() - 3].to_owned(), format!("{URN}x")] {
        bring(&page, &client.id, &bad, "").await.refuses("unreadable");
    }
    // And the other way round: it names its client, a transaction does not.
    page.visit(&format!("/oauth/resume?transaction={text}")).await.refuses("unreadable");
    page.visit(&format!("/oauth/cancel?transaction={text}")).await.refuses("unreadable");
    let body = serde_json::json!({ "transaction": text });
    page.start_with(body).await.problem(400, "malformed");
    // Addresses of requests that lie elsewhere are not fetched.
    for foreign in ["https://app.example.com/request", "urn:ietf:params:oauth:request_uri"] {
        site.hears(&site.send(&page, &[("request_uri", foreign)]).await, "request_uri_not_supported");
    }
}

/// RFC 9126 §6.
#[tokio::test]
async fn a_client_that_has_to_push_gets_nothing_otherwise() {
    let node = Node::start().await;
    let site = Site::add_with(&node, "bank", |client| client.policy.require_pushed = true).await;
    let (device, page) = (node.device("ada").await, node.page());
    site.hears(&site.send(&page, &[]).await, "invalid_request");
    site.hears(&site.send(&page, &[("prompt", "none")]).await, "invalid_request");
    let pushed = page.submit(PAR, &site.asks(&[]), None).await.expect(201);
    let uri = pushed["request_uri"].as_str().unwrap();
    let transaction = bring(&page, "bank", uri, "").await.transaction();
    site.code(&page.through(&transaction, &device).await);
}

/// RFC 9449 §10.1.
#[tokio::test]
async fn the_key_of_a_proof_is_the_key_of_the_code() {
    let world = World::new().await;
    let client = world.public("spa").await;
    let site = site_of(&client);
    let push_with = async |changes: &[(&str, &str)], proof: String| {
        client.send("POST", PAR, &[("dpop", proof)], Some(pushed_form(&client, changes))).await
    };
    let jkt = client.key.public().thumbprint().to_string();
    for changes in [&[][..], &[("dpop_jkt", jkt.as_str())]] {
        let pushed = push_with(changes, client.proof("POST", PAR, None).await).await.expect(201);
        let (page, uri) = (world.node.page(), pushed["request_uri"].as_str().unwrap());
        let transaction = bring(&page, "spa", uri, "").await.transaction();
        let code = site.code(&page.through(&transaction, &world.device).await);
        refused(&client.exchange(&code).await, 400, "invalid_grant");
        let tokens = client.proven_token(&Program::code_call(&code)).await.expect(200);
        assert_eq!(tokens["token_type"], "DPoP");
    }
    let other = new_key().public().thumbprint().to_string();
    let proof = client.proof("POST", PAR, None).await;
    refused(&push_with(&[("dpop_jkt", &other)], proof).await, 400, "invalid_request");
    refused(&push_with(&[], client.proof_with("POST", PAR, None, None)).await, 400, "use_dpop_nonce");
    let elsewhere = client.proof("POST", "/oauth/token", None).await;
    refused(&push_with(&[], elsewhere).await, 400, "invalid_dpop_proof");
}
