//! The one resource of this server that takes access tokens (RFC 6750, RFC 9449 §7).

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::request::Parts;
use protocol::key::Thumbprint;

use super::head::{one_proof, proof_call};
use crate::http::App;
use crate::http::extract::client;
use crate::oauth::{ErrorCode, OAuthError};
use crate::service::ClientAddress;

/// `Authorization: Bearer TOKEN`, or `DPoP TOKEN` with a good proof for it.
pub(super) struct Presented {
    token: String,
    key: Option<Thumbprint>,
    address: ClientAddress,
}

/// Why a resource was not given.
pub(super) struct Refused {
    /// The scheme that was tried; `None`: no token came, which is no error (RFC 6750 §3.1).
    scheme: Option<Scheme>,
    error: OAuthError,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Bearer,
    Dpop,
}

/// `GET` and `POST /oauth/userinfo` (OpenID Connect Core §5.3).
pub(super) async fn userinfo(State(app): State<App>, presented: Presented) -> Result<Response, Refused> {
    let Presented { token, key, address } = presented;
    let scheme = Some(if key.is_some() { Scheme::Dpop } else { Scheme::Bearer });
    let info = app.service().user_info(&token, key, address).await;
    let info = info.map_err(|error| Refused { scheme, error })?;
    Ok(([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(info)).into_response())
}

impl FromRequestParts<App> for Presented {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let address = client(parts, app);
        let (scheme, token) = token(parts)?;
        if scheme == Scheme::Bearer {
            return Ok(Self { token, key: None, address });
        }
        let refused = |error| Refused { scheme: Some(Scheme::Dpop), error };
        let missing =
            OAuthError::new(ErrorCode::InvalidDpopProof, "Send a DPoP proof for this call and token");
        let proof = one_proof(&parts.headers).map_err(refused)?.ok_or(refused(missing))?;
        let proven = app.service().judge_proof_with(proof_call(parts, &proof, address), &token).await;
        let key = proven.map_err(|failure| refused(failure.into()))?;
        Ok(Self { token, key: Some(key.thumbprint()), address })
    }
}

/// The one token of the one header.
fn token(parts: &Parts) -> Result<(Scheme, String), Refused> {
    let none = OAuthError::new(ErrorCode::InvalidToken, "Send an access token in the header Authorization");
    let mut lines = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(one) = lines.next() else {
        return Err(Refused { scheme: None, error: none });
    };
    let malformed = Refused {
        scheme: Some(Scheme::Bearer),
        error: OAuthError::new(
            ErrorCode::InvalidRequest,
            "Send one access token, as Bearer TOKEN or DPoP TOKEN",
        ),
    };
    let text = one.to_str().ok().filter(|_| lines.next().is_none());
    match text.and_then(|text| text.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok((Scheme::Bearer, token.trim().to_owned()))
        }
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("dpop") => {
            Ok((Scheme::Dpop, token.trim().to_owned()))
        }
        Some(_) | None => Err(malformed),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self { scheme, error } = self;
        // RFC 9449 §7.1: at a resource they are 401 as well.
        let status = match error.code {
            ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce => 401,
            _ => error.status,
        };
        let mut response = OAuthError { status, ..error }.into_response();
        let detail = format!(r#"error="{}", error_description="{}""#, error.code.as_str(), error.description);
        let scope = if error.code == ErrorCode::InsufficientScope { r#", scope="openid""# } else { "" };
        let challenges = match scheme {
            _ if !(400..=403).contains(&status) => Vec::new(),
            None => vec![r#"Bearer realm="countersign""#.to_owned(), r#"DPoP algs="ES256""#.to_owned()],
            Some(Scheme::Bearer) => vec![format!(r#"Bearer realm="countersign", {detail}{scope}"#)],
            Some(Scheme::Dpop) => vec![format!(r#"DPoP algs="ES256", {detail}{scope}"#)],
        };
        for challenge in challenges {
            let challenge = HeaderValue::try_from(challenge).expect("codes and descriptions are ASCII");
            response.headers_mut().append(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
