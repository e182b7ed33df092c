//! What the head of a client's call says: who it is, and which key it holds.

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use protocol::key::Thumbprint;

use super::form::Form;
use crate::http::App;
use crate::http::extract::client;
use crate::oauth::client_auth::Credentials;
use crate::oauth::{ErrorCode, OAuthError};
use crate::service::{ClientAddress, ProofCall};

const DPOP: &str = "dpop";

/// The key of the proof that came with a call without an access token, if one came (RFC 9449 §5).
pub(in crate::http) struct BoundKey(pub(in crate::http) Option<Thumbprint>);

impl FromRequestParts<App> for BoundKey {
    type Rejection = OAuthError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, OAuthError> {
        let address = client(parts, app);
        match one_proof(&parts.headers)? {
            Some(proof) => {
                let key = app.service().judge_proof(proof_call(parts, &proof, address)).await?;
                Ok(Self(Some(key.thumbprint())))
            }
            None => Ok(Self(None)),
        }
    }
}

/// The one header `DPoP`, if there is one.
pub(super) fn one_proof(headers: &HeaderMap) -> Result<Option<String>, OAuthError> {
    let mut lines = headers.get_all(DPOP).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => Ok(Some(String::from_utf8_lossy(one.as_bytes()).into_owned())),
        (Some(_), Some(_)) => {
            Err(OAuthError::new(ErrorCode::InvalidDpopProof, "Send one DPoP proof (RFC 9449, 4.3)"))
        }
    }
}

pub(super) fn proof_call<'a>(parts: &'a Parts, proof: &'a str, address: ClientAddress) -> ProofCall<'a> {
    ProofCall { proof, method: parts.method.as_str(), path: parts.uri.path(), address }
}

/// Which client it is, by exactly one method (RFC 6749 §2.3).
///
/// # Errors
/// `invalid_request` for more than one.
pub(in crate::http) fn credentials(headers: &HeaderMap, form: &Form) -> Result<Credentials, OAuthError> {
    credentials_of(headers, form.get("client_id"), form.get("client_secret"))
}

/// As [`credentials`], by what the body says.
///
/// # Errors
/// As there.
pub(super) fn credentials_of(
    headers: &HeaderMap,
    id: Option<&str>,
    secret: Option<&str>,
) -> Result<Credentials, OAuthError> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let Some(header) = lines.next() else {
        return Ok(match (id, secret) {
            (Some(id), Some(secret)) => Credentials::Secret { id: id.to_owned(), secret: secret.to_owned() },
            (Some(id), None) => Credentials::Named(id.to_owned()),
            (None, Some(_)) => Credentials::Unreadable,
            (None, None) => Credentials::Missing,
        });
    };
    let more =
        OAuthError::new(ErrorCode::InvalidRequest, "Show who the client is in one way only (RFC 6749, 2.3)");
    if lines.next().is_some() || secret.is_some() {
        return Err(more);
    }
    let Some((of_header, secret)) = header.to_str().ok().and_then(basic) else {
        return Ok(Credentials::Unreadable);
    };
    if id.is_some_and(|id| id != of_header) {
        return Err(more);
    }
    Ok(Credentials::Secret { id: of_header, secret })
}

/// Id and secret of `Basic ...`, each form-encoded before they were joined (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

/// One value of a form; a `&` or `=` that its sender did not encode stands for itself.
fn form_decoded(text: &str) -> String {
    let text = text.replace('&', "%26");
    let pair = format!("={text}");
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_secret_are_form_encoded_inside_basic() {
        let header = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        let read = |pair: &str| basic(&header(pair)).unwrap();
        let both = |id: &str, secret: &str| (id.to_owned(), secret.to_owned());
        assert_eq!(read("grafana:sesame"), both("grafana", "sesame"));
        assert_eq!(read("a%3Ab:%26%20%2B+%C3%A4:x"), both("a:b", "& + \u{e4}:x"));
        assert_eq!(read("id:a&b=c"), both("id", "a&b=c"));
        assert_eq!(read("id:"), both("id", ""));
        for none in ["Basic", "Basic !", "Bearer abc", &header("no colon"), ""] {
            assert_eq!(basic(none), None, "{none}");
        }
    }
}
