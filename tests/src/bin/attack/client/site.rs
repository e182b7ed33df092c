//! A site or tool that lets people sign in by the standards (RFC 6749, RFC 7636, OpenID Connect), and the browser that it
//! sends here.

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{Answer, Call, Device, Http, Jar, Key, Page, base64url};

/// `grant_type` of RFC 8628.
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// What the sites here prove their codes with.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A registered client.
#[derive(Clone)]
pub(crate) struct Site {
    /// Where it calls, and from which address.
    pub(crate) http: Http,
    /// `client_id`.
    pub(crate) id: String,
    /// `client_secret`, if it has one.
    pub(crate) secret: Option<String>,
    /// Its one address for answers.
    pub(crate) redirect_uri: String,
}

impl Site {
    /// One that was just registered, by what the operator was told.
    ///
    /// # Errors
    /// When that is no client.
    pub(crate) fn read(http: &Http, told: &str, redirect_uri: &str) -> Result<Self> {
        let told: Value = serde_json::from_str(told).with_context(|| format!("not JSON: {told}"))?;
        Ok(Self {
            http: http.clone(),
            id: told["client_id"].as_str().context("a client without an id")?.to_owned(),
            secret: told["client_secret"].as_str().map(str::to_owned),
            redirect_uri: redirect_uri.to_owned(),
        })
    }

    /// The same site, that calls from another address.
    pub(crate) fn from(&self, http: &Http) -> Self {
        Self { http: http.clone(), ..self.clone() }
    }

    /// A good authorization request with these parameters in place of its own; an empty value takes one away.
    pub(crate) fn asks(&self, changes: &[(&str, &str)]) -> String {
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
        format!("/oauth/authorize?{}", form(&pairs))
    }

    /// Sends a browser here.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn send(&self, jar: &Jar, changes: &[(&str, &str)]) -> Result<Answer> {
        visit(&self.http, jar, &self.asks(changes)).await
    }

    /// The transaction that a browser without a session is led to the login page with.
    ///
    /// # Errors
    /// When it is led elsewhere.
    pub(crate) async fn transaction(&self, changes: &[(&str, &str)]) -> Result<String> {
        transaction_in(&self.send(&Jar::default(), changes).await?)
    }

    /// A browser that signs in for this site, and the address that it is led back to.
    ///
    /// # Errors
    /// When anything refuses.
    pub(crate) async fn sign_in(&self, device: &Device, changes: &[(&str, &str)]) -> Result<(Page, String)> {
        let mut page = self.started(&self.transaction(changes).await?).await?;
        device.approve(&page).await?;
        let redeemed = page.sign_in().await?.json()?;
        let onwards = redeemed["return_to"].as_str().context("no way on after the login")?.to_owned();
        let back = visit(&self.http, &page.jar, &onwards).await?.is(303)?.header("location").to_owned();
        Ok((page, back))
    }

    /// A login page that was led to with this transaction.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn started(&self, transaction: &str) -> Result<Page> {
        let body = json!({ "transaction": transaction });
        Page::start_with(&self.http, &Key::fresh(), &Jar::default(), &body, &[]).await
    }

    /// The code of a browser that signs in for this site.
    ///
    /// # Errors
    /// When anything refuses.
    pub(crate) async fn code(&self, device: &Device, changes: &[(&str, &str)]) -> Result<(Page, String)> {
        let (page, back) = self.sign_in(device, changes).await?;
        Ok((page, parameter(&back, "code")?))
    }

    /// What the exchange of a code sends, for an attack to bend.
    pub(crate) fn exchange<'a>(&'a self, code: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("code_verifier", VERIFIER),
        ]
    }

    /// A call with this form and the client's credentials.
    pub(crate) fn call(&self, path: &str, pairs: &[(&str, &str)]) -> Call {
        let mut pairs = pairs.to_vec();
        pairs.push(("client_id", self.id.as_str()));
        if let Some(secret) = &self.secret {
            pairs.push(("client_secret", secret));
        }
        self.bare(path, &pairs)
    }

    /// A call with this form alone.
    pub(crate) fn bare(&self, path: &str, pairs: &[(&str, &str)]) -> Call {
        let call = self.http.call("POST", path).header("content-type", "application/x-www-form-urlencoded");
        call.body(form(pairs))
    }

    /// The token endpoint.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn ask(&self, pairs: &[(&str, &str)]) -> Result<Answer> {
        self.call("/oauth/token", pairs).send().await
    }

    /// The tokens of a person who signs in for this site.
    ///
    /// # Errors
    /// When anything refuses.
    pub(crate) async fn tokens(&self, device: &Device, changes: &[(&str, &str)]) -> Result<(Page, Value)> {
        let (page, code) = self.code(device, changes).await?;
        let tokens = self.ask(&self.exchange(&code)).await?.is(200)?.json()?;
        Ok((page, tokens))
    }

    /// Uses a refresh token.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn refresh(&self, token: &str) -> Result<Answer> {
        self.ask(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// What an access token opens.
    ///
    /// # Errors
    /// When no answer comes.
    pub(crate) async fn userinfo(&self, token: &str) -> Result<Answer> {
        self.http
            .call("GET", "/oauth/userinfo")
            .header("authorization", format!("Bearer {token}"))
            .send()
            .await
    }
}

/// A navigation of a browser with these cookies.
///
/// # Errors
/// When no answer comes.
pub(crate) async fn visit(http: &Http, jar: &Jar, path: &str) -> Result<Answer> {
    let call = http.call("GET", path).header("accept", "text/html");
    let call = if jar.header().is_empty() { call } else { call.header("cookie", jar.header()) };
    call.send().await
}

/// The transaction of the login page that a browser is led to.
///
/// # Errors
/// When it is led elsewhere.
pub(crate) fn transaction_in(answer: &Answer) -> Result<String> {
    let to = answer.header("location");
    let text = to.strip_prefix("/login?transaction=");
    Ok(text.with_context(|| format!("{answer}: it leads to {to:?}"))?.to_owned())
}

/// A parameter of an address.
///
/// # Errors
/// When it is not there.
pub(crate) fn parameter(address: &str, name: &str) -> Result<String> {
    let url = reqwest::Url::parse(address).with_context(|| format!("{address} is no address"))?;
    let found = url.query_pairs().find(|(have, _)| have == name).map(|(_, value)| value.into_owned());
    found.with_context(|| format!("{address} has no {name}"))
}

/// A form.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("x:/").expect("this is an address");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// `Basic` of id and secret.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes()))
}

/// The challenge of [`VERIFIER`].
pub(crate) fn challenge() -> String {
    base64url(digest(&SHA256, VERIFIER.as_bytes()).as_ref())
}

/// A refusal in the words of OAuth: status and error.
///
/// # Errors
/// When the answer is another one.
pub(crate) fn refuses(answer: Answer, status: u16, error: &str) -> Result<Answer> {
    let said = answer.json().unwrap_or_default();
    ensure!(answer.status == status && said["error"] == error, "{answer}; {status} {error} was due");
    Ok(answer)
}

/// A member that is a text.
///
/// # Errors
/// When it is not there.
pub(crate) fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str> {
    body[name].as_str().with_context(|| format!("no {name} in {body}"))
}
