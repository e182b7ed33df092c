//! Calls over HTTP from an address of one's own, with nothing done behind an attack's back: no redirects followed, no
//! cookies kept, no retries.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::Value;

use super::{Answer, Jws, Key};
use crate::ground::ASKED_TO_WAIT_S;

/// No call of the protocol takes longer, not even two hundred at once on a small machine.
const LIMIT: Duration = Duration::from_mins(5);

/// Calls to one server from one address.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    base: String,
    origin: String,
    nonce: Arc<Mutex<Option<String>>>,
    keeps_nonces: bool,
}

impl Http {
    /// Calls to the server at `base`, whose public origin is `origin`, from `from` (any address when absent).
    ///
    /// # Errors
    /// When the client cannot be made.
    pub(crate) fn new(base: &str, origin: &str, from: Option<IpAddr>) -> Result<Self> {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(from)
            .no_proxy()
            .http1_only()
            // Certificates made for a trial are judged by their pin, see the attacks on TLS; everything else is public.
            .tls_danger_accept_invalid_certs(from.is_some())
            .tls_info(true)
            .timeout(LIMIT)
            .build()
            .context("no HTTP client")?;
        Ok(Self {
            client,
            base: base.to_owned(),
            origin: origin.to_owned(),
            nonce: Arc::default(),
            keeps_nonces: true,
        })
    }

    /// The same with a nonce of its own for each proof, where hours may pass in between.
    #[must_use]
    pub(crate) fn with_fresh_nonces(self) -> Self {
        Self { keeps_nonces: false, ..self }
    }

    /// The public origin.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Where the server really listens, `http://ADDRESS:PORT`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// `htu` of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{}", self.origin, path.split('?').next().unwrap_or(path))
    }

    /// The name of a cookie of this origin: `__Host-countersign-REST`, or `countersign-PORT-REST` on plain http.
    pub(crate) fn cookie_name(&self, rest: &str) -> String {
        match self.origin.strip_prefix("http://").and_then(|host| host.rsplit_once(':')) {
            Some((_, port)) => format!("countersign-{port}-{rest}"),
            None => format!("__Host-countersign-{rest}"),
        }
    }

    /// A call without any header.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call {
            http: self.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// `GET path` without any header.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        self.call("GET", path).send().await
    }

    /// A nonce for proofs; asked for once, it is good for five minutes.
    ///
    /// # Errors
    /// When the server gives none.
    pub(crate) async fn nonce(&self) -> Result<String> {
        let kept = self.nonce.lock().ok().and_then(|nonce| nonce.clone());
        if let Some(nonce) = kept.filter(|_| self.keeps_nonces) {
            return Ok(nonce);
        }
        let answer = self.get("/.well-known/countersign").await?.is(200)?;
        let nonce = answer.header("dpop-nonce").to_owned();
        ensure!(!nonce.is_empty(), "/.well-known/countersign has no DPoP-Nonce");
        if let Ok(mut kept) = self.nonce.lock() {
            *kept = Some(nonce.clone());
        }
        Ok(nonce)
    }

    /// Forgets the nonce, as after a restart of the server.
    pub(crate) fn forget_nonce(&self) {
        if let Ok(mut kept) = self.nonce.lock() {
            *kept = None;
        }
    }

    /// A proof as it should be, for an attack to bend before it signs.
    ///
    /// # Errors
    /// When the server gives no nonce.
    pub(crate) async fn proof(&self, key: &Key, method: &str, path: &str) -> Result<Jws> {
        Ok(Jws::proof(key, method, &self.url(path)).claim("nonce", self.nonce().await?))
    }
}

/// A call that is being put together.
#[derive(Clone)]
pub(crate) struct Call {
    http: Http,
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Call {
    /// One more header; the same name may come twice.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Takes a header away again.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(have, _)| !have.eq_ignore_ascii_case(name));
        self
    }

    /// In place of what there was under that name.
    pub(crate) fn instead(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.without(name).header(name, value)
    }

    /// A JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.instead("content-type", "application/json").body(body.to_string())
    }

    /// Any body.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The proof that this call needs, without a token.
    ///
    /// # Errors
    /// When the server gives no nonce.
    pub(crate) async fn proof(self, key: &Key) -> Result<Self> {
        let proof = self.http.proof(key, &self.method, &self.path).await?.sign(key);
        Ok(self.instead("dpop", proof))
    }

    /// Token and proof, as an authenticator sends them.
    ///
    /// # Errors
    /// When the server gives no nonce.
    pub(crate) async fn token(self, key: &Key, token: &str) -> Result<Self> {
        let proof = self.http.proof(key, &self.method, &self.path).await?.token(token).sign(key);
        Ok(self.instead("dpop", proof).instead("authorization", format!("DPoP {token}")))
    }

    /// Sends it.
    ///
    /// # Errors
    /// When no answer comes, and when the server says that it failed itself (500): nothing from outside may do that.
    pub(crate) async fn send(self) -> Result<Answer> {
        let response = self.send_unread().await?;
        let call = format!("{} {}", self.method, self.path);
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body =
            response.bytes().await.with_context(|| format!("{call}: the answer was cut off"))?.to_vec();
        let answer = Answer { call, status, headers, body };
        ensure!(status != 500, "{answer}: the server failed");
        if status == 429 {
            let wait_s =
                answer.header("retry-after").parse().with_context(|| format!("{answer}: no Retry-After"))?;
            ASKED_TO_WAIT_S.store(wait_s, Ordering::Relaxed);
        }
        Ok(answer)
    }

    /// Sends it and leaves the body unread, for an upgrade.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn send_unread(&self) -> Result<reqwest::Response> {
        let method = Method::from_bytes(self.method.as_bytes())?;
        let mut request = self.http.client.request(method, format!("{}{}", self.http.base, self.path));
        for (name, value) in &self.headers {
            request =
                request.header(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_bytes(value)?);
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        request.send().await.with_context(|| format!("{} {} got no answer", self.method, self.path))
    }
}
