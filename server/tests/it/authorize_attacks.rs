//! What others may try at the authorization endpoint.

use serde_json::json;

use crate::support::{Node, Options, Site};

/// RFC 6749 §4.1.2.1: wrong client or `redirect_uri`, and the browser is sent nowhere.
#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_the_clients() {
    let node = Node::start().await;
    let (site, page) = (Site::add(&node, "wiki").await, node.page());
    Site::add(&node, "blog").await;
    for (changes, reason) in [
        (&[("client_id", "")][..], "client-missing"),
        (&[("client_id", "nobody")], "client-unknown"),
        (&[("client_id", "forward:wiki.example")], "client-unknown"),
        (&[("client_id", "wiki\u{0}")], "client-unknown"),
        (&[("client_id", "\"><script>alert(1)</script>")], "client-unknown"),
        (&[("client_id", "wiki"), ("client_id", "wiki")], "unreadable"),
        (&[("redirect_uri", "")], "redirect-missing"),
        (&[("redirect_uri", "https://evil.example/callback")], "redirect-unknown"),
        (&[("redirect_uri", "https://wiki.example/callback/")], "redirect-unknown"),
        (&[("redirect_uri", "https://wiki.example/callback?x=1")], "redirect-unknown"),
        (&[("redirect_uri", "https://wiki.example/callback#x")], "redirect-unknown"),
        (&[("redirect_uri", "https://wiki.example/")], "redirect-unknown"),
        (&[("redirect_uri", "https://wiki.example.evil.example/callback")], "redirect-unknown"),
        (&[("redirect_uri", "https://wiki.example@evil.example/callback")], "redirect-unknown"),
        (&[("redirect_uri", "http://wiki.example/callback")], "redirect-unknown"),
        (&[("redirect_uri", "https://WIKI.example/callback")], "redirect-unknown"),
        (&[("redirect_uri", "javascript:alert(1)")], "redirect-unknown"),
        (&[("redirect_uri", "//wiki.example/callback")], "redirect-unknown"),
        // Mixed up: another client's own address.
        (&[("redirect_uri", "https://blog.example/callback")], "redirect-unknown"),
        (
            &[("redirect_uri", "https://wiki.example/callback"), ("redirect_uri", "https://evil.example/")],
            "unreadable",
        ),
        // Whatever else is wrong, nothing goes back first.
        (&[("redirect_uri", "https://evil.example/"), ("response_type", "token")], "redirect-unknown"),
        (&[("redirect_uri", "https://evil.example/"), ("prompt", "none")], "redirect-unknown"),
    ] {
        let answer = site.send(&page, changes).await;
        answer.refuses(reason);
        assert!(!answer.body.as_str().unwrap().contains("evil.example"), "{changes:?}");
        assert!(!answer.body.as_str().unwrap().contains("alert(1)"), "{changes:?}");
    }
    page.visit("/oauth/authorize").await.refuses("client-missing");
    page.visit("/oauth/resume").await.refuses("unreadable");
    page.visit("/oauth/cancel").await.refuses("unreadable");
}

/// RFC 6749 §4.1.2.1, RFC 7636 §4.4.1: everything else goes back, with the state as it came and the issuer (RFC 9207).
#[tokio::test]
async fn what_is_wrong_otherwise_goes_back_to_the_client() {
    let node = Node::start().await;
    let (site, page) = (Site::add(&node, "wiki").await, node.page());
    let long = "x".repeat(2_048);
    let many = (0..100).map(|n| format!("scope-{n}")).collect::<Vec<_>>().join(" ");
    for (changes, error) in [
        (&[("response_type", "")][..], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("scope", "a  b")], "invalid_scope"),
        (&[("scope", "admin")], "invalid_scope"),
        (&[("scope", &many)], "invalid_scope"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("nonce", "a"), ("nonce", "b")], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("max_age", "x")], "invalid_request"),
        (&[("request", "x.y.z")], "request_not_supported"),
        (&[("request_uri", "urn:x")], "request_uri_not_supported"),
        (&[("registration", "{}")], "registration_not_supported"),
        (&[("state", &long), ("nonce", &long[..512]), ("scope", "openid")], "good"),
    ] {
        let answer = site.send(&page, changes).await;
        if error == "good" {
            answer.transaction();
            continue;
        }
        site.hears(&answer, error);
        assert_eq!(site.heard(&answer)["state"], "st4te", "{changes:?}");
    }
    // A state that cannot be read does not go back.
    for changes in [&[("state", "a"), ("state", "b")][..], &[("state", "a\r\nset-cookie: x")]] {
        let answer = site.send(&page, changes).await;
        site.hears(&answer, "invalid_request");
        assert_eq!(site.heard(&answer).get("state"), None);
    }
    let hostile = "x&code=forged&iss=https://evil.example#<script>";
    let answer = site.send(&page, &[("state", hostile), ("prompt", "none")]).await;
    site.hears(&answer, "login_required");
    assert_eq!(site.heard(&answer)["state"], hostile);
}

/// RFC 6749 §3.1, §4.1.2.1, RFC 7636 §4.4.1, OpenID Connect Core §3.1.2.6: each parameter left out, empty, and twice.
#[tokio::test]
async fn each_parameter_that_is_missing_empty_or_twice_gets_its_error() {
    let node = Node::start().await;
    let (site, page) = (Site::add(&node, "wiki").await, node.page());
    // The error of a call without it, the error of one with it twice; "page": a page, and no redirect.
    for (name, without, twice) in [
        ("client_id", "page client-missing", "page unreadable"),
        ("redirect_uri", "page redirect-missing", "page unreadable"),
        ("response_type", "invalid_request", "invalid_request"),
        ("code_challenge", "invalid_request", "invalid_request"),
        ("code_challenge_method", "invalid_request", "invalid_request"),
        ("scope", "good", "invalid_request"),
        ("state", "good", "invalid_request"),
        ("nonce", "good", "invalid_request"),
        ("response_mode", "good", "invalid_request"),
        ("prompt", "good", "invalid_request"),
        ("max_age", "good", "invalid_request"),
        ("acr_values", "good", "invalid_request"),
        ("id_token_hint", "good", "invalid_request"),
        ("dpop_jkt", "good", "invalid_request"),
        ("request", "good", "request_not_supported"),
        ("request_uri", "good", "request_uri_not_supported"),
        ("registration", "good", "registration_not_supported"),
        // Known to OpenID Connect, of no use here: what nobody reads may come as it likes.
        ("display", "good", "good"),
        ("ui_locales", "good", "good"),
        ("claims_locales", "good", "good"),
        ("login_hint", "good", "good"),
        ("claims", "good", "good"),
        ("unknown", "good", "good"),
    ] {
        let rest = site.asks(&[(name, "")]);
        for (query, expected) in [
            (rest.clone(), without),
            (format!("{rest}&{name}="), without),
            (format!("{rest}&{name}"), without),
            (format!("{rest}&{name}=a&{name}=a"), twice),
            (format!("{rest}&{name}=a&{name}=b"), twice),
        ] {
            let answer = page.visit(&format!("/oauth/authorize?{query}")).await;
            match expected.split_once(' ') {
                Some((_, reason)) => answer.refuses(reason),
                None if expected == "good" => drop(answer.transaction()),
                None => site.hears(&answer, expected),
            }
        }
    }
}

#[tokio::test]
async fn a_transaction_of_another_server_changed_or_old_leads_nowhere() {
    let node = Node::start().await;
    let (site, page) = (Site::add(&node, "wiki").await, node.page());
    let good = site.send(&page, &[]).await.transaction();
    let other = Node::with(Options::default()).await;
    Site::add(&other, "wiki").await;
    let middle = good.len() / 2;
    let swapped = if &good[middle..=middle] == "A" { "B" } else { "A" };
    let changed = format!("{}{swapped}{}", &good[..middle], &good[middle + 1..]);
    let twice = format!("{good}&transaction={good}");
    for bad in [changed.as_str(), &good[1..], &good[..good.len() - 2], "", "x", &twice] {
        page.visit(&format!("/oauth/resume?transaction={bad}")).await.refuses("unreadable");
        page.visit(&format!("/oauth/cancel?transaction={bad}")).await.refuses("unreadable");
    }
    for bad in [json!(changed), json!(""), json!("x")] {
        page.start_with(json!({ "transaction": bad })).await.problem(400, "malformed");
    }
    page.start_with(json!({ "transaction": good, "return_to": "/" })).await.problem(400, "malformed");
    page.start_with(json!({ "transaction": 7 })).await.problem(400, "malformed");
    // Its words about the client are nobody's: the server's own are taken.
    let body =
        json!({ "transaction": good, "client": { "id": "bank", "name": "Your bank" }, "scopes": ["x"] });
    assert_eq!(page.start_with(body).await.expect(201)["client"]["name"], "The wiki");
    let plain = json!({ "client": { "id": "bank", "name": "Your bank" } });
    assert_eq!(page.start_with(plain).await.expect(201)["client"], json!(null));
    node.clock.advance_s(86_400);
    page.visit(&format!("/oauth/cancel?transaction={good}")).await.refuses("unreadable");
}

#[tokio::test]
async fn what_a_client_lost_meanwhile_counts() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let transaction = site.send(&page, &[]).await.transaction();
    let (redeemed, _) = page.sign_in_for(&transaction, &device).await;
    let id = countersign_server::store::ClientId::parse("wiki").unwrap();
    assert!(node.durable.remove_client(&id).await.unwrap());
    page.visit(redeemed["return_to"].as_str().unwrap()).await.refuses("client-unknown");
    page.visit(&format!("/oauth/cancel?transaction={transaction}")).await.refuses("client-unknown");
    page.start_with(json!({ "transaction": transaction })).await.problem(410, "ended");
    // Made again with another address, it takes no answer at the old one.
    Site::add_with(&node, "wiki", |client| client.redirect_uris = vec!["https://other.example/".to_owned()])
        .await;
    page.visit(redeemed["return_to"].as_str().unwrap()).await.refuses("client-unknown");
}

#[tokio::test]
async fn a_client_gets_only_scopes_it_may_have_and_only_one_is_agreed_to() {
    let node = Node::start().await;
    let change = |client: &mut countersign_server::store::StoredClient| {
        client.policy.scopes = vec!["repo:read".to_owned()];
    };
    let site = Site::add_with(&node, "forge", change).await;
    let (device, page) = (node.device("ada").await, node.page());
    let transaction = site.send(&page, &[("scope", "openid repo:read repo:write admin")]).await.transaction();
    let (_, scanned) = page.sign_in_for(&transaction, &device).await;
    assert_eq!(scanned.seen()["scopes"], json!(["openid", "repo:read"]));
}
