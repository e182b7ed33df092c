//! Point 8: every deadline at every transition, one second before, at, and after.

use protocol::statement::Decision;

use crate::support::{Node, approved, code_of, scanned};

#[tokio::test]
async fn waiting_ends_after_300_seconds() {
    for (at_s, lives) in [(299, true), (300, false), (301, false)] {
        let node = Node::start().await;
        let device = node.device("ada").await;
        let page = node.page();
        let request = page.start().await;
        node.clock.advance_s(at_s - 15);
        let code = code_of(&page.state(&request).await.expect(200));
        node.clock.advance_s(15);
        let scan = device.scan(&code, "camera").await;
        if lives {
            scan.expect(201);
        } else {
            scan.problem(410, "ended");
            assert_eq!(page.stands(&request).await, "expired waiting");
        }
    }
}

#[tokio::test]
async fn a_frame_is_good_for_60_seconds() {
    for (at_s, good) in [(59, true), (60, false), (61, false)] {
        let node = Node::start().await;
        let device = node.device("ada").await;
        let request = node.page().start().await;
        node.clock.advance_s(at_s);
        let scan = device.scan(&request.code(), "camera").await;
        if good {
            scan.expect(201);
        } else {
            scan.problem(410, "frame_expired");
        }
    }
}

#[tokio::test]
async fn scanned_ends_after_120_seconds() {
    for (at_s, lives) in [(119, true), (120, false), (121, false)] {
        let node = Node::start().await;
        let (page, request, device, scanned) = scanned(&node).await;
        let number = page.number(&request).await;
        node.clock.advance_s(at_s);
        let decided = device.decide(&scanned, Decision::Approve, Some(&number)).await;
        if lives {
            decided.expect(204);
        } else {
            decided.problem(410, "ended");
            device.scan(&request.code(), "camera").await.problem(410, "ended");
            device.decide(&scanned, Decision::Deny, None).await.problem(410, "ended");
            assert_eq!(page.stands(&request).await, "expired scanned");
        }
    }
}

#[tokio::test]
async fn approved_ends_after_60_seconds() {
    for (at_s, lives) in [(59, true), (60, false), (61, false)] {
        let node = Node::start().await;
        let (page, request, _, _) = approved(&node).await;
        node.clock.advance_s(at_s);
        let redeemed = page.redeem(&request).await;
        if lives {
            redeemed.expect(201);
        } else {
            redeemed.problem(410, "ended");
            assert_eq!(page.stands(&request).await, "expired approved");
        }
    }
}

#[tokio::test]
async fn a_redeem_repeats_until_60_seconds_after_the_decision() {
    for (at_s, same) in [(59, true), (60, false), (61, false)] {
        let node = Node::start().await;
        let (page, request, _, _) = approved(&node).await;
        node.clock.advance_s(30);
        let first = page.redeem(&request).await;
        node.clock.advance_s(at_s - 30);
        let again = page.redeem(&request).await;
        if same {
            assert_eq!((again.status, again.cookies()), (201, first.cookies()));
            assert_eq!(again.body["expires_at"], first.body["expires_at"]);
        } else {
            again.problem(410, "ended");
        }
    }
}

#[tokio::test]
async fn a_final_record_stays_readable_for_300_seconds() {
    for (at_s, there) in [(299, true), (300, false)] {
        let node = Node::start().await;
        let page = node.page();
        let request = page.start().await;
        page.cancel(&request).await.expect(204);
        node.clock.advance_s(at_s);
        node.service.housekeep().await.unwrap();
        let state = page.state(&request).await;
        if there {
            state.expect(200);
        } else {
            state.problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_frame_is_accepted_one_step_ahead_and_no_further() {
    for (ahead_s, known) in [(15, true), (30, false)] {
        let node = Node::start().await;
        let device = node.device("ada").await;
        let page = node.page();
        let request = page.start().await;
        // A node beside it whose clock is ahead shows a frame of its own time.
        let ahead = node.beside_at(ahead_s).await;
        let code = code_of(&page.at(&ahead).state(&request).await.expect(200));
        let scan = device.scan(&code, "camera").await;
        if known {
            scan.expect(201);
        } else {
            scan.problem(404, "not_found");
        }
    }
}
