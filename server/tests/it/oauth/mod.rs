//! The back channel of the standard front doors: tokens, keys, and what is told of them. Each rule of an RFC that
//! docs/standards.md claims has its test here.

mod discovery;
mod dpop;
mod exchange;
mod par;
mod parameters;
mod refresh;
mod resource;

use std::sync::Mutex;

use countersign_server::entropy::{Entropy, OsEntropy};
use countersign_server::store::{
    Alg, By, ClientId, ClientPolicy, NewCode, NewGrant, SessionLives, StoredClient,
};
use protocol::encoding::{base64url, from_base64url};
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::jws::Unverified;
use protocol::key::{PublicKey, Thumbprint};
use protocol::proof::{self, Call};
use protocol::secret::{SecretHash, sha256};
use protocol::time::Timestamp;
use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Device, Node, Page, fresh_bytes, new_key, random, signed_in};

pub const TOKEN: &str = "/oauth/token";
pub const REDIRECT_URI: &str = "https://app.example.com/callback";
/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const SECRET: &str = "sesame-and-more";

/// A node with somebody signed in, who may have given a client something.
pub struct World {
    pub node: Node,
    pub page: Page,
    pub device: Device,
}

/// A program of a client: its credentials, its key, the nonces it was told.
pub struct Program {
    http: reqwest::Client,
    base: String,
    pub id: String,
    pub secret: Option<String>,
    pub key: protocol::key::SigningKey,
    nonce: Mutex<Option<String>>,
}

/// What a grant is to be like.
pub struct Given {
    pub scopes: &'static str,
    pub nonce: Option<&'static str>,
    pub verified: bool,
    pub dpop: Option<Thumbprint>,
    pub life_s: i64,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            scopes: "openid profile email groups",
            nonce: Some("n-0S6"),
            verified: false,
            dpop: None,
            life_s: 90 * 86_400,
        }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::on(Node::start().await).await
    }

    pub async fn on(node: Node) -> Self {
        let (page, _, device) = signed_in(&node).await;
        Self { node, page, device }
    }

    pub fn account(&self) -> AccountId {
        self.device.account.unwrap()
    }

    pub fn session(&self) -> SessionId {
        SessionId::parse(&self.page.cookie("-sid").unwrap()).unwrap()
    }

    /// A confidential client that is registered.
    pub async fn confidential(&self, id: &str) -> Program {
        self.client(id, Some(SECRET), Alg::Es256).await
    }

    /// A public client that is registered.
    pub async fn public(&self, id: &str) -> Program {
        self.client(id, None, Alg::Es256).await
    }

    pub async fn client(&self, id: &str, secret: Option<&str>, alg: Alg) -> Program {
        let client = StoredClient {
            id: ClientId::parse(id).unwrap(),
            name: format!("Site {id}"),
            secret: secret.map(SecretHash::of),
            previous_secret: None,
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            post_logout_redirect_uris: Vec::new(),
            device_grant: false,
            policy: ClientPolicy { id_token_alg: alg, ..ClientPolicy::default() },
            created_at: self.node.now(),
        };
        assert!(self.node.durable.create_client(&client).await.unwrap());
        Program {
            http: self.page.wire.http.clone(),
            base: self.node.base.clone(),
            id: id.to_owned(),
            secret: secret.map(str::to_owned),
            key: new_key(),
            nonce: Mutex::default(),
        }
    }

    /// A code for this client, as the authorization endpoint makes it after an approval.
    pub async fn code(&self, client: &Program, given: Given) -> String {
        let entropy: &dyn Entropy = &OsEntropy;
        let code = entropy.secret();
        let now = self.node.now();
        let new = NewGrant {
            id: GrantId::from_random(fresh_bytes()),
            client: ClientId::parse(&client.id).unwrap(),
            client_name: client.id.clone(),
            account: self.account(),
            session: self.session(),
            scopes: given.scopes.split(' ').map(str::to_owned).collect(),
            nonce: given.nonce.map(str::to_owned),
            verified: given.verified,
            dpop: given.dpop,
            ends_at: now.plus_s(given.life_s),
            code: Some(NewCode {
                hash: code.hash(),
                redirect_uri: REDIRECT_URI.to_owned(),
                challenge: base64url(&sha256(VERIFIER.as_bytes())),
                ends_at: now.plus_s(60),
            }),
        };
        let by = By::address("203.0.113.7");
        assert!(self.node.durable.create_grant(&new, &SessionLives::default(), &by, now).await.unwrap());
        code.expose()
    }

    /// Tokens of this client.
    pub async fn tokens(&self, client: &Program, given: Given) -> Value {
        let code = self.code(client, given).await;
        client.exchange(&code).await.expect(200)
    }

    /// The claims of a token, its signature verified with the key set that is published.
    pub async fn claims(&self, client: &Program, typ: &str, token: &Value) -> Value {
        let set = client.get("/oauth/jwks").await.expect(200);
        let jws = Unverified::parse(token.as_str().unwrap(), typ).unwrap();
        let mut keys = set["keys"].as_array().unwrap().iter();
        let jwk = keys.find(|jwk| jwk["kid"].as_str() == jws.key_id()).expect("its key is published");
        assert_eq!((jwk["alg"].as_str(), jwk["use"].as_str()), (Some("ES256"), Some("sig")));
        jws.verify(&PublicKey::from_jwk(jwk).unwrap()).unwrap()
    }
}

impl Program {
    pub async fn exchange(&self, code: &str) -> Answer {
        self.token(&Self::code_call(code)).await
    }

    pub fn code_call(code: &str) -> Vec<(&'static str, String)> {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", REDIRECT_URI.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ]
    }

    pub fn refresh_call(token: &Value) -> Vec<(&'static str, String)> {
        let token = token.as_str().unwrap().to_owned();
        vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token)]
    }

    pub async fn refresh(&self, token: &Value) -> Answer {
        self.token(&Self::refresh_call(token)).await
    }

    /// A call to the token endpoint with the client's credentials in the body.
    pub async fn token(&self, parameters: &[(&str, String)]) -> Answer {
        self.post(TOKEN, parameters).await
    }

    /// The same with a fresh proof.
    pub async fn proven_token(&self, parameters: &[(&str, String)]) -> Answer {
        let proof = self.proof("POST", TOKEN, None).await;
        self.send("POST", TOKEN, &[("dpop", proof)], Some(self.form(parameters))).await
    }

    pub async fn post(&self, path: &str, parameters: &[(&str, String)]) -> Answer {
        self.send("POST", path, &[], Some(self.form(parameters))).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub async fn userinfo(&self, authorization: &str) -> Answer {
        self.send("GET", "/oauth/userinfo", &[("authorization", authorization.to_owned())], None).await
    }

    pub fn form(&self, parameters: &[(&str, String)]) -> String {
        let mut all = parameters.to_vec();
        all.push(("client_id", self.id.clone()));
        all.extend(self.secret.clone().map(|secret| ("client_secret", secret)));
        form(&all)
    }

    /// A proof with a nonce of the server.
    pub async fn proof(&self, method: &str, path: &str, token: Option<&str>) -> String {
        if self.nonce.lock().unwrap().is_none() {
            self.get("/.well-known/countersign").await.expect(200);
        }
        let nonce = self.nonce.lock().unwrap().clone();
        self.proof_with(method, path, token, nonce.as_deref())
    }

    pub fn proof_with(&self, method: &str, path: &str, token: Option<&str>, nonce: Option<&str>) -> String {
        let url = format!("https://login.example.com{path}");
        let call = Call { method, url: &url, token };
        proof::make(&call, nonce, fresh_bytes(), Timestamp(1), &self.key, &random()).unwrap()
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        form: Option<String>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut call = self.http.request(method, format!("{}{path}", self.base));
        call = call.header("x-forwarded-for", "203.0.113.9");
        for (name, value) in headers {
            call = call.header(*name, value);
        }
        if let Some(form) = form {
            call = call.header("content-type", "application/x-www-form-urlencoded").body(form);
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

pub fn form(parameters: &[(&str, String)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(parameters.iter().map(|(name, value)| (*name, value.as_str())));
    text.finish()
}

/// The answer is this error, in the form of RFC 6749 §5.2.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.body["error"].as_str()), (status, Some(code)), "{}", answer.body);
    assert!(answer.body["error_description"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    if code == "invalid_client" {
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    }
}

/// The header of a JWS, unverified.
pub fn header_of(token: &Value) -> Value {
    let text = token.as_str().unwrap().split('.').next().unwrap();
    serde_json::from_slice(&from_base64url(text).unwrap()).unwrap()
}
