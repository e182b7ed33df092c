use countersign_server::store::{ClientId, ClientPolicy, StoredClient};
use protocol::secret::SecretHash;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::wire::{Extras, Wire};
use super::{Answer, Node};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A program without a browser, as RFC 8628 means it.
pub struct Tool {
    pub wire: Wire,
    pub id: &'static str,
    pub secret: Option<&'static str>,
    /// It proves its key.
    pub proves: bool,
}

impl Tool {
    /// A public client that may use the device grant.
    pub async fn new(node: &Node, id: &'static str) -> Self {
        Self::with(node, id, None, ClientPolicy::default()).await
    }

    pub async fn with(
        node: &Node,
        id: &'static str,
        secret: Option<&'static str>,
        policy: ClientPolicy,
    ) -> Self {
        add_client(node, id, secret, true, policy).await;
        Self { wire: node.wire(), id, secret, proves: false }
    }

    /// Asks for its codes (RFC 8628 §3.1).
    pub async fn start(&self, scope: &str) -> Answer {
        self.post("/oauth/device-authorization", &[("scope", scope)]).await
    }

    /// Asks for its tokens (RFC 8628 §3.4).
    pub async fn poll(&self, started: &Value) -> Answer {
        self.poll_with(started["device_code"].as_str().unwrap()).await
    }

    pub async fn poll_with(&self, device_code: &str) -> Answer {
        self.post("/oauth/token", &[("grant_type", DEVICE_CODE), ("device_code", device_code)]).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub async fn userinfo(&self, access_token: &str) -> Answer {
        let headers = vec![("authorization", format!("Bearer {access_token}"))];
        self.wire.send("GET", "/oauth/userinfo", &Extras { headers, ..Extras::default() }, None).await
    }

    /// A form with the client's id, and its secret if it has one.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let form = {
            let mut body = Serializer::new(String::new());
            body.extend_pairs(form).append_pair("client_id", self.id);
            if let Some(secret) = self.secret {
                body.append_pair("client_secret", secret);
            }
            body.finish()
        };
        self.post_text(path, form).await
    }

    pub async fn post_text(&self, path: &str, form: String) -> Answer {
        if self.proves && self.wire.nonce.lock().unwrap().is_none() {
            self.wire.send("GET", "/.well-known/countersign", &Extras::default(), None).await;
        }
        let proof = self.proves.then(|| self.wire.proof("POST", path, None));
        self.wire.send("POST", path, &Extras { form: Some(form), ..Extras::default() }, proof).await
    }
}

/// Registers a client.
pub async fn add_client(
    node: &Node,
    id: &str,
    secret: Option<&str>,
    device_grant: bool,
    policy: ClientPolicy,
) {
    let client = StoredClient {
        id: ClientId::parse(id).unwrap(),
        name: format!("The {id}"),
        secret: secret.map(SecretHash::of),
        previous_secret: None,
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        device_grant,
        policy,
        created_at: node.now(),
    };
    assert!(node.durable.create_client(&client).await.unwrap());
}
