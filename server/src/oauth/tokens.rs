//! Tokens that clients get: an access token that is a JWT, a refresh token that is a secret, an ID token.

use std::fmt;

use protocol::encoding::base64url;
use protocol::hole;
use protocol::id::GrantId;
use protocol::secret::{Secret, hkdf};
use protocol::time::Timestamp;
use ring::hmac;
use serde::Serialize;

use super::claims::{AccessClaims, Confirmation, IdClaims, Person, acr, amr, scope_text};
use super::jose::half_hash;
use super::{Client, OAuthError};
use crate::service::Service;
use crate::store::{Alg, Grant};

/// Life of access and ID tokens, in seconds. Userinfo and introspection look the grant up, so there an end counts at once.
pub(crate) const TOKEN_S: i64 = 600;
/// `typ` of an access token (RFC 9068 §2.1).
const ACCESS_TYP: &str = "at+jwt";

/// What a client gets from the token endpoint (RFC 6749 §5.1, `OpenID` Connect Core §3.1.3.3).
#[derive(Serialize)]
pub struct TokenBody {
    /// A JWT for the `Authorization` header.
    pub access_token: String,
    /// `Bearer`, or `DPoP` when it is bound to a key (RFC 9449 §5).
    pub token_type: &'static str,
    /// Life of the access token, in seconds.
    pub expires_in: i64,
    /// Good once, for the next tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// With the scope `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was given, which may be less than was asked for.
    pub scope: String,
}

/// An access token that is good: signed here, not over, its grant lives.
#[derive(Debug)]
pub(crate) struct GoodToken {
    pub(crate) claims: AccessClaims,
    pub(crate) grant: Grant,
}

impl Service {
    /// Tokens for `grant`: with its scopes, its nonce, and bound to its key. `refresh` goes into the answer as it is; the
    /// store has it already.
    ///
    /// # Errors
    /// `temporarily_unavailable` when the store does not answer, `server_error` without a key of that algorithm.
    pub async fn issue_tokens(
        &self,
        client: &Client,
        grant: &Grant,
        refresh: Option<Secret>,
        now: Timestamp,
    ) -> Result<TokenBody, OAuthError> {
        let account = &grant.session.account;
        let ends_at = now.plus_s(TOKEN_S).min(grant.ends_at);
        let auth_time = grant.session.session.created_at.unix_s();
        let (acr, amr) = (acr(grant.verified), amr(grant.verified));
        let access = AccessClaims {
            iss: self.origin().to_string(),
            sub: account.id,
            aud: self.origin().to_string(),
            exp: ends_at.unix_s(),
            iat: now.unix_s(),
            jti: base64url(&self.entropy.bytes_16()),
            client_id: client.id.to_string(),
            scope: scope_text(&grant.scopes),
            auth_time,
            acr: acr.to_owned(),
            amr: amr.clone(),
            sid: grant.id.to_string(),
            cnf: grant.dpop.map(|jkt| Confirmation { jkt }),
        };
        let access_token = self.sign_jwt(ACCESS_TYP, Alg::Es256, &access).await?;
        let id_token = if grant.scopes.iter().any(|scope| scope == "openid") {
            let id = IdClaims {
                iss: self.origin().as_str(),
                sub: account.id,
                aud: client.id.as_str(),
                exp: now.plus_s(TOKEN_S).unix_s(),
                iat: now.unix_s(),
                auth_time,
                nonce: grant.nonce.as_deref(),
                acr,
                amr: &amr,
                at_hash: half_hash(&access_token),
                sid: grant.id.to_string(),
                person: Person::of(account, &grant.scopes),
            };
            Some(self.sign_jwt("JWT", client.policy.id_token_alg, &id).await?)
        } else {
            None
        };
        Ok(TokenBody {
            access_token,
            token_type: if grant.dpop.is_some() { "DPoP" } else { "Bearer" },
            expires_in: ends_at.since_s(now),
            refresh_token: refresh.map(|token| token.expose()),
            id_token,
            scope: access.scope,
        })
    }

    /// The access token and its grant, if it is good at this moment. Not that of a client that is gone: one of the settings
    /// leaves its grants behind.
    pub(crate) async fn good_token(&self, token: &str) -> Result<Option<GoodToken>, OAuthError> {
        let now = self.now();
        let claims: Option<AccessClaims> = self.verify_jwt(ACCESS_TYP, token).await?;
        let Some(claims) = claims else { return Ok(None) };
        let us = self.origin().as_str();
        let is_over = now.unix_s() >= claims.exp && !hole!("access_token_life");
        if claims.iss != us || claims.aud != us || is_over {
            return Ok(None);
        }
        let Some(id) = GrantId::parse(&claims.sid) else { return Ok(None) };
        let grant = self.durable.grant(id, &self.session_lives, now).await?;
        let Some(grant) = grant.filter(|grant| grant.client.as_str() == claims.client_id) else {
            return Ok(None);
        };
        let client = self.find_client(&grant.client).await?;
        Ok(client.map(|_| GoodToken { claims, grant }))
    }

    /// The first refresh token of a grant: it follows from the code that is given for it, so that nothing has to be kept.
    pub(crate) fn first_refresh(&self, code: &Secret) -> Secret {
        successor(self.keys().making(), code)
    }

    /// The refresh tokens that may follow `token`, one a server key that is accepted, the one that makes first: a repeat
    /// has to give what the first call gave, also when the server key changed in between.
    pub(crate) fn successors(&self, token: &Secret) -> Vec<Secret> {
        self.keys().all().iter().map(|key| successor(key, token)).collect()
    }
}

/// HMAC-SHA256 of the token before under HKDF(server key, "countersign refresh token").
fn successor(server_key: &Secret, before: &Secret) -> Secret {
    let key = hkdf(server_key.expose_bytes(), b"", &[b"countersign refresh token"]);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), before.expose_bytes());
    Secret::new(tag.as_ref().try_into().expect("SHA-256 is 32 bytes long"))
}

/// Silent about the tokens.
impl fmt::Debug for TokenBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenBody({}, ..)", self.token_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_follows_from_token_and_server_key() {
        let (key, token) = (Secret::new([1; 32]), Secret::new([2; 32]));
        let next = successor(&key, &token);
        assert!(next == successor(&key, &token) && next != token);
        assert!(next != successor(&Secret::new([3; 32]), &token) && next != successor(&key, &next));
    }

    #[test]
    fn debug_shows_no_token() {
        let body = TokenBody {
            access_token: "secret".to_owned(),
            token_type: "DPoP",
            expires_in: 600,
            refresh_token: Some("secret".to_owned()),
            id_token: Some("secret".to_owned()),
            scope: "openid".to_owned(),
        };
        assert_eq!(format!("{body:?}"), "TokenBody(DPoP, ..)");
    }
}
