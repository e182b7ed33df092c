//! The decision and the wait for the page.

use authenticator::command::{Command, DecisionInput};
use authenticator::error_code::ErrorCode;
use authenticator::view::{EndReason, Outcome, Place, Prompt, Screen};
use protocol::context::Via;
use protocol::statement::Decision;
use serde_json::json;

use crate::app::App;
use crate::enrolling::eventually;
use crate::server::{CHECK, Reply, Server, scanned_body};

#[tokio::test]
async fn approved_waits_for_the_page_and_shows_its_session() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    app.approve(&prompt, CHECK).await;
    let waiting = app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    assert!(matches!(waiting, Screen::WaitingForPage { left_s: 59..=60, .. }));
    eventually(|| server.count("GET /api/sessions") >= 2).await;
    server.sign_in();
    let outcome = outcome(&app).await;
    assert!(
        matches!(outcome, Outcome::SignedIn { session } if session.by_this_device && session.browser == "Firefox 153")
    );
    assert_eq!(server.inner().statements[0].decision, Decision::Approve);
}

#[tokio::test]
async fn denied_and_reported_end_the_prompt() {
    for (input, decision, ended) in [
        (DecisionInput::Deny, Decision::Deny, Outcome::Denied),
        (DecisionInput::Report, Decision::Report, Outcome::Reported),
    ] {
        let server = Server::start().await;
        let app = App::enrolled(&server).await;
        let prompt = app.scan(&server).await;
        app.decide(&prompt, input).await;
        assert_eq!(outcome(&app).await, ended);
        let statement = server.inner().statements[0].clone();
        assert_eq!((statement.decision, statement.check), (decision, None));
    }
}

#[tokio::test]
async fn a_wrong_number_can_be_corrected() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    app.approve(&prompt, "11").await;
    let shown = app
        .until(|screen| matches!(screen, Screen::Authorize { prompt } if prompt.tries_left == Some(2)))
        .await;
    let Screen::Authorize { prompt } = shown else { unreachable!("waited for it") };
    assert_eq!(prompt.problem.as_ref().unwrap().error, ErrorCode::WrongCheck { tries_left: 2 });
    app.approve(&prompt, CHECK).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
}

#[tokio::test]
async fn the_third_wrong_number_ends_it_with_that_reason() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    for tries_left in [2, 1] {
        app.approve(&prompt, "11").await;
        app.until(
            |screen| matches!(screen, Screen::Authorize { prompt } if prompt.tries_left == Some(tries_left)),
        )
        .await;
    }
    app.approve(&prompt, "11").await;
    assert_eq!(outcome(&app).await, Outcome::Ended { reason: EndReason::WrongNumbers });
}

#[tokio::test]
async fn no_number_and_half_a_number_send_nothing() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    for check in [None, Some("4".to_owned()), Some("09".to_owned()), Some("4a".to_owned())] {
        app.decide(&prompt, DecisionInput::Approve { check, pin: None }).await;
        app.until(|screen| matches!(screen, Screen::Authorize { prompt } if matches!(&prompt.problem, Some(p) if p.error == ErrorCode::CheckMalformed))).await;
    }
    assert_eq!(server.count("POST /api/decisions"), 0);
}

#[tokio::test]
async fn a_double_click_sends_one_decision_and_an_old_prompt_none() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let old = app.scan(&server).await;
    app.send(Command::Back).await;
    app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
    let prompt = app.scan(&server).await;
    assert_ne!(old.id, prompt.id);
    app.approve(&old, CHECK).await;
    let (go, hold) = tokio::sync::oneshot::channel();
    server.next("POST /api/decisions", Reply::Hold(hold));
    for _ in 0..3 {
        app.approve(&prompt, CHECK).await;
    }
    app.decide(&prompt, DecisionInput::Deny).await;
    // Neither "Back" nor going elsewhere leaves a decision on its way.
    app.send(Command::Back).await;
    app.send(Command::Go { to: Place::Settings }).await;
    eventually(|| server.count("POST /api/decisions") == 1).await;
    go.send(()).unwrap();
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    assert_eq!(server.count("POST /api/decisions"), 1);
    assert_eq!(server.inner().statements.len(), 1);
}

#[tokio::test]
async fn a_lost_reply_is_repeated_with_the_same_statement() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    server.next("POST /api/decisions", Reply::Lost);
    app.approve(&prompt, CHECK).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    let statements = server.inner().statements.clone();
    assert_eq!(statements.len(), 2);
    assert_eq!(statements[0], statements[1]);
}

#[tokio::test]
async fn a_wrong_number_whose_reply_is_lost_twice_takes_two_tries_and_no_third() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    for _ in 0..3 {
        server.next("POST /api/decisions", Reply::Lost);
    }
    app.approve(&prompt, "11").await;
    app.until(|screen| matches!(screen, Screen::Authorize { prompt } if prompt.problem.is_some())).await;
    assert_eq!(server.inner().statements.len(), 2);
}

#[tokio::test]
async fn a_store_that_comes_back_gets_the_decision() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    server.next("POST /api/decisions", Reply::Problem(503, "store_unavailable", json!({})));
    app.approve(&prompt, CHECK).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
}

#[tokio::test]
async fn a_server_that_is_gone_leaves_the_prompt_open_with_the_reason() {
    let mut server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    server.stop().await;
    app.approve(&prompt, CHECK).await;
    let shown =
        app.until(|screen| matches!(screen, Screen::Authorize { prompt } if prompt.problem.is_some())).await;
    let Screen::Authorize { prompt } = shown else { unreachable!("waited for it") };
    assert!(matches!(prompt.problem.unwrap().error, ErrorCode::ServerUnreachable { .. }));
    assert_eq!(prompt.deciding, None);
}

#[tokio::test]
async fn other_ends_are_told_apart() {
    for (status, name, reason) in [
        (410, "ended", EndReason::ByServer),
        (404, "not_found", EndReason::ByServer),
        (409, "already_decided", EndReason::DecidedBefore),
    ] {
        let server = Server::start().await;
        let app = App::enrolled(&server).await;
        let prompt = app.scan(&server).await;
        server.next("POST /api/decisions", Reply::Problem(status, name, json!({})));
        app.approve(&prompt, CHECK).await;
        assert_eq!(outcome(&app).await, Outcome::Ended { reason });
    }
}

#[tokio::test]
async fn a_prompt_whose_time_is_over_ends_by_itself() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let body = scanned_body(server.origin.to_string(), Via::Link, 1);
    server.next("POST /api/scans", Reply::Json(201, body));
    app.send(Command::ScanText { text: server.login_link() }).await;
    assert_eq!(outcome(&app).await, Outcome::Ended { reason: EndReason::TimeOver });
}

#[tokio::test]
async fn a_page_that_never_comes_is_told_after_its_minute() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    app.approve(&prompt, CHECK).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    app.pass_s(60);
    assert_eq!(outcome(&app).await, Outcome::PageNeverCame);
}

#[tokio::test]
async fn a_list_that_fails_while_waiting_is_tried_again_by_itself() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    for _ in 0..2 {
        server.next("GET /api/sessions", Reply::Problem(503, "store_unavailable", json!({})));
    }
    app.approve(&prompt, CHECK).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { problem: Some(_), .. })).await;
    server.sign_in();
    assert!(matches!(outcome(&app).await, Outcome::SignedIn { .. }));
}

#[tokio::test]
async fn a_server_that_stays_away_does_not_keep_the_person_waiting() {
    let mut server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    app.approve(&prompt, CHECK).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    server.stop().await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { problem: Some(_), .. })).await;
    app.pass_s(60);
    assert_eq!(outcome(&app).await, Outcome::Ended { reason: EndReason::NoAnswer });
}

#[tokio::test]
async fn an_approval_without_an_answer_is_looked_for_when_the_time_is_over() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = approved_without_an_answer(&app, &server).await;
    assert!(prompt.problem.is_some());
    // The server took it all the same, and the page came.
    server.sign_in();
    assert!(matches!(outcome(&app).await, Outcome::SignedIn { .. }));
}

#[tokio::test]
async fn an_approval_without_an_answer_that_ended_is_looked_for() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = approved_without_an_answer(&app, &server).await;
    server.sign_in();
    server.next("POST /api/decisions", Reply::Problem(410, "ended", json!({})));
    app.approve(&prompt, CHECK).await;
    assert!(matches!(outcome(&app).await, Outcome::SignedIn { .. }));
}

#[tokio::test]
async fn a_decision_that_comes_too_late_ends_with_that_reason() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    app.pass_s(120);
    server.next("POST /api/decisions", Reply::Problem(410, "ended", json!({})));
    app.approve(&prompt, CHECK).await;
    assert_eq!(outcome(&app).await, Outcome::Ended { reason: EndReason::TimeOver });
}

/// The server got the approval twice, and both answers were lost. The prompt lives for one more second.
async fn approved_without_an_answer(app: &App, server: &Server) -> Prompt {
    let body = scanned_body(server.origin.to_string(), Via::Link, 2);
    server.next("POST /api/scans", Reply::Json(201, body));
    let prompt = app.scan(server).await;
    for _ in 0..2 {
        server.next("POST /api/decisions", Reply::Lost);
    }
    app.approve(&prompt, CHECK).await;
    let shown =
        app.until(|screen| matches!(screen, Screen::Authorize { prompt } if prompt.problem.is_some())).await;
    let Screen::Authorize { prompt } = shown else { unreachable!("waited for it") };
    prompt
}

async fn outcome(app: &App) -> Outcome {
    match app.until(|screen| matches!(screen, Screen::Outcome { .. })).await {
        Screen::Outcome { outcome, .. } => outcome,
        _ => unreachable!("waited for it"),
    }
}
