//! One kept-alive HTTP/1.1 connection, written by hand: whatever the client costs is taken from the server on the same
//! cores, and with a general one a login cost the client a seventh more.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Far more than any answer to the bench has.
const ANSWER_MAX: usize = 64 * 1_024;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A connection to one node of a site.
pub(crate) struct Connection {
    stream: TcpStream,
    origin: String,
    host: String,
    out: Vec<u8>,
    input: Vec<u8>,
}

/// What is asked. Empty bodies are not sent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) proof: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
    pub(crate) cookie: Option<&'a str>,
    pub(crate) body: &'a str,
    /// The body is a form and not JSON, and its sender no browser.
    pub(crate) is_form: bool,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The first cookie as `name=value`.
    pub(crate) cookie: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects to a node of the site that calls itself `origin`.
    pub(crate) async fn open(address: SocketAddr, origin: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (_, host) = origin.split_once("://").context("an origin has a scheme")?;
        let (origin, host) = (origin.to_owned(), host.to_owned());
        let buffer = || Vec::with_capacity(4 * 1_024);
        Ok(Self { stream, origin, host, out: buffer(), input: buffer() })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) async fn call(&mut self, ask: Ask<'_>) -> Result<Reply> {
        self.write(&ask)?;
        self.stream.write_all(&self.out).await?;
        self.input.clear();
        let head_length = self.read_head().await?;
        let (reply, body_length) = head(&self.input[..head_length])?;
        let end = head_length + body_length;
        while self.input.len() < end {
            self.read_more().await?;
        }
        Ok(Reply { body: self.input[head_length..end].to_vec(), ..reply })
    }

    fn write(&mut self, ask: &Ask<'_>) -> Result<()> {
        self.out.clear();
        let out = &mut self.out;
        write!(out, "{} {} HTTP/1.1\r\nhost: {}\r\n", ask.method, ask.path, self.host)?;
        if !ask.is_form {
            write!(out, "origin: {}\r\n", self.origin)?;
        }
        let credentials =
            [("dpop: ", ask.proof), ("authorization: DPoP ", ask.token), ("cookie: ", ask.cookie)];
        for (name, value) in credentials {
            if let Some(value) = value {
                write!(out, "{name}{value}\r\n")?;
            }
        }
        if !ask.body.is_empty() {
            let form = if ask.is_form { "x-www-form-urlencoded" } else { "json" };
            write!(out, "content-type: application/{form}\r\ncontent-length: {}\r\n", ask.body.len())?;
        }
        write!(out, "\r\n{}", ask.body)?;
        Ok(())
    }

    async fn read_head(&mut self) -> Result<usize> {
        let mut looked_at = 0;
        loop {
            self.read_more().await?;
            let from = looked_at;
            let found = self.input[from..].windows(HEAD_END.len()).position(|window| window == HEAD_END);
            if let Some(at) = found {
                return Ok(from + at + HEAD_END.len());
            }
            looked_at = self.input.len().saturating_sub(HEAD_END.len() - 1);
        }
    }

    async fn read_more(&mut self) -> Result<()> {
        if self.input.len() > ANSWER_MAX {
            bail!("an answer has more than {ANSWER_MAX} bytes");
        }
        if self.stream.read_buf(&mut self.input).await? == 0 {
            bail!("the connection was closed before the answer");
        }
        Ok(())
    }
}

/// Status and the few headers that matter, without the body; then the body's length.
fn head(bytes: &[u8]) -> Result<(Reply, usize)> {
    let text = std::str::from_utf8(bytes).context("a head is text")?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?.parse()?;
    let mut reply = Reply { status, cookie: None, nonce: None, body: Vec::new() };
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse()?;
        } else if name.eq_ignore_ascii_case("dpop-nonce") {
            reply.nonce = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("set-cookie") && reply.cookie.is_none() {
            reply.cookie = value.split(';').next().map(str::to_owned);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("the bench reads answers of a known length alone");
        }
    }
    Ok((reply, length))
}

impl Reply {
    /// Refuses another status: a benchmark of errors measures nothing.
    pub(crate) fn expect(self, status: u16, what: &str) -> Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        bail!("{what} answered {}: {}", self.status, String::from_utf8_lossy(&self.body))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_head_gives_status_cookie_nonce_and_length() {
        let text = "HTTP/1.1 201 Created\r\nSet-Cookie: a=b; Path=/\r\nset-cookie: c=d\r\nDPoP-Nonce: n\r\n\
                    Content-Length: 12\r\n\r\n";
        let (reply, length) = head(text.as_bytes()).unwrap();
        assert_eq!((reply.status, length), (201, 12));
        assert_eq!((reply.cookie.as_deref(), reply.nonce.as_deref()), (Some("a=b"), Some("n")));
    }

    #[test]
    fn an_answer_of_unknown_length_is_refused() {
        assert!(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
