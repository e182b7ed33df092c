//! Calls to one server, exactly as `docs/protocol.md` has them: one origin, no redirects, bounded time and size, and a
//! fresh proof of the device key with each call.

mod calls;
mod error;
mod recovery;
mod tls;

pub use calls::{DecisionAnswer, Scanned, ScannedCode};
pub use error::{CallError, Refusal, details};

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::key::SigningKey;
use protocol::link::Pin;
use protocol::origin::Origin;
use protocol::proof::{self, Call};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use reqwest::{Method, Response, StatusCode, header};
use ring::rand::SystemRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::ports::{Clock, Random};

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a call may take from start to the last byte.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// Longest answer that is read, in bytes: a page of activity is far below.
const ANSWER_LENGTH_MAX: usize = 1 << 20;
/// The same for the one list that has no pages, in bytes: ten thousand sessions are below.
const SESSIONS_LENGTH_MAX: usize = 8 << 20;
/// Longest nonce that is kept and sent back, in bytes.
const NONCE_LENGTH_MAX: usize = 1_024;
/// Path of the account's sessions.
const SESSIONS: &str = "/api/sessions";
/// Carries nonces (RFC 9449 §8.1).
const DPOP_NONCE: &str = "dpop-nonce";

/// What a device holds at a server.
pub struct Credentials {
    /// The device key.
    pub key: Arc<SigningKey>,
    /// The device token.
    pub token: Secret,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// Talks to one server.
pub struct ServerClient {
    origin: Origin,
    pinned: bool,
    http: reqwest::Client,
    /// The last nonce that the server gave.
    nonce: Mutex<Option<String>>,
    /// The server's own word about itself, once it was asked in this run.
    met: tokio::sync::OnceCell<protocol::wire::WellKnown>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    signing: SystemRandom,
}

/// A 2xx answer.
struct Answer {
    status: StatusCode,
    body: Zeroizing<Vec<u8>>,
}

/// With what a call proves itself.
#[derive(Clone, Copy)]
enum Auth<'a> {
    /// Nothing.
    None,
    /// A proof of the key alone: enrolment.
    Key(&'a SigningKey),
    /// Token, and a proof bound to it.
    Device(&'a Credentials),
}

impl ServerClient {
    /// Prepares to talk to `origin`; sends nothing. With `pin` exactly that server key is trusted.
    ///
    /// # Errors
    /// The system's list of trusted certificates cannot be read.
    #[expect(clippy::disallowed_methods, reason = "ring signs with its own generator and takes no other")]
    pub fn new(
        origin: Origin,
        pin: Option<Pin>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, CallError> {
        tls::install_provider();
        let host = origin.host_and_port().to_owned();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(CALL_LIMIT)
            .retry(reqwest::retry::never())
            .https_only(origin.is_https())
            .user_agent(concat!("Countersign/", env!("CARGO_PKG_VERSION")));
        if origin.is_loopback() {
            // A proxy has no business between two programs of one machine.
            builder = builder.no_proxy();
        }
        if let Some(pin) = pin {
            let config = tls::pinned(pin)
                .map_err(|error| CallError::NotProtocol { host: host.clone(), what: error.to_string() })?;
            builder = builder.tls_backend_preconfigured(config);
        }
        let http = builder.build().map_err(|source| CallError::Connect { host, source })?;
        Ok(Self {
            origin,
            pinned: pin.is_some(),
            http,
            nonce: Mutex::new(None),
            met: tokio::sync::OnceCell::new(),
            clock,
            random,
            signing: SystemRandom::new(),
        })
    }

    /// The one origin that this client talks to.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sends a call and reads the JSON of its 2xx answer.
    async fn ask<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        auth: Auth<'_>,
    ) -> Result<A, CallError> {
        let answer = self.send(method, path, body, auth).await?;
        serde_json::from_slice(&answer.body).map_err(|error| self.not_protocol(format!("{path}: {error}")))
    }

    /// Sends a call that is answered by 204 and nothing else. Another 2xx comes from something in between that did not do
    /// it: a page about maintenance, a network's own login.
    async fn tell(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        auth: Auth<'_>,
    ) -> Result<(), CallError> {
        let answer = self.send(method, path, body, auth).await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        Err(self.not_protocol(format!("{path}: {} in the place of 204", answer.status)))
    }

    /// Sends a call and gives its 2xx answer. A call without or with an old nonce is repeated once with the
    /// nonce that came back.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        auth: Auth<'_>,
    ) -> Result<Answer, CallError> {
        let body = match body {
            None => None,
            Some(body) => Some(Zeroizing::new(
                serde_json::to_vec(body).map_err(|error| self.not_protocol(error.to_string()))?,
            )),
        };
        let first = self.send_once(&method, path, body.as_ref(), auth).await;
        match &first {
            Err(error) if error.name() == Some(protocol::wire::ProblemName::UseDpopNonce) => {
                self.send_once(&method, path, body.as_ref(), auth).await
            }
            _ => first,
        }
    }

    async fn send_once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Zeroizing<Vec<u8>>>,
        auth: Auth<'_>,
    ) -> Result<Answer, CallError> {
        let url = format!("{}{path}", self.origin);
        let mut request = self.http.request(method.clone(), &url).header(header::ACCEPT, "application/json");
        match auth {
            Auth::None => {}
            Auth::Key(key) => request = request.header("DPoP", self.proof(method, &url, key, None)?),
            Auth::Device(Credentials { key, token }) => {
                let token = token.expose();
                let mut value = header::HeaderValue::from_str(&format!("DPoP {}", &*token))
                    .expect("a token is base64url");
                value.set_sensitive(true);
                request = request
                    .header(header::AUTHORIZATION, value)
                    .header("DPoP", self.proof(method, &url, key, Some(&token))?);
            }
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_vec());
        }
        let response = request.send().await.map_err(|error| self.transport(error))?;
        let length_max = if path == SESSIONS { SESSIONS_LENGTH_MAX } else { ANSWER_LENGTH_MAX };
        self.read(response, length_max).await
    }

    async fn read(&self, mut response: Response, length_max: usize) -> Result<Answer, CallError> {
        let nonce = response.headers().get(DPOP_NONCE).and_then(|value| value.to_str().ok());
        if let Some(nonce) = nonce.filter(|nonce| nonce.len() <= NONCE_LENGTH_MAX) {
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
        }
        let status = response.status();
        if status.is_redirection() {
            return Err(CallError::Redirect { host: self.host(), status: status.as_u16() });
        }
        let retry_after_s = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(error))? {
            if body.len() + chunk.len() > length_max {
                return Err(self.not_protocol("the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(Answer { status, body });
        }
        let refusal = Refusal::read(status.as_u16(), retry_after_s, &body);
        // A proxy's error page, or something that is no Countersign at all, names no problem.
        if refusal.name.is_none() && status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
            return Err(self.not_protocol(format!("{status} with {}", refusal.word)));
        }
        Err(CallError::Refused { host: self.host(), refusal })
    }

    fn proof(
        &self,
        method: &Method,
        url: &str,
        key: &SigningKey,
        token: Option<&str>,
    ) -> Result<String, CallError> {
        // `htu` has no query (RFC 9449 §4.2).
        let url = url.split_once('?').map_or(url, |(before, _)| before);
        let call = Call { method: method.as_str(), url, token };
        let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone();
        proof::make(
            &call,
            nonce.as_deref(),
            self.random.bytes(),
            Timestamp(self.clock.unix_s()),
            key,
            &self.signing,
        )
        .map_err(CallError::Sign)
    }

    fn transport(&self, error: reqwest::Error) -> CallError {
        CallError::transport(self.origin.host_and_port(), self.pinned, error.without_url())
    }

    fn not_protocol(&self, what: impl Into<String>) -> CallError {
        CallError::NotProtocol { host: self.host(), what: what.into() }
    }

    fn host(&self) -> String {
        self.origin.host_and_port().to_owned()
    }
}

impl std::fmt::Debug for ServerClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerClient({})", self.origin)
    }
}
