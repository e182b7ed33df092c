//! One kept-alive HTTP/1.1 connection: the client's own cost stays small and the same for both subjects.

use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

/// A connection to `origin` (`http://127.0.0.1:PORT`).
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    origin: String,
}

/// What goes along with a call.
#[derive(Default)]
pub(crate) struct Extras<'a> {
    pub(crate) proof: Option<String>,
    pub(crate) token: Option<&'a str>,
    pub(crate) cookie: Option<&'a str>,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Connection {
    pub(crate) async fn open(origin: &str) -> Result<Self> {
        let address = origin.strip_prefix("http://").context("the bench speaks plain http")?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, origin: origin.to_owned() })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) async fn call(
        &mut self,
        method: &Method,
        path: &str,
        extras: Extras<'_>,
        body: String,
    ) -> Result<Reply> {
        let host = self.origin.trim_start_matches("http://").to_owned();
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, host).header(ORIGIN, &self.origin);
        if let Some(proof) = extras.proof {
            request = request.header("dpop", proof);
        }
        if let Some(token) = extras.token {
            request = request.header(AUTHORIZATION, format!("DPoP {token}"));
        }
        if let Some(cookie) = extras.cookie {
            request = request.header(COOKIE, cookie);
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        self.sender.ready().await?;
        let reply = self.sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        Ok(Reply { status, headers, body: reply.into_body().collect().await?.to_bytes() })
    }
}

impl Reply {
    /// Refuses another status: a benchmark of errors measures nothing.
    pub(crate) fn expect(self, status: StatusCode, what: &str) -> Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        bail!("{what} answered {}: {}", self.status, String::from_utf8_lossy(&self.body))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// The first cookie as `name=value`.
    pub(crate) fn cookie(&self) -> Option<String> {
        let cookie = self.headers.get(SET_COOKIE)?.to_str().ok()?;
        Some(cookie.split(';').next()?.to_owned())
    }

    pub(crate) fn nonce(&self) -> Option<String> {
        Some(self.headers.get("dpop-nonce")?.to_str().ok()?.to_owned())
    }
}
