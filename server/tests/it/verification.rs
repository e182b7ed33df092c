//! Additions, step up: the owner's policy asks for a verified person.

use countersign_server::config::VerificationRule;
use protocol::statement::{Decision, Statement};

use crate::support::{Node, Options, scanned, wrong_number};

async fn asking() -> Node {
    Node::with(Options::with(|settings| settings.policy.user_verification = VerificationRule::Required)).await
}

#[tokio::test]
async fn without_the_policy_a_context_says_nothing_of_it() {
    let node = Node::start().await;
    let (_, _, _, scanned) = scanned(&node).await;
    assert_eq!(scanned.seen().get("user_verification"), None);
}

#[tokio::test]
async fn an_approval_without_a_verified_person_is_refused_and_nothing_is_lost() {
    let node = asking().await;
    let (page, request, device, scanned) = scanned(&node).await;
    assert_eq!(scanned.seen()["user_verification"], "required");
    let number = page.number(&request).await;
    // More often than there are tries, with a right and a wrong number: no try is taken, nothing is told about either.
    for check in [number.as_str(), wrong_number(&number), wrong_number(&number), wrong_number(&number)] {
        let answer = device.decide(&scanned, Decision::Approve, Some(check)).await;
        answer.problem(403, "user_verification_required");
    }
    assert_eq!(page.stands(&request).await, "scanned");
    let verified = Statement {
        user_verified: true,
        ..device.statement(&scanned, Decision::Approve, Some(wrong_number(&number)))
    };
    let wrong = device.send_statement(&device.sign(&verified)).await;
    assert_eq!(wrong.problem(422, "wrong_check")["tries_left"], 2, "all three tries were there");
    let verified =
        Statement { user_verified: true, ..device.statement(&scanned, Decision::Approve, Some(&number)) };
    device.send_statement(&device.sign(&verified)).await.expect(204);
    page.redeem(&request).await.expect(201);
}

#[tokio::test]
async fn a_flag_that_was_added_after_signing_is_worth_nothing() {
    let node = asking().await;
    let (page, request, device, scanned) = scanned(&node).await;
    let number = page.number(&request).await;
    let plain = device.statement(&scanned, Decision::Approve, Some(&number));
    let signed = device.sign(&plain);
    let verified = device.sign(&Statement { user_verified: true, ..plain });
    let claims = verified.split('.').nth(1).unwrap();
    let parts: Vec<_> = signed.split('.').collect();
    let forged = format!("{}.{claims}.{}", parts[0], parts[2]);
    device.send_statement(&forged).await.problem(404, "not_found");
    // A verified one for another login does not help either.
    let other_page = node.page();
    let other = device.scanned(&other_page.start().await).await;
    let other =
        Statement { user_verified: true, ..device.statement(&other, Decision::Approve, Some(&number)) };
    let moved = Statement { ticket: scanned.ticket, ..other };
    device.send_statement(&device.sign(&moved)).await.problem(404, "not_found");
    assert_eq!(page.stands(&request).await, "scanned");
}

#[tokio::test]
async fn saying_no_needs_nobodys_pin() {
    let node = asking().await;
    for (decision, reason) in [(Decision::Deny, "user"), (Decision::Report, "reported")] {
        let device = node.device("ada").await;
        let page = node.page();
        let request = page.start().await;
        let scanned = device.scanned(&request).await;
        device.decide(&scanned, decision, None).await.expect(204);
        assert_eq!(page.state(&request).await.expect(200)["reason"], reason);
    }
}
