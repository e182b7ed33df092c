use std::collections::BTreeMap;
use std::sync::Mutex;

use protocol::origin::Origin;
use serde_json::{Value, json};

use super::wire::{Extras, Wire};
use super::{Answer, Node};

/// A browser with one page key and a cookie jar.
pub struct Page {
    pub wire: Wire,
    pub jar: Mutex<BTreeMap<String, String>>,
}

/// A request that a page started.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: String,
    pub body: Value,
}

impl Request {
    /// The code of the first frame.
    pub fn code(&self) -> String {
        code_of(&self.body)
    }
}

/// The code of the frame in a request state.
pub fn code_of(state: &Value) -> String {
    state["frame"]["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

impl Page {
    pub fn new(http: &reqwest::Client, base: &str, origin: &Origin, address: &str) -> Self {
        Self { wire: Wire::new(http, base, origin, address), jar: Mutex::default() }
    }

    /// The same browser, its calls answered by another node.
    #[must_use]
    pub fn at(mut self, node: &Node) -> Self {
        self.wire.base.clone_from(&node.base);
        self
    }

    pub async fn start(&self) -> Request {
        let body = self.start_with(json!({})).await.expect(201);
        Request { id: body["id"].as_str().unwrap().to_owned(), body }
    }

    pub async fn start_with(&self, body: Value) -> Answer {
        self.call("POST", "/api/login-requests", Some(body), true).await
    }

    pub async fn state(&self, request: &Request) -> Answer {
        self.call("GET", &format!("/api/login-requests/{}", request.id), None, false).await
    }

    /// The number that the page shows.
    pub async fn number(&self, request: &Request) -> String {
        self.state(request).await.expect(200)["check"].as_str().unwrap().to_owned()
    }

    /// "waiting", or "denied user".
    pub async fn stands(&self, request: &Request) -> String {
        let state = self.state(request).await.expect(200);
        match state["reason"].as_str() {
            Some(reason) => format!("{} {reason}", state["state"].as_str().unwrap()),
            None => state["state"].as_str().unwrap().to_owned(),
        }
    }

    pub async fn user_code(&self, request: &Request) -> Answer {
        self.call("POST", &format!("/api/login-requests/{}/user-code", request.id), Some(json!({})), false)
            .await
    }

    pub async fn redeem(&self, request: &Request) -> Answer {
        let path = format!("/api/login-requests/{}/session", request.id);
        self.call("POST", &path, Some(json!({})), true).await
    }

    pub async fn cancel(&self, request: &Request) -> Answer {
        self.call("DELETE", &format!("/api/login-requests/{}", request.id), None, false).await
    }

    pub async fn session(&self) -> Answer {
        self.call("GET", "/api/session", None, false).await
    }

    pub async fn refresh(&self) -> Answer {
        self.call("POST", "/api/session/refresh", Some(json!({})), true).await
    }

    pub async fn end_session(&self, body: Value) -> Answer {
        self.call("DELETE", "/api/session", Some(body), false).await
    }

    /// A call as the page's script makes it: cookies always, `Origin` when something changes.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>, proof: bool) -> Answer {
        let mut headers = vec![("cookie", self.cookies())];
        if method != "GET" {
            headers.push(("origin", self.wire.origin.to_string()));
        }
        let answer = self.wire.call(method, path, Extras { headers, body, proof, ..Extras::default() }).await;
        self.keep(&answer);
        answer
    }

    pub fn cookies(&self) -> String {
        let jar = self.jar.lock().unwrap();
        jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// The value of the cookie whose name ends so.
    pub fn cookie(&self, end: &str) -> Option<String> {
        let jar = self.jar.lock().unwrap();
        jar.iter().find(|(name, _)| name.ends_with(end)).map(|(_, value)| value.clone())
    }

    pub fn drop_cookie(&self, end: &str) {
        self.jar.lock().unwrap().retain(|name, _| !name.ends_with(end));
    }

    pub fn keep(&self, answer: &Answer) {
        for line in answer.cookies() {
            let (pair, attributes) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut jar = self.jar.lock().unwrap();
            if attributes.contains("Max-Age=0;") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
