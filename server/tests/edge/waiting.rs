#![cfg(unix)]

use countersign_server::tls::install_provider;
use futures_util::StreamExt as _;
use protocol::key::SigningKey;
use protocol::proof::{self, Call};
use protocol::time::Timestamp;
use ring::rand::SystemRandom;
use serde_json::Value;
use tempfile::tempdir;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::program::Running;

#[expect(clippy::disallowed_methods, reason = "a test is its own edge")]
fn random() -> SystemRandom {
    SystemRandom::new()
}

/// Starts a login request as a page does: its id and its cookie.
async fn start_request(url: &str) -> (String, String) {
    install_provider();
    let http = reqwest::Client::new();
    let known = http.get(format!("{url}/.well-known/countersign")).send().await.unwrap();
    let nonce = known.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    let (key, _) = SigningKey::generate(&random()).unwrap();
    let address = format!("{url}/api/login-requests");
    let call = Call { method: "POST", url: &address, token: None };
    let proof = proof::make(&call, Some(&nonce), [7; 16], Timestamp(1), &key, &random()).unwrap();
    let started = http
        .post(&address)
        .header("dpop", proof)
        .header("origin", url)
        .json(&serde_json::json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(started.status(), 201);
    let cookie = started.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let body: Value = started.json().await.unwrap();
    (body["id"].as_str().unwrap().to_owned(), cookie)
}

#[tokio::test]
async fn a_node_that_stops_sends_its_waiting_pages_elsewhere() {
    let data = tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let (id, cookie) = start_request(&server.url).await;
    let address = format!("{}/api/login-requests/{id}/events", server.url.replacen("http", "ws", 1));
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    request.headers_mut().insert("origin", server.url.parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    let Some(Ok(Message::Text(shown))) = socket.next().await else { panic!("the state comes first") };
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["state"], "waiting");
    assert!(
        shown["frame"]["url"].as_str().unwrap().starts_with(&format!("{}/Q/", server.url.to_uppercase()))
    );

    server.signal("TERM");
    let closed = loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
            Some(Ok(_)) => {}
            other => panic!("the socket ended without a word: {other:?}"),
        }
    };
    assert_eq!(closed, 1001);
    drop(socket);
    let (code, _, log) = server.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("still open"), "{log}");
}
