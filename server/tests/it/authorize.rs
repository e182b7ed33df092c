//! The authorization endpoint: a site sends somebody here, who goes back with a code.

use countersign_server::store::{By, EndReason};
use protocol::secret::Secret;
use serde_json::json;

use crate::support::{Node, Site, challenge, signed_in};

#[tokio::test]
async fn a_login_for_a_site_ends_with_a_code() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let transaction = site.send(&page, &[]).await.transaction();
    let request = page.start_for(&transaction).await;
    assert_eq!(request.body["client"], json!({ "id": "wiki", "name": "The wiki" }));
    let scanned = device.scanned(&request).await;
    assert_eq!(scanned.seen()["client"], json!({ "id": "wiki", "name": "The wiki" }));
    assert_eq!(scanned.seen()["scopes"], json!(["openid", "profile"]));
    let other = node.page();
    let answer = other.through(&transaction, &device).await;
    let code = Secret::parse(&site.code(&answer)).unwrap();
    let lives = node.service.settings().session_lives();
    let kept = node.durable.grant_by_code(&code.hash(), &lives, node.now()).await.unwrap().unwrap();
    assert_eq!((kept.redirect_uri, kept.challenge), (site.redirect_uri.clone(), challenge()));
    assert_eq!(kept.ends_at, node.now().plus_s(60));
    assert_eq!(kept.grant.nonce.as_deref(), Some("n0nce"));
    assert_eq!(kept.grant.scopes, ["openid", "profile"]);
    assert_eq!(kept.grant.client_name, "The wiki");
    assert!(!kept.grant.verified);
}

#[tokio::test]
async fn who_is_signed_in_and_has_agreed_gets_a_code_at_once() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let transaction = site.send(&page, &[]).await.transaction();
    site.code(&page.through(&transaction, &device).await);
    for changes in [&[][..], &[("scope", "openid")], &[("prompt", "none")], &[("max_age", "60")]] {
        site.code(&site.send(&page, changes).await);
    }
    // A site that nobody agreed to, and a scope beyond.
    let blog = Site::add(&node, "blog").await;
    blog.send(&page, &[]).await.transaction();
    site.send(&page, &[("scope", "openid email")]).await.transaction();
    // What was agreed to is remembered beyond the session.
    let elsewhere = node.page();
    let request = elsewhere.start().await;
    let scanned = device.scanned(&request).await;
    let number = elsewhere.number(&request).await;
    device.decide(&scanned, protocol::statement::Decision::Approve, Some(&number)).await.expect(204);
    elsewhere.redeem(&request).await.expect(201);
    site.code(&site.send(&elsewhere, &[]).await);
}

#[tokio::test]
async fn without_a_page_the_error_says_what_is_missing() {
    let node = Node::start().await;
    let site = Site::add(&node, "wiki").await;
    site.hears(&site.send(&node.page(), &[("prompt", "none")]).await, "login_required");
    let (page, _, device) = signed_in(&node).await;
    site.hears(&site.send(&page, &[("prompt", "none")]).await, "consent_required");
    let transaction = site.send(&page, &[]).await.transaction();
    site.code(&page.through(&transaction, &device).await);
    node.clock.advance_s(30);
    site.hears(&site.send(&page, &[("prompt", "none"), ("max_age", "10")]).await, "login_required");
    site.code(&site.send(&page, &[("prompt", "none"), ("max_age", "30")]).await);
    // One that wants no page cannot start a login either.
    let answer = site.send(&page, &[("prompt", "none"), ("scope", "openid email")]).await;
    site.hears(&answer, "consent_required");
}

#[tokio::test]
async fn prompt_and_max_age_ask_for_an_approval_of_their_own() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let transaction = site.send(&page, &[]).await.transaction();
    site.code(&page.through(&transaction, &device).await);
    for changes in
        [[("prompt", "login")], [("prompt", "consent")], [("prompt", "select_account")], [("max_age", "0")]]
    {
        node.clock.advance_s(30);
        let transaction = site.send(&page, &changes).await.transaction();
        node.clock.advance_s(30);
        // Coming back without one changes nothing.
        let resume = format!("/oauth/resume?transaction={transaction}");
        assert_eq!(page.visit(&resume).await.transaction(), transaction);
        site.code(&page.through(&transaction, &device).await);
        site.code(&page.visit(&resume).await);
    }
}

#[tokio::test]
async fn a_stale_session_is_renewed_on_the_way() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let transaction = site.send(&page, &[]).await.transaction();
    site.code(&page.through(&transaction, &device).await);
    node.clock.advance_s(600);
    for changes in [&[][..], &[("prompt", "none")]] {
        let address = site.send(&page, changes).await.leads_to();
        let path = address.strip_prefix("/renew?return_to=").unwrap();
        let path = url::form_urlencoded::parse(path.as_bytes()).next().unwrap().0.into_owned();
        assert!(path.starts_with("/oauth/resume?transaction="), "{path}");
        let silent = !changes.is_empty();
        let thief = node.page();
        thief.jar.lock().unwrap().clone_from(&page.jar.lock().unwrap());
        thief.drop_cookie("-session");
        // Who cannot renew it, and lets go of it, is a stranger.
        thief.drop_cookie("-sid");
        let answer = thief.visit(&path).await;
        if silent {
            site.hears(&answer, "login_required");
        } else {
            answer.transaction();
        }
        page.refresh().await.expect(204);
        site.code(&page.visit(&path).await);
        node.clock.advance_s(600);
    }
}

#[tokio::test]
async fn cookies_of_a_session_that_is_over_are_let_go_of() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let transaction = site.send(&page, &[]).await.transaction();
    site.code(&page.through(&transaction, &device).await);
    device.call("DELETE", "/api/sessions", None).await.expect(204);
    site.send(&page, &[]).await.transaction();
    assert_eq!((page.cookie("-sid"), page.cookie("-session")), (None, None));
    site.hears(&site.send(&page, &[("prompt", "none")]).await, "login_required");
}

#[tokio::test]
async fn a_form_is_taken_as_well_and_judged_with_the_cookies_of_a_navigation() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let transaction = site.send(&page, &[]).await.transaction();
    site.code(&page.through(&transaction, &device).await);
    let answer = page.submit("/oauth/authorize", &site.asks(&[]), Some("https://wiki.example")).await;
    let path = answer.leads_to();
    assert!(path.starts_with("/oauth/resume?transaction="), "{path}");
    site.code(&page.visit(&path).await);
    let wrong = page.submit("/oauth/authorize", &site.asks(&[("response_type", "token")]), None).await;
    site.hears(&wrong, "unsupported_response_type");
    page.submit("/oauth/authorize", &site.asks(&[("client_id", "")]), None).await.refuses("client-missing");
    page.call("POST", "/oauth/authorize", Some(json!({})), false).await.problem(400, "malformed");
}

#[tokio::test]
async fn the_person_goes_back_without_signing_in() {
    let node = Node::start().await;
    let (site, page) = (Site::add(&node, "wiki").await, node.page());
    let transaction = site.send(&page, &[]).await.transaction();
    let cancel = format!("/oauth/cancel?transaction={transaction}");
    let answer = page.visit(&cancel).await;
    site.hears(&answer, "access_denied");
    assert_eq!(site.heard(&answer)["state"], "st4te");
    // Also from a tab that was left open.
    node.clock.advance_s(900);
    site.hears(&page.visit(&cancel).await, "access_denied");
    let resumed = page.visit(&format!("/oauth/resume?transaction={transaction}")).await;
    resumed.refuses("over");
    assert!(resumed.body.as_str().unwrap().contains(&format!("href=\"{cancel}\"")));
    page.start_with(json!({ "transaction": transaction })).await.problem(410, "ended");
}

#[tokio::test]
async fn a_client_that_insists_gets_verified_people_alone() {
    let node = Node::start().await;
    let bank = Site::add_with(&node, "bank", |client| client.policy.step_up = true).await;
    let (page, _, device) = signed_in(&node).await;
    node.clock.advance_s(5);
    let transaction = bank.send(&page, &[]).await.transaction();
    let (redeemed, scanned) = page.sign_in_for(&transaction, &device).await;
    assert_eq!(scanned.seen()["user_verification"], "required");
    let code = bank.code(&page.visit(redeemed["return_to"].as_str().unwrap()).await);
    let lives = node.service.settings().session_lives();
    let code = Secret::parse(&code).unwrap().hash();
    assert!(node.durable.grant_by_code(&code, &lives, node.now()).await.unwrap().unwrap().grant.verified);
    bank.code(&bank.send(&page, &[("prompt", "none")]).await);
    // Where nobody was verified, the agreement alone is not enough.
    let elsewhere = node.page();
    let request = elsewhere.start().await;
    let scanned = device.scanned(&request).await;
    let number = elsewhere.number(&request).await;
    device.decide(&scanned, protocol::statement::Decision::Approve, Some(&number)).await.expect(204);
    elsewhere.redeem(&request).await.expect(201);
    bank.hears(&bank.send(&elsewhere, &[("prompt", "none")]).await, "interaction_required");
    bank.send(&elsewhere, &[]).await.transaction();
}

#[tokio::test]
async fn a_wish_for_verified_people_is_asked_for() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let wish = [("acr_values", "urn:countersign:acr:verified")];
    let transaction = site.send(&page, &wish).await.transaction();
    let (redeemed, scanned) = page.sign_in_for(&transaction, &device).await;
    assert_eq!(scanned.seen()["user_verification"], "required");
    site.code(&page.visit(redeemed["return_to"].as_str().unwrap()).await);
    site.code(&site.send(&page, &wish).await);
}

#[tokio::test]
async fn nobody_else_answers_for_whom_the_site_means() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let of_ada = site.id_token(&page, &device).await;
    let (grace, other) = (node.device("grace").await, node.page());
    site.id_token(&other, &grace).await;
    let means_ada = [("id_token_hint", of_ada.as_str()), ("prompt", "none")];
    site.code(&site.send(&page, &means_ada).await);
    site.hears(&site.send(&other, &means_ada).await, "login_required");
    node.clock.advance_s(30);
    let transaction = site.send(&other, &means_ada[..1]).await.transaction();
    let answer = other.through(&transaction, &grace).await;
    site.hears(&answer, "login_required");
    // Words that nobody signed are none.
    site.code(&site.send(&page, &[("id_token_hint", "eyJhbGciOiJub25lIn0.e30."), ("prompt", "none")]).await);
}

#[tokio::test]
async fn a_code_needs_a_session_that_lives() {
    let node = Node::start().await;
    let (site, device, page) = (Site::add(&node, "wiki").await, node.device("ada").await, node.page());
    let transaction = site.send(&page, &[]).await.transaction();
    let answer = page.through(&transaction, &device).await;
    let code = Secret::parse(&site.code(&answer)).unwrap().hash();
    let lives = node.service.settings().session_lives();
    let grant = node.durable.grant_by_code(&code, &lives, node.now()).await.unwrap().unwrap().grant;
    let (account, session) = (grant.session.account.id, grant.session.session.id);
    node.durable.end_session(account, session, EndReason::Ended, &By::server(), node.now()).await.unwrap();
    assert_eq!(node.durable.grant_by_code(&code, &lives, node.now()).await.unwrap(), None);
    page.visit(&format!("/oauth/resume?transaction={transaction}")).await.transaction();
}
