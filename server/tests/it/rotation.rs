//! The server key is changed while people sign in.

use countersign_server::server_keys::ServerKeys;
use protocol::secret::Secret;
use protocol::statement::Decision;
use serde_json::json;

use crate::support::{Extras, Node, Scanned, approved, code_of};

/// Keys of these bytes, the first makes; a node starts with 7.
fn keys(bytes: &[u8]) -> ServerKeys {
    ServerKeys::of(bytes.iter().map(|byte| Secret::new([*byte; 32])).collect()).unwrap()
}

#[tokio::test]
async fn a_login_goes_on_under_the_next_key() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let page = node.page();
    let request = page.start().await;
    // A frame, a nonce and a cookie of the key before.
    let proof = device.wire.proof("POST", "/api/scans", Some(&device.token));
    node.service.rekey(keys(&[8, 7])).await.unwrap();

    let body = Some(json!({ "code": request.code(), "via": "camera" }));
    let extras = Extras { body, token: Some(&device.token), ..Default::default() };
    let scanned = device.wire.send("POST", "/api/scans", &extras, Some(proof)).await.expect(201);
    let number = page.number(&request).await;
    let scanned = Scanned::read(scanned);
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    page.redeem(&request).await.expect(201);
    page.session().await.expect(200);
}

#[tokio::test]
async fn a_repeated_redeem_gives_the_same_cookie_under_the_next_key() {
    let node = Node::start().await;
    let (page, request, _, _) = approved(&node).await;
    page.redeem(&request).await.expect(201);
    let first = page.cookie("-session").unwrap();
    node.service.rekey(keys(&[8, 7])).await.unwrap();
    page.redeem(&request).await.expect(201);
    assert_eq!(page.cookie("-session").unwrap(), first);
    page.session().await.expect(200);
}

#[tokio::test]
async fn a_node_that_makes_with_the_next_key_and_one_that_accepts_it_serve_one_page() {
    let a = Node::start().await;
    let b = a.beside(a.short_lived.clone()).await;
    a.service.rekey(keys(&[7, 8])).await.unwrap();
    b.service.rekey(keys(&[8, 7])).await.unwrap();
    let device = a.device("ada").await;
    let page = b.page();
    let request = page.start().await;
    let scanned = device.scanned(&request).await;
    let number = page.number(&request).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    page.redeem(&request).await.expect(201);
    let first = page.cookie("-session").unwrap();
    let page = page.at(&a);
    page.redeem(&request).await.expect(201);
    assert_eq!(page.cookie("-session").unwrap(), first);
}

#[tokio::test]
async fn what_a_dropped_key_made_is_refused() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let page = node.page();
    let request = page.start().await;
    let proof = page.wire.proof("POST", "/api/login-requests", None);
    let shown = page.state(&request).await.expect(200);
    node.service.rekey(keys(&[8])).await.unwrap();

    device.scan(&request.code(), "camera").await.problem(404, "not_found");
    let extras = Extras { body: Some(json!({})), ..Default::default() };
    let stale = page.wire.send("POST", "/api/login-requests", &extras, Some(proof)).await;
    stale.problem(401, "use_dpop_nonce");
    // The page has another frame at once, and goes on with it.
    let fresh = page.state(&request).await.expect(200);
    assert_ne!(fresh["frame"]["url"], shown["frame"]["url"]);
    assert_ne!(fresh["frame"]["png"], shown["frame"]["png"]);
    device.scan(&code_of(&fresh), "camera").await.expect(201);
}
