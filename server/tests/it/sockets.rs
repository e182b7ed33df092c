//! The WebSocket of a waiting page.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use protocol::id::RequestId;
use protocol::secret::Secret;
use protocol::statement::Decision;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{Node, Page, Request, approved, scanned, wrong_number};

/// How long a step may take on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A page that waits; every step has to come.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

enum Heard {
    State(Value),
    Closed(u16),
}

impl Socket {
    async fn open(page: &Page, request: &Request) -> Self {
        Self::try_open(page, request, Some(page.wire.origin.as_str())).await.unwrap()
    }

    /// `Err`: the status that refused it.
    async fn try_open(page: &Page, request: &Request, origin: Option<&str>) -> Result<Self, u16> {
        let url =
            format!("{}/api/login-requests/{}/events", page.wire.base.replacen("http", "ws", 1), request.id);
        let mut call = url.into_client_request().unwrap();
        call.headers_mut().insert("cookie", page.cookies().parse().unwrap());
        if let Some(origin) = origin {
            call.headers_mut().insert("origin", origin.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(call).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn hear(&mut self) -> Heard {
        let next = tokio::time::timeout(PATIENCE, self.0.next());
        match next.await.expect("something soon").unwrap().unwrap() {
            Message::Text(text) => Heard::State(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => Heard::Closed(frame.unwrap().code.into()),
            other => panic!("{other:?}"),
        }
    }

    async fn state(&mut self) -> Value {
        match self.hear().await {
            Heard::State(state) => state,
            Heard::Closed(code) => panic!("closed with {code}"),
        }
    }

    /// The next state is this one, with its reason.
    async fn expect(&mut self, stands: (&str, Option<&str>)) -> Value {
        let state = self.state().await;
        assert_eq!((state["state"].as_str().unwrap(), state["reason"].as_str()), stands);
        state
    }

    async fn closed(&mut self) -> u16 {
        match self.hear().await {
            Heard::Closed(code) => code,
            Heard::State(state) => panic!("{state}"),
        }
    }
}

#[tokio::test]
async fn a_waiting_page_hears_the_whole_state_at_each_change() {
    let node = Node::start().await;
    let device = node.device("ada").await;
    let page = node.page();
    let request = page.start().await;
    let mut socket = Socket::open(&page, &request).await;
    let first = socket.expect(("waiting", None)).await;
    assert_eq!(first, page.state(&request).await.expect(200));

    let scanned = device.scanned(&request).await;
    let state = socket.expect(("scanned", None)).await;
    let number = state["check"].as_str().unwrap().to_owned();
    // That a number took a try changes nothing for the page.
    device.decide(&scanned, Decision::Approve, Some(wrong_number(&number))).await.problem(422, "wrong_check");
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    socket.expect(("approved", None)).await;
    page.redeem(&request).await.expect(201);
    socket.expect(("redeemed", None)).await;
    assert_eq!(socket.closed().await, 1000);
}

#[tokio::test]
async fn a_user_code_and_a_cancel_reach_every_tab() {
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    let mut tabs = vec![Socket::open(&page, &request).await, Socket::open(&page, &request).await];
    for tab in &mut tabs {
        tab.expect(("waiting", None)).await;
    }
    page.user_code(&request).await.expect(200);
    for tab in &mut tabs {
        let state = tab.expect(("waiting", None)).await;
        assert!(state["user_code"].is_string() && state["frame"].is_null());
    }
    page.cancel(&request).await.expect(204);
    for tab in &mut tabs {
        tab.expect(("cancelled", Some("page"))).await;
        assert_eq!(tab.closed().await, 1000);
    }
}

#[tokio::test]
async fn a_socket_needs_the_exact_origin_and_the_cookie() {
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    for origin in [
        None,
        Some("null"),
        Some("https://evil.example"),
        Some("https://login.example.com:8443"),
        Some("http://login.example.com"),
        Some("https://login.example.com.evil.example"),
        Some("https://LOGIN.example.com"),
    ] {
        assert_eq!(Socket::try_open(&page, &request, origin).await.err(), Some(403), "{origin:?}");
    }
    let stranger = node.page();
    let origin = Some(page.wire.origin.as_str());
    assert_eq!(Socket::try_open(&stranger, &request, origin).await.err(), Some(404));
    let path = format!("/api/login-requests/{}/events", request.id);
    let headers = vec![("cookie", page.cookies()), ("origin", page.wire.origin.to_string())];
    let plain = crate::support::Extras { headers, ..Default::default() };
    page.wire.call("GET", &path, plain).await.problem(400, "malformed");
}

#[tokio::test]
async fn the_fifth_socket_closes_the_oldest() {
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    let mut sockets = Vec::new();
    for _ in 0..4 {
        let mut socket = Socket::open(&page, &request).await;
        socket.expect(("waiting", None)).await;
        sockets.push(socket);
    }
    let mut fifth = Socket::open(&page, &request).await;
    fifth.expect(("waiting", None)).await;
    assert_eq!(sockets.remove(0).closed().await, 4000);
    // The others stay, and a seat that was left is free again.
    drop(sockets.remove(0));
    page.cancel(&request).await.expect(204);
    for socket in sockets.iter_mut().chain([&mut fifth]) {
        socket.expect(("cancelled", Some("page"))).await;
        assert_eq!(socket.closed().await, 1000);
    }
}

/// Point 13.
#[tokio::test]
async fn revoking_closes_the_sockets_of_what_it_ends() {
    for step in ["scanned", "approved"] {
        for revoke in ["device", "sessions"] {
            let node = Node::start().await;
            let keeper = node.device("ada").await;
            let (page, request, device, _) =
                if step == "scanned" { scanned(&node).await } else { approved(&node).await };
            let mut socket = Socket::open(&page, &request).await;
            socket.expect((step, None)).await;
            let path = match revoke {
                "device" => format!("/api/devices/{}", device.id.unwrap()),
                _ => "/api/sessions".to_owned(),
            };
            keeper.call("DELETE", &path, None).await.expect(204);
            socket.expect(("cancelled", Some("revoked"))).await;
            assert_eq!(socket.closed().await, 1000);
        }
    }
}

/// Point 13: another process disabled the account; nothing wakes the socket but its own review.
#[tokio::test]
async fn what_another_process_revoked_closes_the_socket_too() {
    use countersign_server::store::{AccountState, By};
    let node = Node::start().await;
    let (page, request, device, _) = scanned(&node).await;
    let mut socket = Socket::open(&page, &request).await;
    socket.expect(("scanned", None)).await;
    let (account, now) = (device.account.unwrap(), node.now());
    node.durable.set_account_state(account, AccountState::Disabled, &By::operator(), now).await.unwrap();
    node.clock.advance_s(1);
    socket.expect(("cancelled", Some("revoked"))).await;
    assert_eq!(socket.closed().await, 1000);
}

#[tokio::test]
async fn a_node_that_drains_sends_its_pages_elsewhere() {
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    let mut socket = Socket::open(&page, &request).await;
    socket.expect(("waiting", None)).await;
    node.drain.begin();
    assert_eq!(socket.closed().await, 1001);
    tokio::time::timeout(PATIENCE, node.drain.closed()).await.unwrap();
    assert!(!node.service.is_ready().await.unwrap());
}

#[tokio::test]
async fn a_deadline_closes_the_socket_with_its_reason() {
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    let mut socket = Socket::open(&page, &request).await;
    socket.expect(("waiting", None)).await;
    node.clock.advance_s(300);
    // Another tab finds out first; this one hears of it.
    assert_eq!(page.stands(&request).await, "expired waiting");
    socket.expect(("expired", Some("waiting"))).await;
    assert_eq!(socket.closed().await, 1000);
}

/// Thousands wait at once, so each has to be small; what it reads into and the connection come on top.
#[tokio::test]
async fn a_waiting_page_keeps_little() {
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    let secret = Secret::parse(&page.cookie(&request.id).unwrap()).unwrap();
    let id = RequestId::parse(&request.id).unwrap();
    let mut watch = node.service.watch(id, Some(&secret)).await.unwrap();
    let kept = size_of_val(&watch) + size_of_val(&watch.next());
    assert!(kept < 1_024, "{kept} bytes");
}

#[tokio::test]
async fn what_a_page_says_changes_nothing() {
    let node = Node::start().await;
    let page = node.page();
    let request = page.start().await;
    let mut socket = Socket::open(&page, &request).await;
    socket.expect(("waiting", None)).await;
    socket.0.send(Message::Text("{\"state\":\"approved\"}".into())).await.unwrap();
    socket.0.send(Message::Binary(vec![0; 512].into())).await.unwrap();
    page.user_code(&request).await.expect(200);
    assert!(socket.expect(("waiting", None)).await["user_code"].is_string());
    // Too much of it ends the socket, not the request.
    socket.0.send(Message::Text("x".repeat(4_096).into())).await.unwrap();
    let end = tokio::time::timeout(PATIENCE, socket.0.next()).await.unwrap();
    assert!(!matches!(end, Some(Ok(Message::Text(_)))));
    assert_eq!(page.stands(&request).await, "waiting");
}
