//! What a handler takes from the head of a call. Each judges before the body is read.

use std::net::SocketAddr;
use std::str::FromStr;

use axum::extract::{ConnectInfo, FromRequestParts, Path};
use http::HeaderMap;
use http::header::{AUTHORIZATION, ORIGIN};
use http::request::Parts;
use protocol::hole;
use protocol::id::{DeviceId, RequestId, SessionId};
use protocol::key::PublicKey;
use protocol::wire::ProblemName;

use super::App;
use super::problem::Problem;
use crate::service::{ClientAddress, Failure, ProofCall};
use crate::store::Holder;

const DPOP: &str = "dpop";

/// Where the call comes from.
pub(super) struct Client(pub(super) ClientAddress);

/// The call comes from a page of this origin: it says so, exactly.
pub(super) struct SameOrigin;

/// The call does not come from a page of another origin. Programs that are no browsers send no `Origin`.
pub(super) struct NotForeign;

/// The key of a good proof without a token.
pub(super) struct Proven(pub(super) PublicKey);

/// As [`Proven`], where a proof may be missing.
pub(super) struct MaybeProven(pub(super) Option<PublicKey>);

/// A trusted device: token and proof.
pub(super) struct Authenticator(pub(super) Holder);

/// An id in the path. What is no id is not there.
pub(super) struct Id<T>(pub(super) T);

impl FromRequestParts<App> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Self(client(parts, app)))
    }
}

impl FromRequestParts<App> for SameOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match is_own(&parts.headers, app) {
            Some(true) => Ok(Self),
            Some(false) | None => Err(Problem::new(ProblemName::WrongOrigin)),
        }
    }
}

impl FromRequestParts<App> for NotForeign {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match is_own(&parts.headers, app) {
            Some(true) | None => Ok(Self),
            Some(false) => Err(Problem::new(ProblemName::WrongOrigin)),
        }
    }
}

impl FromRequestParts<App> for Proven {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let address = client(parts, app);
        let proof = proof(parts, app, address).await?;
        let call = proof_call(parts, &proof, address);
        Ok(Self(app.service().judge_proof(call).await?))
    }
}

impl FromRequestParts<App> for MaybeProven {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if parts.headers.contains_key(DPOP) {
            let Proven(key) = Proven::from_request_parts(parts, app).await?;
            Ok(Self(Some(key)))
        } else {
            Ok(Self(None))
        }
    }
}

impl FromRequestParts<App> for Authenticator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let address = client(parts, app);
        let Some(token) = token(&parts.headers) else {
            let failure = if parts.headers.contains_key(AUTHORIZATION) {
                app.service().refuse_unreadable(address, Failure::InvalidToken).await
            } else {
                Failure::InvalidToken
            };
            return Err(failure.into());
        };
        let proof = proof(parts, app, address).await?;
        let call = proof_call(parts, &proof, address);
        Ok(Self(app.service().authenticate(call, token).await?))
    }
}

/// Ids that occur in paths.
pub(super) trait PathId: Sized {
    fn parse(text: &str) -> Option<Self>;
}

macro_rules! path_ids {
    ($($id:ty),+) => {$(
        impl PathId for $id {
            fn parse(text: &str) -> Option<Self> {
                <$id>::parse(text)
            }
        }
    )+};
}

path_ids!(RequestId, DeviceId, SessionId);

impl<T: PathId> FromRequestParts<App> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        path.ok().and_then(|Path(text)| T::parse(&text)).map(Self).ok_or(Problem::new(ProblemName::NotFound))
    }
}

/// The query member `name` as a number; 0 when it is missing.
pub(super) fn number_in_query(query: Option<&str>, name: &str) -> Result<i64, Problem> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut found = pairs.filter(|(key, _)| key == name).map(|(_, value)| i64::from_str(&value));
    match found.next() {
        None => Ok(0),
        Some(number) => number.map_err(|_| Problem::malformed("after must be a whole number")),
    }
}

pub(super) fn client(parts: &Parts, app: &App) -> ClientAddress {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    app.proxies().client(peer, &parts.headers)
}

/// Whether the one `Origin` is ours; `None` when there is none.
pub(super) fn is_own(headers: &HeaderMap, app: &App) -> Option<bool> {
    let mut lines = headers.get_all(ORIGIN).iter();
    let first = lines.next()?;
    let ours = hole!("origin") || first.as_bytes() == app.service().origin().as_str().as_bytes();
    Some(ours && lines.next().is_none())
}

/// The one header `DPoP`. One that is missing is refused like a bad one, but not counted: nothing was guessed.
async fn proof(parts: &Parts, app: &App, address: ClientAddress) -> Result<String, Problem> {
    let mut lines = parts.headers.get_all(DPOP).iter();
    match (lines.next(), lines.next()) {
        (Some(one), None) => match one.to_str() {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(app.service().refuse_unreadable(address, Failure::InvalidProof).await.into()),
        },
        (None, _) => Err(Failure::InvalidProof.into()),
        (Some(_), Some(_)) => {
            Err(app.service().refuse_unreadable(address, Failure::InvalidProof).await.into())
        }
    }
}

fn proof_call<'a>(parts: &'a Parts, proof: &'a str, address: ClientAddress) -> ProofCall<'a> {
    ProofCall { proof, method: parts.method.as_str(), path: parts.uri.path(), address }
}

/// The token of the one header `Authorization: DPoP TOKEN` (RFC 9449 §7.1).
fn token(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (one, None) = (lines.next()?, lines.next()) else {
        return None;
    };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("dpop").then(|| token.trim())
}
