//! What is counted of logins. The counters are the process's and other tests run beside, so a test sees that they grew.

use protocol::statement::Decision;
use serde_json::json;

use crate::support::{Node, Options, scanned, signed_in, wrong_number};

/// What stands behind this name and these labels.
fn figure(line: &str) -> u64 {
    let mut text = String::new();
    countersign_server::counts::render(&mut text);
    let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {line} in {text}")).parse().unwrap()
}

#[tokio::test]
async fn a_login_is_counted_at_each_step_and_its_wait_is_noted() {
    let step = |state: &str| format!("countersign_login_steps_total{{state=\"{state}\",reason=\"\"}}");
    let lines = ["waiting", "scanned", "approved", "redeemed"].map(step);
    let lines = lines.iter().map(String::as_str).chain(["countersign_redeemed_after_seconds_count"]);
    let before: Vec<_> = lines.map(|line| (line.to_owned(), figure(line))).collect();
    let node = Node::start().await;
    signed_in(&node).await;
    for (line, was) in before {
        assert!(figure(&line) > was, "{line} is still {was}");
    }
}

#[tokio::test]
async fn the_reason_of_a_denial_is_counted() {
    let line = "countersign_login_steps_total{state=\"denied\",reason=\"check\"}";
    let before = figure(line);
    let node = Node::start().await;
    let (page, request, device, scan) = scanned(&node).await;
    let wrong = wrong_number(&page.number(&request).await);
    for _ in 0..3 {
        device.decide(&scan, Decision::Approve, Some(wrong)).await;
    }
    assert!(figure(line) > before);
}

#[tokio::test]
async fn a_refusal_is_counted_by_its_limit() {
    let line = "countersign_limited_total{limit=\"starts\",of=\"address\"}";
    let before = figure(line);
    let node = Node::with(Options::with(|settings| settings.limits.starts_per_address = 1)).await;
    let page = node.page();
    page.start().await;
    page.start_with(json!({})).await.problem(429, "too_many_requests");
    assert!(figure(line) > before);
}
