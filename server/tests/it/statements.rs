//! Points 5 and 6: who decides, and what a statement is good for.

use protocol::encoding::base64url;
use protocol::id::Ticket;
use protocol::origin::Origin;
use protocol::statement::{Decision, Statement};
use serde_json::{Value, json};

use crate::support::{Node, Request, approved, fresh_bytes, scanned};

/// Point 5.
#[tokio::test]
async fn only_the_device_that_scanned_decides_and_only_for_its_own_account() {
    let node = Node::start().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let number = page.number(&request).await;
    for name in ["ada", "mallory"] {
        let other = node.device(name).await;
        other.scan(&request.code(), "camera").await.problem(409, "already_scanned");
        other.decide(&scanned, Decision::Approve, Some(&number)).await.problem(404, "not_found");
        other.decide(&scanned, Decision::Deny, None).await.problem(404, "not_found");
        // The other device's key under the right device's name, and its own name under the right account.
        let mut statement = device.statement(&scanned, Decision::Approve, Some(&number));
        other.send_statement(&other.sign(&statement)).await.problem(404, "not_found");
        statement.device = other.id.unwrap();
        other.send_statement(&other.sign(&statement)).await.problem(404, "not_found");
    }
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    assert_eq!(page.redeem(&request).await.expect(201)["account"]["username"], "ada");
}

/// Point 6.
#[tokio::test]
async fn a_statement_with_any_field_changed_is_refused() {
    let node = Node::start().await;
    let (page, request, device, one) = scanned(&node).await;
    let number = page.number(&request).await;
    let other_page = node.page();
    let other = device.scanned(&other_page.start().await).await;
    let mallory = node.device("mallory").await;
    let good = device.statement(&one, Decision::Approve, Some(&number));
    let changed = [
        Statement { device: mallory.id.unwrap(), ..good.clone() },
        Statement { origin: Origin::parse("https://evil.example").unwrap(), ..good.clone() },
        Statement { account: mallory.account.unwrap(), ..good.clone() },
        Statement { ticket: Ticket::from_random(fresh_bytes()), ..good.clone() },
        Statement { ticket: other.ticket, ..good.clone() },
        Statement { context_hash: protocol::context::hash(&other.context), ..good.clone() },
        Statement { context_hash: [0; 32], ..good.clone() },
    ];
    for statement in &changed {
        device.send_statement(&device.sign(statement)).await.problem(404, "not_found");
    }
    let signed = device.sign(&good);
    let (head, signature) = signed.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let none = base64url(br#"{"typ":"login-decision+jwt","alg":"none"}"#);
    let hmac = base64url(br#"{"typ":"login-decision+jwt","alg":"HS256"}"#);
    let typ = base64url(br#"{"typ":"dpop+jwt","alg":"ES256"}"#);
    let deny = base64url(br#"{"decision":"approve"}"#);
    for text in [
        format!("{header}.{deny}.{signature}"),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{hmac}.{payload}.{signature}"),
        format!("{typ}.{payload}.{signature}"),
        format!("{head}.{}", base64url(&[0; 64])),
        head.to_owned(),
        String::new(),
        "a.b.c".to_owned(),
        "x".repeat(9_000),
    ] {
        device.send_statement(&text).await.problem(404, "not_found");
    }
    assert_eq!(page.stands(&request).await, "scanned");
    device.send_statement(&signed).await.expect(204);
    assert_eq!(
        other_page
            .state(&Request { id: other.body["request"].as_str().unwrap().to_owned(), body: Value::Null })
            .await
            .expect(200)["state"],
        "scanned"
    );
}

/// Point 6: a statement that was used changes nothing later.
#[tokio::test]
async fn a_replayed_statement_changes_nothing() {
    let node = Node::start().await;
    let (page, request, device, scanned) = approved(&node).await;
    page.redeem(&request).await.expect(201);
    page.end_session(json!({})).await.expect(204);
    let statement = device.sign(&device.statement(&scanned, Decision::Approve, Some("47")));
    device.send_statement(&statement).await.expect(204);
    assert_eq!(page.stands(&request).await, "redeemed");
    page.redeem(&request).await.problem(410, "ended");
    node.clock.advance_s(400);
    device.send_statement(&statement).await.problem(404, "not_found");
}
