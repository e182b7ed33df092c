//! A scripted server: checks every proof and statement with crate `protocol`, answers as protocol.md says, or as a test
//! scripts it for the next call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use protocol::check::CheckNumber;
use protocol::context::{Claimed, Context, Seen, UserVerification, Via};
use protocol::encoding::base64url;
use protocol::frame::FrameKey;
use protocol::id::{AccountId, DeviceId, Handle, RequestId, SessionId, StoreId, Ticket};
use protocol::key::PublicKey;
use protocol::link::{EnrolCode, EnrolLink, LoginLink};
use protocol::nonce::NonceKey;
use protocol::origin::Origin;
use protocol::proof::{self, Call};
use protocol::secret::Secret;
use protocol::statement::{Decision, Statement, UnverifiedStatement};
use protocol::time::Timestamp;
use serde_json::{Value, json};

pub const NOW: i64 = 1_800_000_000;
pub const CHECK: &str = "47";
/// What a server that knows recovery codes makes.
pub const CODES: [&str; 10] = [
    "AAAA-BBBB-CCCC-DDDD",
    "EEEE-FFFF-GGGG-HHHH",
    "IIII-JJJJ-KKKK-LLLL",
    "MMMM-NNNN-OOOO-PPPP",
    "QQQQ-RRRR-SSSS-TTTT",
    "UUUU-VVVV-WWWW-XXXX",
    "YYYY-ZZZZ-2222-3333",
    "4444-5555-6666-7777",
    "A2B3-C4D5-E6F7-G2H3",
    "J4K5-L6M7-N2P3-Q4R5",
];

/// What a call is answered with instead of the usual.
pub enum Reply {
    /// A status and a JSON body.
    Json(u16, Value),
    /// A problem.
    Problem(u16, &'static str, Value),
    /// The usual work is done and its answer is lost on the way.
    Lost,
    /// A redirect to another address.
    Redirect(String),
    /// The usual answer, once the test lets it go.
    Hold(tokio::sync::oneshot::Receiver<()>),
}

pub struct Server {
    pub origin: Origin,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

pub struct Shared {
    origin: Origin,
    nonces: NonceKey,
    inner: Mutex<Inner>,
}

#[derive(Default)]
pub struct Inner {
    /// `METHOD path`, in order, nonce rounds left out.
    pub calls: Vec<String>,
    pub script: HashMap<String, VecDeque<Reply>>,
    pub devices: Vec<(DeviceId, PublicKey, String)>,
    pub statements: Vec<Statement>,
    pub scans: Vec<Value>,
    pub sessions: Vec<Value>,
    pub activity: Vec<Value>,
    pub other_origin_in_context: bool,
    pub versions: Option<Vec<u32>>,
    pub account: u8,
    /// Judge every statement's context as that of a scan by link.
    pub strict: bool,
    /// It knows recovery codes.
    pub knows_codes: bool,
    /// So many recovery codes are left; 0: none were made.
    pub codes_left: u32,
    /// Bodies of enrolments.
    pub enrolled_with: Vec<Value>,
    /// The owner's policy asks for a verified person.
    pub asks_for_verification: bool,
    jtis: Vec<String>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Origin::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        Self::serve(listener, origin)
    }

    /// One that something with this origin stands in front of, and where it listens.
    pub async fn behind(origin: Origin) -> (Self, std::net::SocketAddr) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Self::serve(listener, origin), address)
    }

    fn serve(listener: tokio::net::TcpListener, origin: Origin) -> Self {
        let shared = Shared::new(origin.clone());
        let router = router(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { origin, shared, task }
    }

    /// One that knows recovery codes; none were made so far.
    pub async fn with_codes() -> Self {
        let server = Self::start().await;
        server.inner().knows_codes = true;
        server
    }

    pub fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap()
    }

    /// Scripts the next answer to `call` (`POST /api/scans`).
    pub fn next(&self, call: &str, reply: Reply) {
        self.inner().script.entry(call.to_owned()).or_default().push_back(reply);
    }

    pub fn calls(&self) -> Vec<String> {
        self.inner().calls.clone()
    }

    pub fn count(&self, call: &str) -> usize {
        self.calls().iter().filter(|made| *made == call).count()
    }

    /// Listens no more and cuts what is open.
    pub async fn stop(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    pub fn enrolment_link(&self) -> String {
        self.enrolment_link_of([9; 16])
    }

    /// Another link than [`Server::enrolment_link`].
    pub fn another_enrolment_link(&self) -> String {
        self.enrolment_link_of([7; 16])
    }

    fn enrolment_link_of(&self, code: [u8; 16]) -> String {
        let code = EnrolCode::from_random(code);
        EnrolLink { origin: self.origin.clone(), code, pin: None }.to_string()
    }

    pub fn login_link(&self) -> String {
        login_link(&self.origin)
    }

    /// The page came for its session.
    pub fn sign_in(&self) {
        let mut inner = self.inner();
        let device = inner.devices.last().map_or(DeviceId::from_random([0; 16]), |device| device.0);
        inner.sessions.push(session(1, device));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    pub fn new(origin: Origin) -> Arc<Self> {
        let secret = Secret::new([3; 32]);
        let nonces = NonceKey::derive(&secret, &StoreId::from_random([4; 16]));
        let inner = Mutex::new(Inner { strict: true, ..Inner::default() });
        Arc::new(Self { origin, nonces, inner })
    }
}

pub fn login_link(origin: &Origin) -> String {
    let handle = Handle::from_random([5; 16]);
    let code = FrameKey::derive(&Secret::new([3; 32]), &handle).code(handle, 0);
    LoginLink { origin: origin.clone(), code }.to_string()
}

pub fn session(n: u8, device: DeviceId) -> Value {
    json!({"id": SessionId::from_random([n; 16]), "request": RequestId::from_random([n; 16]), "created_at": NOW,
        "last_seen_at": NOW, "address": "127.0.0.1", "browser": "Firefox 153", "system": "Linux",
        "device": {"id": device, "name": "Desktop"}})
}

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = format!("{method} {}", uri.path());
    if let Err(refused) = shared.prove(&method, &uri, &headers) {
        return shared.respond(refused);
    }
    let scripted = {
        let mut inner = shared.inner.lock().unwrap();
        inner.calls.push(call.clone());
        inner.script.get_mut(&call).and_then(VecDeque::pop_front)
    };
    let usual = || shared.usual(&method, &uri, &headers, &body);
    match scripted {
        None => shared.respond(usual()),
        Some(Reply::Json(status, body)) => shared.respond((status, body)),
        Some(Reply::Problem(status, name, more)) => shared.respond(problem(status, name, &more)),
        Some(Reply::Redirect(to)) => {
            Response::builder().status(307).header("location", to).body(Body::empty()).unwrap()
        }
        Some(Reply::Hold(go)) => {
            let _ = go.await;
            shared.respond(usual())
        }
        Some(Reply::Lost) => {
            usual();
            let cut = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
            Response::new(Body::from_stream(cut))
        }
    }
}

impl Shared {
    fn respond(&self, (status, body): (u16, Value)) -> Response {
        let mut response =
            Response::builder().status(status).header("dpop-nonce", self.nonces.make(Timestamp(NOW)));
        if status >= 400 {
            response = response.header("content-type", "application/problem+json").header("retry-after", "7");
        }
        let body = if status == 204 { Body::empty() } else { Body::from(body.to_string()) };
        response.body(body).unwrap()
    }

    /// Judges the proof of every call that must have one.
    fn prove(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), (u16, Value)> {
        let open = ["/.well-known/countersign", "/api/decisions"];
        if open.contains(&uri.path()) {
            assert!(!headers.contains_key("authorization"));
            return Ok(());
        }
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let token = text("authorization").map(|value| value.strip_prefix("DPoP ").unwrap().to_owned());
        assert_eq!(token.is_none(), (method.as_str(), uri.path()) == ("POST", "/api/devices"), "{uri}");
        let url = format!("{}{}", self.origin, uri.path());
        let call = Call { method: method.as_str(), url: &url, token: token.as_deref() };
        let proven = match proof::check(&text("dpop").unwrap(), &call, &self.nonces, Timestamp(NOW)) {
            Ok(proven) => proven,
            Err(proof::ProofError::Nonce) => return Err(problem(401, "use_dpop_nonce", &json!({}))),
            Err(other) => panic!("{method} {uri}: {other}"),
        };
        let mut inner = self.inner.lock().unwrap();
        assert!(!inner.jtis.contains(&proven.jti), "a proof is used once");
        inner.jtis.push(proven.jti);
        match token {
            None => Ok(()),
            Some(token)
                if inner.devices.iter().any(|(_, key, known)| *key == proven.key && *known == token) =>
            {
                Ok(())
            }
            Some(_) => Err(problem(401, "invalid_token", &json!({}))),
        }
    }

    fn usual(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> (u16, Value) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut inner = self.inner.lock().unwrap();
        match (method.as_str(), uri.path()) {
            ("GET", "/.well-known/countersign") => {
                let versions = inner.versions.clone().unwrap_or_else(|| vec![1]);
                (200, json!({"name": "Test", "origin": self.origin, "versions": versions}))
            }
            ("POST", "/api/devices") => self.enrol(&mut inner, headers, &body),
            ("GET", "/api/devices") => {
                let devices: Vec<_> = inner
                    .devices
                    .iter()
                    .enumerate()
                    .map(|(n, (id, ..))| {
                        json!({"id": id, "name": format!("Device {n}"), "kind": "linux", "created_at": NOW,
                        "last_seen_at": NOW, "current": n == 0})
                    })
                    .collect();
                (200, json!({"devices": devices}))
            }
            ("POST", "/api/scans") => {
                inner.scans.push(body.clone());
                (201, self.scanned(&inner, &body))
            }
            ("POST", "/api/decisions") => self.decide(&mut inner, &body),
            ("GET", "/api/sessions") => (200, json!({"sessions": inner.sessions})),
            ("DELETE", "/api/sessions") => {
                inner.sessions.clear();
                (204, Value::Null)
            }
            ("POST", "/api/enrolments") => {
                let link = EnrolLink {
                    origin: self.origin.clone(),
                    code: EnrolCode::from_random([8; 16]),
                    pin: None,
                };
                (201, json!({"link": link.to_string(), "expires_at": NOW + 600, "now": NOW}))
            }
            ("GET", "/api/recovery-codes") if inner.knows_codes => {
                let made_at = (inner.codes_left > 0).then_some(NOW);
                (200, json!({"left": inner.codes_left, "made_at": made_at, "now": NOW}))
            }
            ("POST", "/api/recovery-codes") if inner.knows_codes => {
                inner.codes_left = 10;
                (201, json!({"codes": CODES, "now": NOW}))
            }
            ("GET", "/api/activity") => {
                let after: i64 = uri.query().unwrap().strip_prefix("after=").unwrap().parse().unwrap();
                let entries: Vec<_> = inner
                    .activity
                    .iter()
                    .filter(|entry| entry["seq"].as_i64().unwrap() > after)
                    .take(3)
                    .cloned()
                    .collect();
                let head = entries.last().map_or(
                    json!({"seq": after, "hash": base64url(&[0; 32])}),
                    |last| json!({"seq": last["seq"], "hash": last["hash"]}),
                );
                (200, json!({"entries": entries, "head": head}))
            }
            ("DELETE", path) if path.starts_with("/api/sessions/") => {
                inner
                    .sessions
                    .retain(|session| session["id"].as_str() != path.strip_prefix("/api/sessions/"));
                (204, Value::Null)
            }
            ("DELETE", path) if path.starts_with("/api/devices/") => {
                inner
                    .devices
                    .retain(|(id, ..)| Some(id.to_string().as_str()) != path.strip_prefix("/api/devices/"));
                (204, Value::Null)
            }
            ("PATCH", path) if path.starts_with("/api/devices/") => (204, Value::Null),
            _ => problem(404, "not_found", &json!({})),
        }
    }

    /// The same key gets the same device and another token.
    fn enrol(&self, inner: &mut Inner, headers: &HeaderMap, body: &Value) -> (u16, Value) {
        inner.enrolled_with.push(body.clone());
        assert_eq!(body["device"], json!({"name": "Desktop", "kind": "linux"}), "the name is cleaned");
        let proof = headers.get("dpop").unwrap().to_str().unwrap();
        let key = protocol::jws::Unverified::parse(proof, proof::TYP).unwrap().header_key().unwrap();
        // Grows with each proof, so no device and no token comes twice.
        let n = u32::try_from(inner.jtis.len()).unwrap().to_be_bytes();
        let token = Secret::new(std::array::from_fn(|at| n[at % 4])).expose();
        let known = inner.devices.iter_mut().find(|(_, known, _)| *known == key);
        let device = if let Some((id, _, old)) = known {
            old.clone_from(&token);
            *id
        } else {
            let id = DeviceId::from_random(std::array::from_fn(|at| n[at % 4]));
            inner.devices.push((id, key, token.clone()));
            id
        };
        let account = AccountId::from_random([inner.account; 16]);
        (
            201,
            json!({"device_id": device, "token": token,
            "account": {"id": account, "username": "ada", "display_name": "Ada Lovelace"},
            "server": {"name": "Test", "origin": self.origin}}),
        )
    }

    fn scanned(&self, inner: &Inner, body: &Value) -> Value {
        let via: Via = serde_json::from_value(body["via"].clone()).unwrap();
        let origin = if inner.other_origin_in_context {
            "https://other.example".to_owned()
        } else {
            self.origin.to_string()
        };
        let asked = inner.asks_for_verification;
        scan_answer(
            &Context {
                user_verification: asked.then_some(UserVerification::Required),
                ..context(origin, via)
            },
            120,
        )
    }

    fn decide(&self, inner: &mut Inner, body: &Value) -> (u16, Value) {
        let text = body["statement"].as_str().unwrap();
        let unverified = UnverifiedStatement::parse(text).unwrap();
        let key = inner.devices.iter().find(|(id, ..)| *id == unverified.device).unwrap().1;
        let statement = unverified.verify(&key).unwrap();
        assert_eq!(statement.origin, self.origin);
        assert_eq!(statement.ticket, Ticket::from_random([6; 16]));
        let asked = inner.asks_for_verification;
        let context = Context {
            user_verification: asked.then_some(UserVerification::Required),
            ..context(self.origin.to_string(), Via::Link)
        };
        let hash = protocol::context::hash(&context.to_bytes());
        assert!(statement.context_hash == hash || !inner.strict);
        let right = statement.check.map(|check| check.to_string()).as_deref() == Some(CHECK);
        let unverified = asked && statement.decision == Decision::Approve && !statement.user_verified;
        assert!(asked || !statement.user_verified, "nobody asked for it");
        let wrong = statement.decision == Decision::Approve && !right;
        let tries = inner.statements.iter().filter(|made| made.check != CheckNumber::parse(CHECK)).count();
        inner.statements.push(statement);
        if unverified {
            return problem(403, "user_verification_required", &json!({}));
        }
        match (wrong, tries) {
            (false, _) => (204, Value::Null),
            (true, 0 | 1) => problem(422, "wrong_check", &json!({"tries_left": 2 - tries})),
            (true, _) => problem(410, "ended", &json!({})),
        }
    }
}

pub fn scanned_body(origin: String, via: Via, left_s: i64) -> Value {
    scan_answer(&context(origin, via), left_s)
}

fn scan_answer(context: &Context, left_s: i64) -> Value {
    json!({"request": context.request, "ticket": Ticket::from_random([6; 16]), "check": true,
        "context": base64url(&context.to_bytes()), "expires_at": NOW + left_s, "now": NOW})
}

fn context(origin: String, via: Via) -> Context {
    Context {
        v: 1,
        request: RequestId::from_random([1; 16]),
        origin,
        page_key: None,
        client: None,
        scopes: Vec::new(),
        via,
        seen: Seen {
            address: "203.0.113.7".to_owned(),
            at: Timestamp(NOW - 8),
            same_network: Some(false),
            known_browser: false,
            frame_age_s: Some(2),
        },
        claimed: Claimed {
            browser: "Firefox\u{202e} 153".to_owned(),
            system: "Windows 11".to_owned(),
            language: "de".to_owned(),
        },
        user_verification: None,
    }
}

fn problem(status: u16, name: &str, more: &Value) -> (u16, Value) {
    let mut body =
        json!({"type": format!("urn:countersign:problem:{name}"), "title": name, "status": status});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert!(StatusCode::from_u16(status).is_ok());
    (status, body)
}
