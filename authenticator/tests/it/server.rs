//! A scripted server: checks every proof and statement with crate `protocol`, answers as protocol.md says, or as a test
//! scripts it for the next call.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use protocol::frame::FrameKey;
use protocol::id::{DeviceId, Handle, RequestId, SessionId, StoreId};
use protocol::key::PublicKey;
use protocol::link::{EnrolCode, EnrolLink, LoginLink};
use protocol::nonce::NonceKey;
use protocol::origin::Origin;
use protocol::proof::{self, Call};
use protocol::secret::Secret;
use protocol::statement::Statement;
use protocol::time::Timestamp;
use serde_json::{Value, json};

mod usual;

pub use usual::scanned_body;

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
    /// Calls whose token is none (any more).
    pub bad_tokens: Vec<String>,
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
    /// A link is good for one device, as real ones are.
    pub links_are_used_up: bool,
    used_links: HashSet<String>,
    /// The owner's policy asks for a verified person.
    pub asks_for_verification: bool,
    /// What is scanned is a device of RFC 8628.
    pub is_device_grant: bool,
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
        let code = EnrolCode::from_random([9; 16]);
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
            Some(_) => {
                inner.bad_tokens.push(format!("{method} {}", uri.path()));
                Err(problem(401, "invalid_token", &json!({})))
            }
        }
    }
}

fn problem(status: u16, name: &str, more: &Value) -> (u16, Value) {
    let mut body =
        json!({"type": format!("urn:countersign:problem:{name}"), "title": name, "status": status});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert!(StatusCode::from_u16(status).is_ok());
    (status, body)
}
