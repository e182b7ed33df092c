//! Forward auth: a proxy asks who comes to a host that it guards (nginx `auth_request`, Caddy `forward_auth`, Traefik
//! `ForwardAuth`).
//!
//! 1. The proxy asks `/forward-auth` at each call ([`Service::guard`]). Who has the host's cookie, and a grant that lives,
//!    passes; the grant is looked up each time, so what the person ends in the app is over at the next call.
//! 2. Everybody else is sent to `/.countersign/start` of that host ([`Service::guard_start`]), which the proxy passes on.
//!    It leads to the authorization endpoint like any site, as a client that is built in (`forward:HOST`), with PKCE.
//! 3. `/.countersign/callback` ([`Service::guard_callback`]) exchanges the code inside this server and gives the cookie.
//!
//! A cookie is sealed with its host: that of one host is worth nothing at another.

mod asked;

use protocol::encoding::base64url;
use protocol::hole;
use protocol::id::GrantId;
use protocol::origin::Origin;
use protocol::secret::{Secret, hkdf, sha256};
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

pub use asked::{Asked, asked};
pub(crate) use asked::{called, is_navigation, start_at};

use crate::config::ProtectedHost;
use crate::oauth::Client;
use crate::oauth::parameters::Parameters;
use crate::seal::Seal;
use crate::service::{ClientAddress, Failure, Service, return_to};
use crate::store::{Account, By, ClientId, ClientPolicy, CodeUsed, Grant, StoredClient};

/// Where a host's sign-in starts and ends, on the host itself.
pub const START: &str = "/.countersign/start";
/// See [`START`].
pub const CALLBACK: &str = "/.countersign/callback";
/// What the person lets a host know.
const SCOPES: &str = "openid profile email groups";
/// Longest path that is kept to come back to; a longer one is left out.
const PATH_LENGTH_MAX: usize = 1_024;
/// How long a sign-in may take, in seconds; longer than a transaction, so that that one says it.
const STATE_LIFE_S: i64 = 1_800;

/// What the proxy hears.
#[derive(Debug)]
pub enum Verdict {
    /// Who it is.
    Passes(Box<Account>),
    /// Nobody, or not with a cookie of this host.
    Stranger,
}

/// A browser on its way to sign in for a host.
#[derive(Debug)]
pub struct Started {
    /// The authorization endpoint.
    pub location: String,
    /// For the host's cookie of those who are on their way: the code verifiers of this browser follow from it.
    pub secret: Secret,
}

/// A browser that came back.
#[derive(Debug)]
pub enum Returned {
    /// Signed in.
    SignedIn {
        /// For the host's cookie.
        cookie: String,
        /// Life of that cookie, in seconds.
        life_s: u32,
        /// Where it wanted to go, on this host.
        path: String,
    },
    /// The code was exchanged before: as the back button does.
    Again(String),
    /// It did not sign in, or something does not fit; it may try again for this path.
    Stopped(String),
}

#[derive(Serialize, Deserialize)]
struct State {
    host: String,
    path: String,
    /// Of this one sign-in (RFC 9700 §2.1.1).
    salt: [u8; 16],
    challenge: String,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Cookie {
    host: String,
    grant: GrantId,
}

impl ProtectedHost {
    /// The client that is built in for it.
    pub(crate) fn client(&self) -> Option<Client> {
        Some(Client::from(StoredClient {
            id: ClientId::forward(self.name())?,
            name: self.name().to_owned(),
            secret: None,
            previous_secret: None,
            redirect_uris: vec![callback_of(self.origin())],
            post_logout_redirect_uris: Vec::new(),
            device_grant: false,
            policy: ClientPolicy::default(),
            created_at: Timestamp(0),
        }))
    }
}

impl Service {
    /// The host of this name, if it is one of the settings.
    pub fn protected_host(&self, name: &str) -> Option<&ProtectedHost> {
        self.settings.forward_auth.hosts.iter().find(|host| host.name() == name)
    }

    /// `/forward-auth`: judges the host's cookie.
    ///
    /// # Errors
    /// [`Failure::Store`]: the proxy refuses then.
    pub async fn guard(&self, host: &ProtectedHost, cookie: Option<&str>) -> Result<Verdict, Failure> {
        let opened = cookie.and_then(|text| self.guards().open(text));
        let known = opened.and_then(|plain| serde_json::from_slice::<Cookie>(&plain).ok());
        let is_its = |cookie: &Cookie| cookie.host == host.name() || hole!("guarded_host");
        let Some(cookie) = known.filter(is_its) else {
            return Ok(Verdict::Stranger);
        };
        let now = self.now();
        let grant = self.durable.grant(cookie.grant, &self.session_lives, now).await?;
        let is_its =
            |grant: &Grant| grant.client.forward_host() == Some(host.name()) || hole!("guarded_host");
        let Some(grant) = grant.filter(is_its) else {
            return Ok(Verdict::Stranger);
        };
        self.durable.touch_session(&grant.session, now).await?;
        Ok(Verdict::Passes(Box::new(grant.session.account)))
    }

    /// `/.countersign/start`: the way to the login, with where to come back to. `secret` is what the browser's cookie has
    /// already, so that two tabs do not part.
    pub fn guard_start(&self, host: &ProtectedHost, wanted: &str, secret: Option<Secret>) -> Started {
        let checked = return_to::checked(wanted, host.origin());
        // As a browser writes it, since it goes into a header.
        let url = checked.and_then(|path| url::Url::parse(&format!("{}{path}", host.origin())).ok());
        let wanted = url.map(|url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned());
        let wanted = wanted.filter(|path| path.len() <= PATH_LENGTH_MAX);
        let secret = secret.unwrap_or_else(|| self.entropy.secret());
        let salt = self.entropy.bytes_16();
        let challenge = challenge_of(&secret, &salt);
        let state = State {
            host: host.name().to_owned(),
            path: wanted.unwrap_or_else(|| "/".to_owned()),
            salt,
            challenge: challenge.clone(),
            at: self.now(),
        };
        let plain = serde_json::to_vec(&state).expect("a state has string keys only");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &format!("forward:{}", host.name()))
            .append_pair("redirect_uri", &callback_of(host.origin()))
            .append_pair("scope", SCOPES)
            .append_pair("state", &self.states().close(&plain, self.entropy.bytes_12()))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        Started { location: format!("{}/oauth/authorize?{query}", self.origin()), secret }
    }

    /// `/.countersign/callback`: exchanges the code, inside this server.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn guard_callback(
        &self,
        host: &ProtectedHost,
        parameters: &Parameters,
        secret: Option<&Secret>,
        address: ClientAddress,
    ) -> Result<Returned, Failure> {
        let one = |name| parameters.one(name).ok().flatten();
        let Some(state) = one("state").and_then(|text| self.opened_state(host, text)) else {
            return Ok(Returned::Stopped("/".to_owned()));
        };
        let stopped = || Ok(Returned::Stopped(state.path.clone()));
        // RFC 9207 §2.4: an answer of somebody else is none; and one for another browser is not for this one.
        let is_ours = one("iss") == Some(self.origin().as_str()) || hole!("guarded_issuer");
        let is_this_browsers = secret.is_some_and(|secret| {
            bool::from(challenge_of(secret, &state.salt).as_bytes().ct_eq(state.challenge.as_bytes()))
        }) || hole!("guarded_browser");
        let Some(code) = one("code").and_then(Secret::parse).filter(|_| is_ours && is_this_browsers) else {
            return stopped();
        };
        let (hash, now) = (code.hash(), self.now());
        let Some(found) = self.durable.grant_by_code(&hash, &self.session_lives, now).await? else {
            return stopped();
        };
        let fits = found.grant.client.forward_host() == Some(host.name())
            && found.redirect_uri == callback_of(host.origin())
            && found.challenge == state.challenge;
        if !fits {
            return stopped();
        }
        if found.used_at.is_some() {
            return Ok(Returned::Again(state.path));
        }
        let by = By::address(address.to_string());
        match self.durable.use_code(&hash, None, None, &self.session_lives, &by, now).await? {
            CodeUsed::Used => {}
            CodeUsed::Before | CodeUsed::Gone => return stopped(),
        }
        let grant = found.grant;
        tracing::info!(grant.id = %grant.id, host = host.name(), "Signed in at a guarded host");
        let cookie = Cookie { host: host.name().to_owned(), grant: grant.id };
        let plain = serde_json::to_vec(&cookie).expect("a cookie has string keys only");
        Ok(Returned::SignedIn {
            cookie: self.guards().close(&plain, self.entropy.bytes_12()),
            life_s: u32::try_from(grant.ends_at.since_s(now)).unwrap_or(0),
            path: state.path,
        })
    }

    fn opened_state(&self, host: &ProtectedHost, text: &str) -> Option<State> {
        let state: State = serde_json::from_slice(&self.states().open(text)?).ok()?;
        (state.host == host.name() && self.now().since_s(state.at) < STATE_LIFE_S).then_some(state)
    }

    fn states(&self) -> Seal {
        Seal::new(&self.keys(), "forward auth state")
    }

    fn guards(&self) -> Seal {
        Seal::new(&self.keys(), "forward auth")
    }
}

fn callback_of(host: &Origin) -> String {
    format!("{host}{CALLBACK}")
}

/// RFC 7636 §4.2; the verifier of a sign-in follows from the browser's secret and the sign-in's salt.
fn challenge_of(secret: &Secret, salt: &[u8; 16]) -> String {
    let verifier = Secret::new(hkdf(secret.expose_bytes(), salt, &[b"countersign code verifier"]));
    base64url(&sha256(verifier.expose().as_bytes()))
}
