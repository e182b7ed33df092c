//! The login page in a browser: a key, a cookie jar and one login request.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Answer, Call, Http, Key};

/// Cookies of one browser profile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar {
    cookies: BTreeMap<String, String>,
}

impl Jar {
    /// Keeps what an answer sets and drops what it deletes.
    pub(crate) fn absorb(&mut self, answer: &Answer) {
        for cookie in answer.cookies() {
            if cookie.deletes() {
                self.cookies.remove(&cookie.name);
            } else {
                self.cookies.insert(cookie.name, cookie.value);
            }
        }
    }

    /// The value under that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Puts a cookie in, as somebody who plants one does.
    pub(crate) fn put(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Takes one out.
    pub(crate) fn remove(&mut self, name: &str) {
        self.cookies.remove(name);
    }

    /// The `Cookie` header.
    pub(crate) fn header(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}

/// A page that has started a login request.
#[derive(Clone)]
pub(crate) struct Page {
    /// Where it calls, and from which address.
    pub(crate) http: Http,
    /// Its key.
    pub(crate) key: Key,
    /// Its cookies.
    pub(crate) jar: Jar,
    /// Id of its request.
    pub(crate) id: String,
    /// The answer to the start.
    pub(crate) started: Answer,
}

impl Page {
    /// Starts a request with a fresh key, in a fresh browser.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn start(http: &Http) -> Result<Self> {
        Self::start_with(http, &Key::fresh(), &Jar::default(), &json!({}), &[]).await
    }

    /// Starts a request in a browser that has a key and cookies.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn start_with(
        http: &Http,
        key: &Key,
        jar: &Jar,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<Self> {
        let mut call = Self::starting(http, jar).json(body);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        let started = call.proof(key).await?.send().await?.is(201)?;
        let id = started.json()?["id"].as_str().context("a request without id")?.to_owned();
        let mut jar = jar.clone();
        jar.absorb(&started);
        Ok(Self { http: http.clone(), key: key.clone(), jar, id, started })
    }

    /// The call that starts a request, without body and proof.
    pub(crate) fn starting(http: &Http, jar: &Jar) -> Call {
        let call = http.call("POST", "/api/login-requests").header("origin", http.origin());
        if jar.header().is_empty() { call } else { call.header("cookie", jar.header()) }
    }

    /// `/api/login-requests/ID` and what follows.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/login-requests/{}{rest}", self.id)
    }

    /// A call with this browser's cookies and the right origin.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        self.http.call(method, path).header("origin", self.http.origin()).header("cookie", self.jar.header())
    }

    /// The name of the page secret's cookie.
    pub(crate) fn secret_name(&self) -> String {
        self.http.cookie_name(&format!("request-{}", self.id))
    }

    /// Reads the state, as polling does.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn poll(&self) -> Result<Answer> {
        self.call("GET", &self.path("")).send().await
    }

    /// The state as JSON.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn state(&self) -> Result<Value> {
        self.poll().await?.is(200)?.json()
    }

    /// Name of the state and its reason, `expired waiting`; the name alone without one.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn stage(&self) -> Result<String> {
        let state = self.state().await?;
        let name = state["state"].as_str().context("a request without state")?;
        Ok(state["reason"].as_str().map_or_else(|| name.to_owned(), |reason| format!("{name} {reason}")))
    }

    /// The 40 characters in the picture at this moment.
    ///
    /// # Errors
    /// When there is no picture.
    pub(crate) async fn code(&self) -> Result<String> {
        code_in(&self.state().await?)
    }

    /// The two digits that the page shows.
    ///
    /// # Errors
    /// When it shows none.
    pub(crate) async fn check(&self) -> Result<String> {
        let state = self.state().await?;
        Ok(state["check"].as_str().with_context(|| format!("no check number in {state}"))?.to_owned())
    }

    /// "Type a code instead".
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn type_instead(&self) -> Result<Answer> {
        self.call("POST", &self.path("/user-code")).json(&json!({})).send().await
    }

    /// Asks for the session.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn redeem(&self) -> Result<Answer> {
        self.redeeming().proof(&self.key).await?.send().await
    }

    /// The call that redeems, without proof.
    pub(crate) fn redeeming(&self) -> Call {
        self.call("POST", &self.path("/session")).json(&json!({}))
    }

    /// Gives up.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn cancel(&self) -> Result<Answer> {
        self.call("DELETE", &self.path("")).send().await
    }

    /// Redeems and keeps the session's cookies.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn sign_in(&mut self) -> Result<Answer> {
        let answer = self.redeem().await?.is(201)?;
        self.jar.absorb(&answer);
        Ok(answer)
    }

    /// "Who am I?"
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn whoami(&self) -> Result<Answer> {
        self.call("GET", "/api/session").send().await
    }

    /// Asks for a new session token and keeps it.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn refresh(&mut self) -> Result<Answer> {
        let answer = self.refreshing().proof(&self.key).await?.send().await?;
        self.jar.absorb(&answer);
        Ok(answer)
    }

    /// The call that refreshes, without proof.
    pub(crate) fn refreshing(&self) -> Call {
        self.call("POST", "/api/session/refresh")
    }
}

/// The 40 characters of the picture in a request's state.
///
/// # Errors
/// When there is no picture.
pub(crate) fn code_in(state: &Value) -> Result<String> {
    let url = state["frame"]["url"].as_str().with_context(|| format!("no frame in {state}"))?;
    let (_, code) = url.split_once("/Q/").with_context(|| format!("{url} is no frame"))?;
    Ok(code.to_owned())
}
