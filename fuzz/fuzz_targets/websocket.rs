//! What a page may send over its WebSocket: any bytes, or frames with any content. The real routes answer on a pipe in
//! memory. Whatever comes, the socket tells the state and nothing else, ends, and the request stays as it was.

#![no_main]

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use axum::{Extension, Router, extract::ConnectInfo};
use countersign_server::{
    clock::TestClock,
    config::Settings,
    drain::Drain,
    entropy::OsEntropy,
    http,
    service::{ClientAddress, Parts, Service, Started},
    store::{in_process::InProcess, sqlite::SqliteStore},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use libfuzzer_sys::fuzz_target;
use protocol::{
    id::StoreId,
    key::SigningKey,
    origin::Origin,
    secret::Secret,
    time::Timestamp,
    wire::{RequestBody, StartBody},
};
use ring::rand::SystemRandom;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::runtime::{Builder, Runtime};

const PEER: ([u8; 4], u16) = ([203, 0, 113, 7], 50_000);

struct Site {
    runtime: Runtime,
    service: Arc<Service>,
    router: Router,
    started: Started,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (service, started) = runtime.block_on(start());
    let peer = ConnectInfo(SocketAddr::from(PEER));
    let router = http::router(Arc::clone(&service)).layer(Extension(peer));
    Site { runtime, service, router, started }
});

async fn start() -> (Arc<Service>, Started) {
    let mut settings = Settings::in_memory();
    settings.limits.sockets_per_request = 1;
    let short_lived = InProcess::new(StoreId::from_random([8; 16]), settings.lives(), 10);
    let service = Service::new(Parts {
        settings: Arc::new(settings),
        origin: Origin::parse("https://login.example.com").expect("an origin"),
        secret: Secret::new([7; 32]),
        durable: Arc::new(SqliteStore::in_memory().await.expect("a store in memory")),
        short_lived: Arc::new(short_lived),
        clock: Arc::new(TestClock::at(Timestamp(1_800_000_000))),
        entropy: Arc::new(OsEntropy),
        drain: Drain::new(),
        pin: None,
    });
    let service = Arc::new(service.await.expect("a service"));
    let (key, _) = SigningKey::generate(&SystemRandom::new()).expect("a key");
    let address = ClientAddress::new(PEER.0.into(), true);
    let started = service.start(key.public(), &StartBody::default(), None, None, address).await;
    (service, started.expect("a login request"))
}

fuzz_target!(|bytes: &[u8]| {
    let (sent, ends_well) = match bytes.split_first() {
        Some((0, frames)) => (framed(frames), true),
        _ => (bytes.to_vec(), false),
    };
    let site = &*SITE;
    site.runtime.block_on(async {
        let (mut page, node) = tokio::io::duplex(256 * 1_024);
        let service = TowerToHyperService::new(site.router.clone());
        let serving = tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(node), service)
                .with_upgrades(),
        );
        upgrade(&mut page, site).await;
        // The other end may have hung up already, which is its right.
        let _ = page.write_all(&sent).await;
        if ends_well {
            let _ = page.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]).await;
        }
        let _ = page.shutdown().await;
        let mut told = Vec::new();
        page.read_to_end(&mut told).await.expect("a pipe in memory");
        assert_tells_the_state(&told, site);
        serving.await.expect("no panic").expect("an upgrade");
        while site.service.drain().open() > 0 {
            tokio::task::yield_now().await;
        }
        let state = site.service.state(site.started.body.id, Some(&site.started.secret)).await;
        assert_eq!(state.expect("the request is still there"), site.started.body);
    });
});

async fn upgrade(page: &mut DuplexStream, site: &Site) {
    let (id, secret) = (site.started.body.id, site.started.secret.expose());
    let head = format!(
        "GET /api/login-requests/{id}/events HTTP/1.1\r\nhost: login.example.com\r\n\
         origin: https://login.example.com\r\ncookie: __Host-countersign-request-{id}={secret}\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    page.write_all(head.as_bytes()).await.expect("a pipe in memory");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(page.read_u8().await.expect("an answer"));
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
}

/// Well-formed masked frames: a byte for opcode and end, one for the length, then that much content.
fn framed(mut rest: &[u8]) -> Vec<u8> {
    let mut sent = Vec::new();
    while let [first, length, content @ ..] = rest {
        let length = usize::from(*length).min(content.len());
        let (content, after) = content.split_at(length);
        sent.push(*first);
        match u8::try_from(length) {
            Ok(short) if short < 126 => sent.push(0x80 | short),
            _ => sent.extend([0x80 | 126, 0, u8::try_from(length).unwrap_or(u8::MAX)]),
        }
        sent.extend([0; 4]);
        sent.extend(content);
        rest = after;
    }
    sent
}

/// Frames of a server (RFC 6455 §5.2) that hold the state, pongs and at most one goodbye.
fn assert_tells_the_state(mut told: &[u8], site: &Site) {
    while let [first, length, rest @ ..] = told {
        assert_eq!(length & 0x80, 0, "a server masks nothing");
        let (length, rest) = match length {
            126 => {
                let ([high, low], rest) = rest.split_first_chunk().expect("a length");
                (usize::from(u16::from_be_bytes([*high, *low])), rest)
            }
            127 => panic!("the state is short"),
            short => (usize::from(*short), rest),
        };
        let (content, rest) = rest.split_at(length.min(rest.len()));
        match first {
            0x81 => {
                let state: RequestBody = serde_json::from_slice(content).expect("a state");
                assert_eq!(state, site.started.body);
            }
            0x8A => assert!(length <= 125),
            0x88 => assert!(rest.is_empty(), "more after the goodbye"),
            other => panic!("a frame {other:#x} to a page"),
        }
        told = rest;
    }
    assert!(told.is_empty(), "half a frame");
}
