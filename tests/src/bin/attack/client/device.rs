//! The authenticator: a key, a token and what it may ask for.

use anyhow::{Context, Result, ensure};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{Answer, Call, Http, Jws, Key, base64url, from_base64url};

/// An enrolled device.
#[derive(Clone)]
pub(crate) struct Device {
    /// Where it calls, and from which address.
    pub(crate) http: Http,
    /// Its key.
    pub(crate) key: Key,
    /// Its id.
    pub(crate) id: String,
    /// Its token.
    pub(crate) token: String,
    /// Id of its account.
    pub(crate) account: String,
    /// The answer that enrolled it.
    pub(crate) enrolled: Answer,
}

/// What a scan told the device.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    /// Id of the login request.
    pub(crate) request: String,
    /// The right to decide, once.
    pub(crate) ticket: String,
    /// The bytes that the person saw, base64url.
    pub(crate) context: String,
    /// The whole answer.
    pub(crate) body: Value,
}

impl Scan {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is not the 201 of a scan.
    pub(crate) fn read(answer: Answer) -> Result<Self> {
        let body = answer.is(201)?.json()?;
        let text = |name: &str| {
            let text = body[name].as_str().with_context(|| format!("the scan has no {name}: {body}"));
            text.map(str::to_owned)
        };
        let (request, ticket, context) = (text("request")?, text("ticket")?, text("context")?);
        Ok(Self { request, ticket, context, body })
    }

    /// The context as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn read_context(&self) -> Result<Value> {
        serde_json::from_slice(&from_base64url(&self.context)?).context("the context is not JSON")
    }
}

/// The code of an enrolment link.
///
/// # Errors
/// When it is no such link.
pub(crate) fn enrolment_in(link: &str) -> Result<&str> {
    let (_, rest) = link.split_once("/E/").with_context(|| format!("{link} is no enrolment link"))?;
    Ok(rest.split('/').next().unwrap_or(rest))
}

impl Device {
    /// Enrols a fresh key with a link.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn enrol(http: &Http, link: &str) -> Result<Self> {
        Self::enrol_named(http, link, "Attacker's laptop").await
    }

    /// Enrols a fresh key with a link under a name.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn enrol_named(http: &Http, link: &str, name: &str) -> Result<Self> {
        let body = json!({"enrolment": enrolment_in(link)?, "device": {"name": name, "kind": "linux"}});
        let key = Key::fresh();
        let answer = Self::enrolling(http, &key, &body).await?;
        Self::read(http, &key, answer)
    }

    /// Asks for enrolment with any body.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn enrolling(http: &Http, key: &Key, body: &Value) -> Result<Answer> {
        http.call("POST", "/api/devices").json(body).proof(key).await?.send().await
    }

    /// Reads the answer to an enrolment.
    ///
    /// # Errors
    /// When it is not a 201.
    pub(crate) fn read(http: &Http, key: &Key, answer: Answer) -> Result<Self> {
        let answer = answer.is(201)?;
        let body = answer.json()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(Self {
            http: http.clone(),
            key: key.clone(),
            id: text(&body["device_id"]).context("an enrolment without device_id")?,
            token: text(&body["token"]).context("an enrolment without token")?,
            account: text(&body["account"]["id"]).context("an enrolment without account.id")?,
            enrolled: answer,
        })
    }

    /// A call with token and proof.
    ///
    /// # Errors
    /// When the server gives no nonce.
    pub(crate) async fn call(&self, method: &str, path: &str) -> Result<Call> {
        self.http.call(method, path).token(&self.key, &self.token).await
    }

    /// `GET path`.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        self.call("GET", path).await?.send().await
    }

    /// `DELETE path`.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn delete(&self, path: &str) -> Result<Answer> {
        self.call("DELETE", path).await?.send().await
    }

    /// Sends what it read, by camera.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn scan(&self, code: &str) -> Result<Answer> {
        self.scan_via(&json!({"code": code, "via": "camera"})).await
    }

    /// Sends what it read, with any body.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn scan_via(&self, body: &Value) -> Result<Answer> {
        self.call("POST", "/api/scans").await?.json(body).send().await
    }

    /// Scans what a page shows.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn take(&self, page: &super::Page) -> Result<Scan> {
        Scan::read(self.scan(&page.code().await?).await?)
    }

    /// A statement as it should be, for an attack to bend before it signs.
    ///
    /// # Errors
    /// When the context is not base64url.
    pub(crate) fn statement(&self, scan: &Scan, decision: &str, check: Option<&str>) -> Result<Jws> {
        let context = from_base64url(&scan.context)?;
        let statement = Jws::decision(json!({
            "iss": self.id,
            "aud": self.http.origin(),
            "sub": self.account,
            "jti": scan.ticket,
            "ctx": base64url(digest(&SHA256, &context).as_ref()),
            "decision": decision,
        }));
        Ok(match check {
            Some(check) => statement.claim("check", check),
            None => statement,
        })
    }

    /// Decides.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn decide(&self, scan: &Scan, decision: &str, check: Option<&str>) -> Result<Answer> {
        send_statement(&self.http, &self.statement(scan, decision, check)?.sign(&self.key)).await
    }

    /// Scans what a page shows and approves with the number that it shows then.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn approve(&self, page: &super::Page) -> Result<Scan> {
        let scan = self.take(page).await?;
        ensure!(scan.request == page.id, "the scan names request {}, the page has {}", scan.request, page.id);
        let check = page.check().await?;
        self.decide(&scan, "approve", Some(&check)).await?.is(204)?;
        Ok(scan)
    }

    /// A link for one more device of the account.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn enrolment(&self) -> Result<String> {
        let body = self.call("POST", "/api/enrolments").await?.send().await?.is(201)?.json()?;
        Ok(body["link"].as_str().context("an enrolment without link")?.to_owned())
    }
}

/// Posts a signed decision: whoever holds it may.
///
/// # Errors
/// When no answer comes.
pub(crate) async fn send_statement(http: &Http, statement: &str) -> Result<Answer> {
    http.call("POST", "/api/decisions").json(&json!({"statement": statement})).send().await
}
