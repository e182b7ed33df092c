//! From a code to the prompt.

use authenticator::WindowEvent;
use authenticator::command::{Command, DecisionInput};
use authenticator::error_code::ErrorCode;
use authenticator::view::{
    CameraState, ForeignKind, ForeignNote, NoticeMessage, Place, Screen, Severity, Via, WarningCode,
};
use serde_json::json;

use crate::app::App;
use crate::enrolling::eventually;
use crate::server::{Reply, Server};

#[tokio::test]
async fn a_link_of_an_enrolled_server_asks_the_person() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    assert_eq!(prompt.origin, server.origin.as_str());
    assert_eq!((prompt.seen.started_s_ago, prompt.left_s, prompt.via), (8, 120, Via::Link));
    assert_eq!(prompt.claimed.browser, "Firefox 153", "what turns text around is gone");
    assert!(prompt.check_wanted);
    let first = prompt.warnings[0];
    assert_eq!((first.code, first.severity), (WarningCode::DifferentNetwork, Severity::Danger));
    assert_eq!(server.inner().scans[0]["via"], "link");
}

#[tokio::test]
async fn a_picture_of_the_code_is_read_and_said_to_be_one() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    app.handle.picture(picture_of(&server.login_link())).await;
    assert_eq!(app.prompt().await.via, Via::Image);
    assert_eq!(server.inner().scans[0]["via"], "image");
}

#[tokio::test]
async fn pictures_without_a_code_and_no_pictures_at_all_are_told_apart() {
    let app = App::new().await;
    app.send(Command::Go { to: Place::Scan }).await;
    app.handle.picture(b"no picture".to_vec()).await;
    assert_eq!(app.scan_problem().await, ErrorCode::PictureUnreadable);
    let mut empty = Vec::new();
    let white = image::GrayImage::from_pixel(40, 40, image::Luma([255]));
    white.write_to(&mut std::io::Cursor::new(&mut empty), image::ImageFormat::Png).unwrap();
    app.handle.picture(empty).await;
    app.until(|screen| matches!(screen, Screen::Scan { problem: Some(p), .. } if p.error == ErrorCode::PictureNoCode)).await;
}

#[tokio::test]
async fn foreign_codes_are_shown_and_contact_nobody() {
    let server = Server::start().await;
    let other = Server::start().await;
    let app = App::enrolled(&server).await;
    let before = server.calls().len();
    for (text, kind) in [
        (other.login_link(), ForeignKind::LoginCode),
        ("javascript:alert(1)".to_owned(), ForeignKind::OtherScheme),
        ("file:///etc/passwd".to_owned(), ForeignKind::OtherScheme),
        (format!("http://{}/x", other.origin.host_and_port()), ForeignKind::WebAddress),
        ("x".repeat(3_000), ForeignKind::Text),
    ] {
        app.send(Command::Go { to: Place::Scan }).await;
        app.send(Command::ScanText { text }).await;
        let shown = app
            .until(|screen| matches!(screen, Screen::ForeignText { kind: shown, .. } if *shown == kind))
            .await;
        if kind == ForeignKind::LoginCode {
            assert!(matches!(shown, Screen::ForeignText { note: ForeignNote::UnknownServer { .. }, .. }));
        }
    }
    assert_eq!(other.calls(), [""; 0]);
    assert_eq!(server.count("POST /api/scans"), 0);
    assert!(server.calls().len() <= before + 1, "but for the regular look at the activity");
}

#[tokio::test]
async fn several_accounts_of_one_server_are_asked_about_before_anything_is_sent() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    server.inner().account = 7;
    let second = app.enrol(&server).await;
    app.send(Command::ScanText { text: server.login_link() }).await;
    let asked = app.until(|screen| matches!(screen, Screen::ChooseAccount { .. })).await;
    assert!(matches!(asked, Screen::ChooseAccount { candidates, .. } if candidates.len() == 2));
    assert_eq!(server.count("POST /api/scans"), 0);
    app.send(Command::ChooseAccount { account: second.clone() }).await;
    assert_eq!(app.prompt().await.account, second);
}

#[tokio::test]
async fn a_typed_code_is_forgiven_its_looks_and_nothing_else() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let account = app.state().accounts[0].id.clone();
    app.send(Command::Go { to: Place::TypeCode }).await;
    let shown = app.until(|screen| matches!(screen, Screen::TypeCode { .. })).await;
    assert!(matches!(shown, Screen::TypeCode { account: Some(only), .. } if only == account));
    let typed = |code: &str| Command::SubmitUserCode { account: account.clone(), code: code.to_owned() };
    app.send(typed("BCDF-GHJ")).await;
    app.until(|screen| matches!(screen, Screen::TypeCode { problem: Some(p), .. } if p.error == ErrorCode::UserCodeMalformed)).await;
    assert_eq!(server.count("POST /api/scans"), 0);
    server.next("POST /api/scans", Reply::Problem(404, "not_found", json!({})));
    app.send(typed("bcdf ghjk")).await;
    app.until(|screen| matches!(screen, Screen::TypeCode { problem: Some(p), .. } if p.error == ErrorCode::CodeUnknown)).await;
    app.send(typed("bcdf ghjk")).await;
    assert_eq!(app.prompt().await.via, Via::Typed);
    assert_eq!(server.inner().scans[0], json!({"user_code": "BCDF-GHJK", "via": "typed"}));
}

/// RFC 8628 §5.4: the person learns what is signed in and to what; typing was the check, so no number is asked for.
#[tokio::test]
async fn the_code_of_a_device_is_approved_without_a_number() {
    let server = Server::start().await;
    server.inner().is_device_grant = true;
    let app = App::enrolled(&server).await;
    let prompt = app.type_code("BCDF-GHJK").await;
    assert_eq!((prompt.client.as_deref(), prompt.for_device), (Some("Backup tool"), true));
    assert_eq!(prompt.scopes, ["openid", "backup:write"]);
    assert_eq!(prompt.seen.address, "203.0.113.7");
    let gravest = prompt.warnings.iter().filter(|warning| warning.severity == Severity::Danger);
    assert!(gravest.clone().any(|warning| warning.code == WarningCode::CameByTyping), "{prompt:?}");
    assert!(prompt.warnings.iter().all(|warning| warning.code != WarningCode::BrowserFirstSeen));
    assert!(!prompt.check_wanted);
    app.decide(&prompt, DecisionInput::Approve { check: None, pin: None }).await;
    let waiting = app.until(|screen| matches!(screen, Screen::WaitingForPage { .. })).await;
    assert!(matches!(waiting, Screen::WaitingForPage { for_device: true, .. }));
    assert_eq!(server.inner().statements[0].check, None);
    server.sign_in();
    let ended = app.until(|screen| matches!(screen, Screen::Outcome { .. })).await;
    assert!(matches!(ended, Screen::Outcome { for_device: true, .. }));
}

#[tokio::test]
async fn each_refusal_of_a_scan_has_its_own_word() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    for (status, name, error) in [
        (404, "not_found", ErrorCode::CodeUnknown),
        (409, "already_scanned", ErrorCode::CodeAlreadyScanned),
        (410, "frame_expired", ErrorCode::CodeExpired),
        (410, "ended", ErrorCode::CodeEnded),
        (403, "network_refused", ErrorCode::NetworkRefused),
        (429, "too_many_requests", ErrorCode::RateLimited { retry_after_s: 7 }),
        (401, "invalid_proof", ErrorCode::ProofRefused),
    ] {
        app.send(Command::Go { to: Place::Scan }).await;
        server.next("POST /api/scans", Reply::Problem(status, name, json!({})));
        app.send(Command::ScanText { text: server.login_link() }).await;
        app.until(|screen| matches!(screen, Screen::Scan { problem: Some(p), .. } if p.error == error)).await;
    }
}

#[tokio::test]
async fn a_lost_reply_to_a_scan_is_repeated() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    server.next("POST /api/scans", Reply::Lost);
    app.scan(&server).await;
    assert_eq!(server.count("POST /api/scans"), 2);
}

#[tokio::test]
async fn a_context_of_another_origin_is_not_shown() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    server.inner().other_origin_in_context = true;
    app.send(Command::ScanText { text: server.login_link() }).await;
    assert_eq!(app.scan_problem().await, ErrorCode::ContextRefused);
}

#[tokio::test]
async fn a_context_of_an_unknown_version_asks_for_an_update() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let context = protocol::encoding::base64url(br#"{"v":2}"#);
    let body = json!({"request": "AAAAAAAAAAAAAAAAAAAAAA", "ticket": "AAAAAAAAAAAAAAAAAAAAAA", "context": context,
        "check": true, "expires_at": 2, "now": 1});
    server.next("POST /api/scans", Reply::Json(201, body));
    app.send(Command::ScanText { text: server.login_link() }).await;
    app.until(|screen| matches!(screen, Screen::UpdateNeeded { problem } if matches!(problem.error, ErrorCode::AppTooOld { .. }))).await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = Server::start().await;
    let trap = Server::start().await;
    let app = App::enrolled(&server).await;
    server.next("POST /api/scans", Reply::Redirect(format!("{}/api/scans", trap.origin)));
    app.send(Command::ScanText { text: server.login_link() }).await;
    assert!(matches!(app.scan_problem().await, ErrorCode::RedirectRefused { .. }));
    assert_eq!(trap.calls(), [""; 0]);
}

#[tokio::test]
async fn an_answer_that_comes_after_the_person_went_on_changes_nothing() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let (go, hold) = tokio::sync::oneshot::channel();
    server.next("POST /api/scans", Reply::Hold(hold));
    app.send(Command::ScanText { text: server.login_link() }).await;
    eventually(|| server.count("POST /api/scans") == 1).await;
    app.send(Command::Go { to: Place::Settings }).await;
    go.send(()).unwrap();
    eventually(|| !server.inner().scans.is_empty()).await;
    // The next answer passes the same way, after the late one.
    app.send(Command::Go { to: Place::Sessions }).await;
    app.until(|screen| matches!(screen, Screen::Sessions { sessions, .. } if sessions.items.is_some())).await;
}

#[tokio::test]
async fn what_is_pasted_beside_a_foreign_text_or_an_outcome_is_read() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    app.send(Command::ScanText { text: "just words".to_owned() }).await;
    app.until(|screen| matches!(screen, Screen::ForeignText { .. })).await;
    let prompt = app.scan(&server).await;
    app.decide(&prompt, DecisionInput::Deny).await;
    app.until(|screen| matches!(screen, Screen::Outcome { .. })).await;
    app.scan(&server).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_told_where_it_was_chosen() {
    let app = App::new().await;
    app.send(Command::Go { to: Place::AddAccount }).await;
    app.send(Command::PictureFailed { details: "gone".to_owned() }).await;
    app.until(|screen| matches!(screen, Screen::AddAccount { problem: Some(p) } if p.error == ErrorCode::PictureUnreadable)).await;
}

#[tokio::test]
async fn a_link_from_outside_does_not_push_a_question_away() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await;
    let prompt = app.scan(&server).await;
    app.handle.link(format!("countersign:{}", server.login_link())).await;
    let state = app
        .until_state(|state| matches!(&state.notice, Some(n) if n.message == NoticeMessage::LinkNotOpened))
        .await;
    assert!(matches!(state.screen, Screen::Authorize { prompt: shown } if shown.id == prompt.id));
    assert_eq!(server.count("POST /api/scans"), 1);
}

#[tokio::test]
async fn a_link_given_at_start_is_opened_once_everything_is_loaded() {
    let server = Server::start().await;
    let app = App::enrolled(&server).await.restart();
    app.handle.link(format!("countersign:{}", server.login_link())).await;
    assert_eq!(app.prompt().await.via, Via::Link);
}

#[tokio::test]
async fn a_hidden_window_keeps_the_camera_closed() {
    let app = App::new().await;
    let is_off = |screen: &Screen| matches!(screen, Screen::Scan { camera: CameraState::Off, .. });
    let is_on =
        |screen: &Screen| matches!(screen, Screen::Scan { camera, .. } if *camera != CameraState::Off);
    app.send(Command::Go { to: Place::Scan }).await;
    app.until(is_off).await;
    // Switched off by the person, it stays off when the window comes back.
    app.handle.window(WindowEvent::Hidden).await;
    app.handle.window(WindowEvent::Shown).await;
    app.send(Command::Go { to: Place::Settings }).await;
    app.until(|screen| matches!(screen, Screen::Settings { .. })).await;
    app.send(Command::Go { to: Place::Scan }).await;
    app.until(is_off).await;
    // Whether there is a camera here or not: it is on, or looked for.
    app.send(Command::StartCamera).await;
    app.until(is_on).await;
    app.handle.window(WindowEvent::Hidden).await;
    app.until(is_off).await;
    app.send(Command::StartCamera).await;
    app.send(Command::PictureFailed { details: "a word that is taken after that".to_owned() }).await;
    app.until(|screen| matches!(screen, Screen::Scan { camera: CameraState::Off, problem: Some(_), .. }))
        .await;
    app.handle.window(WindowEvent::Shown).await;
    app.until(is_on).await;
}

/// The QR code of `text` as a PNG, eight pixels a module.
fn picture_of(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    let small = authenticator::enrolment_code::qr_picture(text).unwrap();
    let (_, data) = small.data_uri.split_once(',').unwrap();
    let png = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
    let picture = image::load_from_memory(&png).unwrap();
    let large = picture.resize(small.size * 8, small.size * 8, image::imageops::FilterType::Nearest);
    let mut file = Vec::new();
    large.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
    file
}
