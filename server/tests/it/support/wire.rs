use std::sync::Mutex;

use countersign_server::entropy::{Entropy, OsEntropy};
use protocol::key::SigningKey;
use protocol::origin::Origin;
use protocol::proof::{self, Call};
use protocol::time::Timestamp;
use reqwest::Method;
use ring::rand::SystemRandom;
use serde_json::Value;

use super::Answer;

/// Sends calls as one party: its key, its address, the newest nonce.
pub struct Wire {
    pub http: reqwest::Client,
    /// Where the node listens.
    pub base: String,
    pub origin: Origin,
    pub key: SigningKey,
    /// The address that the listed proxy names.
    pub address: String,
    pub nonce: Mutex<Option<String>>,
}

/// What goes with a call.
#[derive(Default)]
pub struct Extras<'a> {
    pub headers: Vec<(&'a str, String)>,
    pub body: Option<Value>,
    /// An encoded form in the place of a body.
    pub form: Option<String>,
    /// `Some(token)`: proof with `ath` and `Authorization`.
    pub token: Option<&'a str>,
    pub proof: bool,
}

impl Wire {
    pub fn new(http: &reqwest::Client, base: &str, origin: &Origin, address: &str) -> Self {
        Self {
            http: http.clone(),
            base: base.to_owned(),
            origin: origin.clone(),
            key: new_key(),
            address: address.to_owned(),
            nonce: Mutex::new(None),
        }
    }

    /// Makes the call; with a proof, once more when the nonce was no good.
    pub async fn call(&self, method: &str, path: &str, extras: Extras<'_>) -> Answer {
        if !extras.proof {
            return self.send(method, path, &extras, None).await;
        }
        if self.nonce.lock().unwrap().is_none() {
            self.send("GET", "/.well-known/countersign", &Extras::default(), None).await;
        }
        let answer = self.send(method, path, &extras, Some(self.proof(method, path, extras.token))).await;
        if answer.body["type"] == "urn:countersign:problem:use_dpop_nonce" {
            let proof = self.proof(method, path, extras.token);
            return self.send(method, path, &extras, Some(proof)).await;
        }
        answer
    }

    /// A fresh proof with the newest nonce.
    pub fn proof(&self, method: &str, path: &str, token: Option<&str>) -> String {
        let url = format!("{}{}", self.origin, path.split('?').next().unwrap());
        let call = Call { method, url: &url, token };
        let nonce = self.nonce.lock().unwrap().clone();
        proof::make(&call, nonce.as_deref(), fresh_bytes(), Timestamp(1), &self.key, &random()).unwrap()
    }

    pub async fn send(&self, method: &str, path: &str, extras: &Extras<'_>, proof: Option<String>) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut call = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0")
            .header("accept-language", "de-CH, en;q=0.5");
        if !self.address.is_empty() {
            call = call.header("x-forwarded-for", &self.address);
        }
        for (name, value) in &extras.headers {
            call = call.header(*name, value);
        }
        if let Some(proof) = proof {
            call = call.header("dpop", proof);
        }
        if let Some(token) = extras.token {
            call = call.header("authorization", format!("DPoP {token}"));
        }
        if let Some(body) = &extras.body {
            call = call.json(body);
        }
        if let Some(form) = &extras.form {
            call = call.header("content-type", "application/x-www-form-urlencoded").body(form.clone());
        }
        let response = call.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if let Some(nonce) = headers.get("dpop-nonce") {
            *self.nonce.lock().unwrap() = Some(nonce.to_str().unwrap().to_owned());
        }
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }
}

pub fn new_key() -> SigningKey {
    SigningKey::generate(&random()).unwrap().0
}

#[expect(clippy::disallowed_methods, reason = "a test is its own edge")]
pub fn random() -> SystemRandom {
    SystemRandom::new()
}

pub fn fresh_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    OsEntropy.fill(&mut bytes);
    bytes
}
