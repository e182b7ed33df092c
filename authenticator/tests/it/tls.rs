//! Trust: the pinned key and nothing else, or the system's trust.

use authenticator::command::Command;
use authenticator::error_code::ErrorCode;
use authenticator::view::{AccountState, Place, Screen};
use protocol::link::{EnrolCode, EnrolLink, Pin};
use protocol::origin::Origin;

use crate::app::App;
use crate::server::{Shared, router};

#[tokio::test]
async fn a_pinned_key_is_trusted_and_another_one_is_not() {
    let (origin, pin) = start_self_signed().await;
    let app = App::new().await;
    assert!(matches!(
        problem(&app, &origin, Some(Pin::of_spki(b"another"))).await,
        ErrorCode::PinMismatch { .. }
    ));
    assert!(matches!(problem(&app, &origin, None).await, ErrorCode::CertificateRefused { .. }));
    offer(&app, &origin, Some(pin)).await;
    app.until(|screen| matches!(screen, Screen::ConfirmContact { pinned: true, .. })).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    app.send(Command::KeepAccount { yes: true }).await;
    let state = app.until_state(|state| state.accounts.len() == 1).await;
    assert!(state.accounts[0].pinned);
    // The pin holds for every later call and run.
    let app = app.restart();
    app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
    app.send(Command::ScanText { text: crate::server::login_link(&origin) }).await;
    app.prompt().await;
}

#[tokio::test]
async fn another_key_later_is_refused_and_the_enrolment_stays() {
    let (origin, pin) = start_self_signed().await;
    let app = App::new().await;
    offer(&app, &origin, Some(pin)).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
    app.send(Command::KeepAccount { yes: true }).await;
    app.until_state(|state| state.accounts.len() == 1).await;
    let secrets = app.vault.entries();

    // The same app and account; what stands at that address holds another key, and then speaks no TLS at all.
    let (other, _) = start_self_signed().await;
    let plain = crate::server::Server::start().await;
    let port = |origin: &Origin| origin.port();
    for (stands_there, pinned) in [(port(&other), true), (port(&plain.origin), false)] {
        let folder = tempfile::tempdir().unwrap();
        let moved = format!("https://localhost:{stands_there}");
        let file = std::fs::read_to_string(app.folder.path().join("accounts.json")).unwrap();
        std::fs::write(folder.path().join("accounts.json"), file.replace(origin.as_str(), &moved)).unwrap();
        let app = App::run(app.vault.clone(), folder);
        app.until(|screen| matches!(screen, Screen::Scan { .. })).await;
        app.send(Command::ScanText { text: crate::server::login_link(&Origin::parse(&moved).unwrap()) })
            .await;
        let error = app.scan_problem().await;
        let told = match error {
            ErrorCode::PinMismatch { .. } => pinned,
            ErrorCode::ServerUnreachable { .. } => !pinned,
            _ => false,
        };
        assert!(told, "{error:?}");
        let state = app.state();
        assert!(
            state.accounts.len() == 1
                && state.accounts[0].state == AccountState::Ready
                && state.accounts[0].pinned
        );
        assert_eq!(app.vault.entries(), secrets);
    }
    assert_eq!(plain.calls(), [""; 0], "something was said in the clear");
}

async fn start_self_signed() -> (Origin, Pin) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pin = Pin::of_spki(&rcgen::PublicKeyData::subject_public_key_info(&made.signing_key));
    let config = axum_server::tls_rustls::RustlsConfig::from_der(
        vec![made.cert.der().to_vec()],
        made.signing_key.serialize_der(),
    )
    .await
    .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let origin =
        Origin::parse(&format!("https://localhost:{}", listener.local_addr().unwrap().port())).unwrap();
    let service = router(Shared::new(origin.clone())).into_make_service();
    let server = axum_server::from_tcp_rustls(listener, config).unwrap();
    tokio::spawn(async move { server.serve(service).await.unwrap() });
    (origin, pin)
}

async fn offer(app: &App, origin: &Origin, pin: Option<Pin>) {
    app.send(Command::Go { to: Place::AddAccount }).await;
    let link = EnrolLink { origin: origin.clone(), code: EnrolCode::from_random([1; 16]), pin };
    app.send(Command::AddByLink { link: link.to_string() }).await;
}

async fn problem(app: &App, origin: &Origin, pin: Option<Pin>) -> ErrorCode {
    offer(app, origin, pin).await;
    // The problem of the try before is on show until here.
    app.until(|screen| matches!(screen, Screen::ConfirmContact { .. })).await;
    app.send(Command::ContactServer { yes: true }).await;
    app.until(|screen| !matches!(screen, Screen::ConfirmContact { .. })).await;
    match app.until(|screen| matches!(screen, Screen::AddAccount { problem: Some(_) })).await {
        Screen::AddAccount { problem: Some(problem) } => problem.error,
        _ => unreachable!("waited for it"),
    }
}
