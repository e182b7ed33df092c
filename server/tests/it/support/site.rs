use std::collections::BTreeMap;

use countersign_server::store::{ClientId, ClientPolicy, StoredClient};
use protocol::encoding::base64url;
use protocol::secret::sha256;
use protocol::statement::{Decision, Statement};
use reqwest::Url;
use serde_json::json;

use super::{Answer, Device, Node, Page, Request, Scanned};

/// What every site here proves its codes with.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A site that sends people here.
pub struct Site {
    pub id: String,
    pub redirect_uri: String,
}

impl Site {
    pub async fn add(node: &Node, id: &str) -> Self {
        Self::add_with(node, id, |_| ()).await
    }

    pub async fn add_with(node: &Node, id: &str, change: impl FnOnce(&mut StoredClient)) -> Self {
        let redirect_uri = format!("https://{id}.example/callback");
        let mut client = StoredClient {
            id: ClientId::parse(id).unwrap(),
            name: format!("The {id}"),
            secret: None,
            previous_secret: None,
            redirect_uris: vec![redirect_uri.clone()],
            post_logout_redirect_uris: vec![format!("https://{id}.example/bye")],
            device_grant: false,
            policy: ClientPolicy::default(),
            created_at: node.now(),
        };
        change(&mut client);
        assert!(node.durable.create_client(&client).await.unwrap());
        Self { id: id.to_owned(), redirect_uri }
    }

    /// A good authorization request with these parameters replaced, added, or taken away by an empty value.
    pub fn asks(&self, changes: &[(&str, &str)]) -> String {
        let challenge = challenge();
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("scope", "openid profile"),
            ("state", "st4te"),
            ("nonce", "n0nce"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    pub async fn send(&self, page: &Page, changes: &[(&str, &str)]) -> Answer {
        page.visit(&format!("/oauth/authorize?{}", self.asks(changes))).await
    }

    /// The answer that a browser is led back with.
    #[track_caller]
    pub fn heard(&self, answer: &Answer) -> BTreeMap<String, String> {
        let address = answer.leads_to();
        assert!(address.starts_with(&format!("{}?", self.redirect_uri)), "{address}");
        Url::parse(&address).unwrap().query_pairs().into_owned().collect()
    }

    /// As [`Site::heard`], of an error.
    #[track_caller]
    pub fn hears(&self, answer: &Answer, error: &str) {
        let heard = self.heard(answer);
        assert_eq!(heard.get("error").map(String::as_str), Some(error), "{heard:?}");
        assert_eq!(heard.get("iss").map(String::as_str), Some("https://login.example.com"));
        assert_eq!(heard.get("code"), None);
    }

    /// As [`Site::heard`], of a code.
    #[track_caller]
    pub fn code(&self, answer: &Answer) -> String {
        let mut heard = self.heard(answer);
        assert_eq!(heard.remove("iss").as_deref(), Some("https://login.example.com"), "{heard:?}");
        assert_eq!(heard.remove("state").as_deref(), Some("st4te"));
        let code = heard.remove("code").unwrap();
        assert!(heard.is_empty(), "{heard:?}");
        code
    }
}

impl Site {
    /// Exchanges a code at the token endpoint.
    pub async fn exchange(&self, page: &Page, code: &str) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", &self.id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("code", code)
            .append_pair("code_verifier", VERIFIER)
            .finish();
        page.submit("/oauth/token", &form, None).await
    }

    /// Signs the page in for the site; the ID token of it.
    pub async fn id_token(&self, page: &Page, device: &Device) -> String {
        let transaction = self.send(page, &[]).await.transaction();
        let code = self.code(&page.through(&transaction, device).await);
        let tokens = self.exchange(page, &code).await.expect(200);
        tokens["id_token"].as_str().unwrap().to_owned()
    }
}

pub fn challenge() -> String {
    base64url(&sha256(VERIFIER.as_bytes()))
}

impl Answer {
    /// Where a browser is led to.
    #[track_caller]
    pub fn leads_to(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.body);
        assert_eq!(self.headers["cache-control"], "no-store");
        self.headers["location"].to_str().unwrap().to_owned()
    }

    /// The transaction of the login page that a browser is led to.
    #[track_caller]
    pub fn transaction(&self) -> String {
        let address = self.leads_to();
        address.strip_prefix("/login?transaction=").unwrap_or_else(|| panic!("{address}")).to_owned()
    }

    /// A page that refuses, leading nowhere.
    #[track_caller]
    pub fn refuses(&self, reason: &str) {
        assert_eq!(self.status, 400);
        assert!(!self.headers.contains_key("location"));
        let page = self.body.as_str().unwrap();
        assert!(page.contains(&format!("data-state=\"refused\" data-reason=\"{reason}\"")), "{page}");
        let policy = self.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'none'"),
            "{policy}"
        );
    }
}

impl Page {
    /// A navigation to another page of the server, as from a link on a site.
    pub async fn visit(&self, path: &str) -> Answer {
        self.call("GET", path, None, false).await
    }

    /// A form that is sent from this origin; `None`: the browser does not say from where.
    pub async fn submit(&self, path: &str, form: &str, origin: Option<&str>) -> Answer {
        let mut call = self.wire.http.post(format!("{}{path}", self.wire.base)).body(form.to_owned());
        call =
            call.header("content-type", "application/x-www-form-urlencoded").header("cookie", self.cookies());
        call = call.header("x-forwarded-for", &self.wire.address);
        if let Some(origin) = origin {
            call = call.header("origin", origin);
        }
        let response = call.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let answer = Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)),
        };
        self.keep(&answer);
        answer
    }

    /// Starts a login request for a site.
    pub async fn start_for(&self, transaction: &str) -> Request {
        let body = self.start_with(json!({ "transaction": transaction })).await.expect(201);
        Request { id: body["id"].as_str().unwrap().to_owned(), body }
    }

    /// Signs in for a site: scan, number, approval, redeem. What the redeem answered.
    pub async fn sign_in_for(&self, transaction: &str, device: &Device) -> (serde_json::Value, Scanned) {
        let request = self.start_for(transaction).await;
        let scanned = device.scanned(&request).await;
        let number = self.number(&request).await;
        let statement = Statement {
            user_verified: scanned.seen()["user_verification"] == "required",
            ..device.statement(&scanned, Decision::Approve, Some(&number))
        };
        device.send_statement(&device.sign(&statement)).await.expect(204);
        (self.redeem(&request).await.expect(201), scanned)
    }

    /// As [`Page::sign_in_for`], and on to the site.
    pub async fn through(&self, transaction: &str, device: &Device) -> Answer {
        let (redeemed, _) = self.sign_in_for(transaction, device).await;
        self.visit(redeemed["return_to"].as_str().unwrap()).await
    }
}
