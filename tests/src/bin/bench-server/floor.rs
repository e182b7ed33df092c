//! The floor: axum, four signatures a login, a map in memory, and no more. No users, no limits, no audit, no QR.

use std::collections::HashMap;
use std::io;
use std::path::Path as FilePath;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use protocol::encoding::base64url;
use protocol::frame::{FrameCode, FrameKey};
use protocol::id::{AccountId, DeviceId, Handle, RequestId, StoreId, Ticket};
use protocol::key::PublicKey;
use protocol::link::LoginLink;
use protocol::nonce::NonceKey;
use protocol::origin::Origin;
use protocol::proof::{self, Call};
use protocol::request::Phase;
use protocol::secret::Secret;
use protocol::statement::UnverifiedStatement;
use protocol::time::Timestamp;
use protocol::wire::{
    AccountRef, DecisionBody, EnrolledBody, FrameBody, RequestBody, ScanBody, ScannedBody, ServerRef,
    WellKnown,
};
use tokio::sync::watch;

use crate::floor_file::{Table, Writer};
use crate::subject::token;

type Answer = Result<Response, StatusCode>;

struct Floor {
    origin: Origin,
    secret: Secret,
    nonces: NonceKey,
    next: AtomicU64,
    requests: Mutex<HashMap<[u8; 16], watch::Sender<Phase>>>,
    keys: Mutex<HashMap<DeviceId, PublicKey>>,
    file: Option<Writer>,
}

/// Serves on a free port until it is killed.
pub(crate) async fn serve(data: Option<&FilePath>) -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let file = data.map(|folder| Writer::open(&folder.join("floor.db"))).transpose()?;
    let secret = Secret::new([1; 32]);
    let floor = Floor {
        origin: Origin::parse(&origin)?,
        nonces: NonceKey::derive(&secret, &StoreId::from_random([2; 16])),
        secret,
        next: AtomicU64::new(1),
        requests: Mutex::default(),
        keys: Mutex::default(),
        file,
    };
    let router = Router::new()
        .route("/.well-known/countersign", get(well_known))
        .route("/api/devices", post(enrol))
        .route("/api/login-requests", post(start))
        .route("/api/login-requests/{id}", get(look))
        .route("/api/login-requests/{id}/events", get(events))
        .route("/api/login-requests/{id}/session", post(redeem))
        .route("/api/scans", post(scan))
        .route("/api/decisions", post(decide))
        .with_state(Arc::new(floor));
    println!("listening on {origin}");
    std::thread::spawn(end_with_the_bench);
    let listener = listener.tap_io(|stream| {
        // Without it an answer may wait, but it comes.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

/// The bench holds the other end of the input: a bench that is killed leaves no floor behind.
fn end_with_the_bench() {
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    std::process::exit(0);
}

async fn well_known(State(floor): State<Arc<Floor>>) -> Response {
    let body = WellKnown { name: "floor".to_owned(), origin: floor.origin.to_string(), versions: vec![1] };
    (floor.nonce(), Json(body)).into_response()
}

async fn enrol(State(floor): State<Arc<Floor>>, headers: HeaderMap) -> Answer {
    let key = floor.prove(&headers, "POST", "/api/devices")?;
    let device_id = DeviceId::from_random(*key.thumbprint().as_bytes().first_chunk().unwrap_or(&[0; 16]));
    lock(&floor.keys).insert(device_id, key);
    let body = EnrolledBody {
        device_id,
        token: token(0),
        account: AccountRef {
            id: AccountId::from_random([3; 16]),
            username: "floor".to_owned(),
            display_name: "Floor".to_owned(),
        },
        server: ServerRef { name: "floor".to_owned(), origin: floor.origin.to_string() },
    };
    Ok((StatusCode::CREATED, floor.nonce(), Json(body)).into_response())
}

async fn start(State(floor): State<Arc<Floor>>, headers: HeaderMap) -> Answer {
    floor.prove(&headers, "POST", "/api/login-requests")?;
    let number = floor.next.fetch_add(1, Ordering::Relaxed);
    let id = u128::from(number).to_be_bytes();
    lock(&floor.requests).insert(id, watch::Sender::new(Phase::Waiting));
    let cookie = format!("floor={}; Path=/; HttpOnly", token(number));
    let answer = (floor.nonce(), [(header::SET_COOKIE, cookie)], Json(floor.body(id, Phase::Waiting)));
    Ok((StatusCode::CREATED, answer).into_response())
}

async fn look(State(floor): State<Arc<Floor>>, Path(id): Path<RequestId>) -> Answer {
    let phase = floor.with(id.as_bytes(), |request| *request.borrow())?;
    Ok(Json(floor.body(*id.as_bytes(), phase)).into_response())
}

async fn events(
    State(floor): State<Arc<Floor>>,
    Path(id): Path<RequestId>,
    upgrade: WebSocketUpgrade,
) -> Answer {
    let phases = floor.with(id.as_bytes(), watch::Sender::subscribe)?;
    let upgrade = upgrade.read_buffer_size(2 * 1_024).write_buffer_size(0);
    Ok(upgrade.on_upgrade(move |socket| watch_phases(floor, id, phases, socket)))
}

async fn watch_phases(
    floor: Arc<Floor>,
    id: RequestId,
    mut phases: watch::Receiver<Phase>,
    mut socket: WebSocket,
) {
    loop {
        let phase = *phases.borrow_and_update();
        let Ok(text) = serde_json::to_string(&floor.body(*id.as_bytes(), phase)) else { return };
        if socket.send(Message::text(text)).await.is_err() || phase.is_final() {
            return;
        }
        tokio::select! {
            changed = phases.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(Duration::from_secs(15)) => {}
            message = socket.recv() => if message.is_none() { return },
        }
    }
}

async fn scan(State(floor): State<Arc<Floor>>, headers: HeaderMap, Json(body): Json<ScanBody>) -> Answer {
    floor.prove(&headers, "POST", "/api/scans")?;
    let code = body.code.as_deref().and_then(FrameCode::parse).ok_or(StatusCode::BAD_REQUEST)?;
    if !FrameKey::derive(&floor.secret, &code.handle).made(&code) {
        return Err(StatusCode::NOT_FOUND);
    }
    let id = *code.handle.as_bytes();
    floor.with(&id, |request| request.send_replace(Phase::Scanned))?;
    let answer = ScannedBody {
        request: RequestId::from_random(id),
        ticket: Ticket::from_random(id),
        context: base64url(b"{}"),
        check: false,
        expires_at: Timestamp(0),
        now: Timestamp(0),
    };
    Ok((StatusCode::CREATED, floor.nonce(), Json(answer)).into_response())
}

async fn decide(State(floor): State<Arc<Floor>>, Json(body): Json<DecisionBody>) -> Answer {
    let statement = UnverifiedStatement::parse(&body.statement).map_err(|_| StatusCode::NOT_FOUND)?;
    let key = lock(&floor.keys).get(&statement.device).copied().ok_or(StatusCode::NOT_FOUND)?;
    let statement = statement.verify(&key).map_err(|_| StatusCode::NOT_FOUND)?;
    floor.write(Table::Decisions, statement.ticket.to_string(), body.statement).await?;
    floor.with(statement.ticket.as_bytes(), |request| request.send_replace(Phase::Approved))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn redeem(State(floor): State<Arc<Floor>>, Path(id): Path<RequestId>, headers: HeaderMap) -> Answer {
    floor.prove(&headers, "POST", &format!("/api/login-requests/{id}/session"))?;
    floor.write(Table::Sessions, id.to_string(), token(0)).await?;
    floor.with(id.as_bytes(), |request| request.send_replace(Phase::Redeemed))?;
    lock(&floor.requests).remove(id.as_bytes());
    Ok((StatusCode::CREATED, floor.nonce(), Json(serde_json::json!({}))).into_response())
}

impl Floor {
    fn prove(&self, headers: &HeaderMap, method: &str, path: &str) -> Result<PublicKey, StatusCode> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let token = text("authorization").and_then(|value| value.strip_prefix("DPoP "));
        let url = format!("{}{path}", self.origin);
        let call = Call { method, url: &url, token };
        let proof = text("dpop").ok_or(StatusCode::UNAUTHORIZED)?;
        let proven = proof::check(proof, &call, &self.nonces, Timestamp(0));
        proven.map(|proven| proven.key).map_err(|_| StatusCode::UNAUTHORIZED)
    }

    fn nonce(&self) -> [(&'static str, String); 1] {
        [("dpop-nonce", self.nonces.make(Timestamp(0)))]
    }

    fn with<T>(&self, id: &[u8; 16], act: impl FnOnce(&watch::Sender<Phase>) -> T) -> Result<T, StatusCode> {
        lock(&self.requests).get(id).map(act).ok_or(StatusCode::NOT_FOUND)
    }

    async fn write(&self, table: Table, key: String, value: String) -> Result<(), StatusCode> {
        let Some(file) = &self.file else { return Ok(()) };
        if file.write(table, key, value).await { Ok(()) } else { Err(StatusCode::SERVICE_UNAVAILABLE) }
    }

    fn body(&self, id: [u8; 16], phase: Phase) -> RequestBody {
        let handle = Handle::from_random(id);
        let code = FrameKey::derive(&self.secret, &handle).code(handle, 0);
        let link = LoginLink { origin: self.origin.clone(), code };
        let frame = FrameBody {
            url: link.to_string(),
            png: String::new(),
            issued_at: Timestamp(0),
            expires_at: Timestamp(0),
        };
        RequestBody {
            id: RequestId::from_random(id),
            state: phase,
            reason: None,
            frame: (phase == Phase::Waiting).then_some(frame),
            user_code: None,
            check: None,
            client: None,
            expires_at: Timestamp(0),
            now: Timestamp(0),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
