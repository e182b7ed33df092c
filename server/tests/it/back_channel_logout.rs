//! OpenID Connect Back-Channel Logout: sites are told that a session is over, at once where this node ended it.
//!
//! The clock stands still, so no sweep comes after the first one: what arrives was rung.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawForm, State};
use axum::routing::post;
use countersign_server::oauth::back_channel_logout::{self, ANSWER_LIMIT};
use countersign_server::store::{By, EndReason};
use protocol::encoding::from_base64url;
use protocol::id::SessionId;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{Device, Node, Page, Site};

/// Only a failure waits for it.
const PATIENCE: Duration = Duration::from_mins(2);
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A site that hears of logouts.
struct Listener {
    site: Site,
    heard: UnboundedReceiver<Value>,
}

async fn hear(State(told): State<UnboundedSender<Value>>, RawForm(form): RawForm) {
    let text = String::from_utf8(form.to_vec()).unwrap();
    let token = text.strip_prefix("logout_token=").unwrap();
    let [header, claims] = [0, 1].map(|part| {
        let part = from_base64url(token.split('.').nth(part).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&part).unwrap()
    });
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("ES256")));
    told.send(claims).unwrap();
}

impl Listener {
    /// A node that tells sites, and a site that listens; the first sweep is over.
    async fn start(node: &Node) -> Self {
        let (told, heard) = unbounded_channel();
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/logout", socket.local_addr().unwrap());
        let router = Router::new().route("/logout", post(hear)).with_state(told);
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        let site = Site::add_with(node, "wiki", |client| client.policy.back_channel_logout = Some(uri)).await;
        let mut listener = Self { site, heard };

        // One that ended by another process waits for the sweep.
        let (device, page) = (node.device("swept").await, node.page());
        listener.site.id_token(&page, &device).await;
        let (account, session) = (device.account.unwrap(), session_of(&page));
        node.durable
            .end_session(account, session, EndReason::Ended, &By::operator(), node.now())
            .await
            .unwrap();
        let (service, clock) = (Arc::clone(&node.service), Arc::clone(&node.clock));
        tokio::spawn(
            async move { match back_channel_logout::run(&service, &*clock, 60, ANSWER_LIMIT).await {} },
        );
        listener.hears_of(&device).await;
        listener
    }

    async fn hears_of(&mut self, device: &Device) -> Value {
        let claims =
            tokio::time::timeout(PATIENCE, self.heard.recv()).await.expect("it was not told").unwrap();
        assert_eq!(claims["sub"], device.account.unwrap().to_string());
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!("https://login.example.com"), &json!("wiki")));
        assert_eq!(claims["events"], json!({ EVENT: {} }));
        assert!(claims.get("nonce").is_none() && claims["jti"].is_string() && claims["iat"].is_i64());
        claims
    }
}

fn session_of(page: &Page) -> SessionId {
    SessionId::parse(&page.cookie("-sid").unwrap()).unwrap()
}

/// The `sid` of an ID token.
fn sid(token: &str) -> Value {
    let claims = from_base64url(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["sid"].clone()
}

#[tokio::test]
async fn whatever_ends_a_session_here_is_told_at_once() {
    let node = Node::start().await;
    let mut wiki = Listener::start(&node).await;
    let device = node.device("ada").await;
    for how in ["app", "all", "page", "site"] {
        let page = node.page();
        let token = wiki.site.id_token(&page, &device).await;
        match how {
            "app" => {
                let path = format!("/api/sessions/{}", session_of(&page));
                device.call("DELETE", &path, None).await.expect(204);
            }
            "all" => drop(device.call("DELETE", "/api/sessions", None).await.expect(204)),
            "page" => drop(page.end_session(json!({})).await.expect(204)),
            _ => drop(page.visit(&format!("/oauth/end-session?id_token_hint={token}")).await.expect(200)),
        }
        let told = wiki.hears_of(&device).await;
        assert_eq!(told["sid"], sid(&token), "{how}");
    }
}

/// The same browser, another person: the session before ends, and its sites hear of it.
#[tokio::test]
async fn a_session_that_another_person_takes_the_place_of_is_told_at_once() {
    let node = Node::start().await;
    let mut wiki = Listener::start(&node).await;
    let (ada, grace, page) = (node.device("ada").await, node.device("grace").await, node.page());
    let token = wiki.site.id_token(&page, &ada).await;
    // Her own next login there takes the grants along: nothing is over.
    node.clock.advance_s(1);
    let transaction = wiki.site.send(&page, &[("prompt", "login")]).await.transaction();
    wiki.site.code(&page.through(&transaction, &ada).await);
    node.clock.advance_s(1);
    let transaction = wiki.site.send(&page, &[("prompt", "login")]).await.transaction();
    wiki.site.code(&page.through(&transaction, &grace).await);
    assert_eq!(wiki.hears_of(&ada).await["sid"], sid(&token));
}

/// RFC 6749 §4.1.2, RFC 9700 §4.14.2: what ends a grant ends the login that the site made of it.
#[tokio::test]
async fn a_grant_that_ends_alone_is_told_at_once() {
    let node = Node::start().await;
    let mut wiki = Listener::start(&node).await;
    let (device, page) = (node.device("ada").await, node.page());
    let transaction = wiki.site.send(&page, &[]).await.transaction();
    let mut code = wiki.site.code(&page.through(&transaction, &device).await);
    for how in ["code", "refresh", "revoke"] {
        let tokens = wiki.site.exchange(&page, &code).await.expect(200);
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let refreshing =
            |token: &str| format!("grant_type=refresh_token&client_id=wiki&refresh_token={token}");
        match how {
            "code" => drop(wiki.site.exchange(&page, &code).await.expect(400)),
            "refresh" => {
                let next = page.submit("/oauth/token", &refreshing(refresh), None).await.expect(200);
                let next = refreshing(next["refresh_token"].as_str().unwrap());
                page.submit("/oauth/token", &next, None).await.expect(200);
                page.submit("/oauth/token", &refreshing(refresh), None).await.expect(400);
            }
            _ => {
                let call = format!("client_id=wiki&token={refresh}");
                page.submit("/oauth/revoke", &call, None).await.expect(200);
            }
        }
        let told = wiki.hears_of(&device).await;
        assert_eq!(told["sid"], sid(tokens["id_token"].as_str().unwrap()), "{how}");
        code = wiki.site.code(&wiki.site.send(&page, &[]).await);
    }
}
