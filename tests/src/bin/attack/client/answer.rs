//! What the server answered, and what an attack may say about it.

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde_json::Value;

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The call that it answers, for messages: `POST /api/scans`.
    pub(crate) call: String,
    /// HTTP status.
    pub(crate) status: u16,
    /// All headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// One `Set-Cookie`.
#[derive(Clone, Debug)]
pub(crate) struct SetCookie {
    /// Its name.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: String,
    /// `Path=/` and the like, as sent.
    pub(crate) attributes: Vec<String>,
}

impl SetCookie {
    /// Whether the attribute is there, `Secure` or `SameSite=Lax`; case does not count.
    pub(crate) fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|have| have.eq_ignore_ascii_case(attribute))
    }

    /// Whether it deletes the cookie.
    pub(crate) fn deletes(&self) -> bool {
        self.has("Max-Age=0")
    }
}

impl Answer {
    /// A header's text, empty when absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("{self} is not JSON"))
    }

    /// NAME of `urn:countersign:problem:NAME`, empty when the body is no problem.
    pub(crate) fn problem(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let kind = body["type"].as_str().unwrap_or_default();
        kind.strip_prefix("urn:countersign:problem:").unwrap_or_default().to_owned()
    }

    /// Status and problem as one word: `404 not_found`, for comparing answers.
    pub(crate) fn kind(&self) -> String {
        format!("{} {}", self.status, self.problem())
    }

    /// The answer if it has this status.
    ///
    /// # Errors
    /// When it has another.
    pub(crate) fn is(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{self}; {status} was due");
        Ok(self)
    }

    /// The answer if it refuses with this status and name.
    ///
    /// # Errors
    /// When it does anything else.
    pub(crate) fn refuses(self, status: u16, name: &str) -> Result<Self> {
        ensure!(self.status == status && self.problem() == name, "{self}; {status} {name} was due");
        Ok(self)
    }

    /// The answer if it refuses with one of these statuses.
    ///
    /// # Errors
    /// When it does anything else.
    pub(crate) fn one_of(self, statuses: &[u16]) -> Result<Self> {
        ensure!(statuses.contains(&self.status), "{self}; one of {statuses:?} was due");
        Ok(self)
    }

    /// All `Set-Cookie` headers.
    pub(crate) fn cookies(&self) -> Vec<SetCookie> {
        let lines = self.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        lines.filter_map(read_cookie).collect()
    }

    /// The cookie whose name ends so.
    ///
    /// # Errors
    /// When it is not set.
    pub(crate) fn cookie(&self, end: &str) -> Result<SetCookie> {
        match self.cookies().into_iter().find(|cookie| cookie.name.ends_with(end)) {
            Some(cookie) => Ok(cookie),
            None => bail!("{self} sets no cookie ...{end}"),
        }
    }
}

fn read_cookie(line: &str) -> Option<SetCookie> {
    let mut parts = line.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let attributes = parts.map(str::to_owned).collect();
    Some(SetCookie { name: name.to_owned(), value: value.to_owned(), attributes })
}

impl std::fmt::Display for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = self.text().chars().take(300).collect();
        write!(formatter, "{} answered {} {text}", self.call, self.status)
    }
}
