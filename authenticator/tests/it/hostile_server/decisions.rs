//! What was decided is what counts, whatever the server says.

use authenticator::command::{Command, DecisionInput};
use authenticator::view::{NoticeMessage, Place, Screen};
use protocol::id::DeviceId;
use serde_json::json;

use super::{scan_answer, to_scan};
use crate::app::App;
use crate::front::{Front, Trick};
use crate::server::{CHECK, Reply, session};

#[tokio::test]
async fn a_decision_counts_by_its_own_answer_alone() {
    let front = Front::start().await;
    let app = App::enrolled(&front.server).await;
    let ok = |body: &str| {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    };
    for (name, answer) in [
        ("a refusal in 200", ok(r#"{"type":"urn:countersign:problem:ended","status":410}"#)),
        ("a page about maintenance", ok("<html>We will be back soon</html>")),
        ("200 and nothing", ok("")),
        ("201", "HTTP/1.1 201 Created\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()),
        ("202", "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()),
        (
            "a redirect",
            "HTTP/1.1 303 See Other\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                .to_owned(),
        ),
    ] {
        for input in
            [DecisionInput::Deny, DecisionInput::Approve { check: Some(CHECK.to_owned()), pin: None }]
        {
            to_scan(&app).await;
            let prompt = app.scan(&front.server).await;
            front.play("POST /api/decisions", &Trick::Bytes(answer.clone().into_bytes()), 1);
            app.decide(&prompt, input).await;
            let is_told =
                |screen: &Screen| matches!(screen, Screen::Authorize { prompt } if prompt.problem.is_some());
            app.until(|screen| is_told(screen) || !matches!(screen, Screen::Authorize { .. })).await;
            assert!(is_told(&app.state().screen), "{name}: taken for done");
            front.behave();
        }
    }
    assert!(front.server.inner().statements.is_empty(), "the server has heard of none");
    // Deciding again is harmless and comes to its end.
    let prompt = app.prompt().await;
    app.decide(&prompt, DecisionInput::Deny).await;
    app.until(|screen| matches!(screen, Screen::Outcome { .. })).await;
}

#[tokio::test]
async fn ending_and_removing_count_by_their_own_answer_alone() {
    let front = Front::start().await;
    let app = App::enrolled(&front.server).await;
    let account = app.state().accounts[0].id.clone();
    let own = session(1, DeviceId::from_random([1; 16]));
    let id = own["id"].as_str().unwrap().to_owned();
    front.server.inner().sessions.push(own);
    app.send(Command::Go { to: Place::Sessions }).await;
    crate::lists::sessions(&app, 1).await;
    let page = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>".to_vec();
    front.play(&format!("DELETE /api/sessions/{id}"), &Trick::Bytes(page), 1);
    app.send(Command::EndSession { account, session: id }).await;
    let is_over = |message: &NoticeMessage| {
        matches!(message, NoticeMessage::SessionEnded | NoticeMessage::Failed { .. })
    };
    let state = app.until_state(|state| state.notice.as_ref().is_some_and(|it| is_over(&it.message))).await;
    let told = state.notice.map(|notice| notice.message);
    assert!(matches!(told, Some(NoticeMessage::Failed { .. })), "{told:?}");
    crate::lists::sessions(&app, 1).await;
}

#[tokio::test]
async fn what_was_shown_is_what_is_signed_when_the_server_changes_its_story() {
    let front = Front::start().await;
    let app = App::enrolled(&front.server).await;
    front.server.inner().strict = false;
    let own = front.server.origin.to_string();
    let other = scan_answer(&own, |_, context| context["claimed"]["browser"] = json!("Another browser"));
    // The first answer is lost on the way, the repeated scan tells another story.
    front.play("POST /api/scans", &Trick::Bytes(Vec::new()), 1);
    front.server.next("POST /api/scans", Reply::Json(201, other.clone()));
    let prompt = app.scan(&front.server).await;
    assert_eq!(prompt.claimed.browser, "Another browser");
    app.approve(&prompt, CHECK).await;
    app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    let shown = protocol::encoding::from_base64url(other["context"].as_str().unwrap()).unwrap();
    assert_eq!(front.server.inner().statements[0].context_hash, protocol::context::hash(&shown));
}
