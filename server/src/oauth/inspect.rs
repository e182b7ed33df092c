//! What is told of tokens, and their end: userinfo, introspection (RFC 7662), revocation (RFC 7009).

use protocol::hole;
use protocol::id::AccountId;
use protocol::key::Thumbprint;
use protocol::secret::Secret;
use serde::Serialize;

use super::claims::{Confirmation, Person, acr, scope_text};
use super::tokens::GoodToken;
use super::{Client, ErrorCode, OAuthError};
use crate::service::{ClientAddress, Service};
use crate::store::{By, Grant, GrantEnd};

/// `GET /oauth/userinfo` (OpenID Connect Core §5.3.2).
#[derive(Debug, Serialize)]
pub(crate) struct UserInfo {
    sub: AccountId,
    #[serde(flatten)]
    person: serde_json::Value,
}

/// What introspection says (RFC 7662 §2.2); of a token that is not good, `active` alone.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Introspection {
    active: bool,
    #[serde(flatten)]
    of: Option<Introspected>,
}

#[derive(Debug, Serialize)]
struct Introspected {
    scope: String,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    exp: i64,
    iat: i64,
    sub: AccountId,
    aud: String,
    iss: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    auth_time: i64,
    acr: &'static str,
    sid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

impl Service {
    /// Who the token is about. `key` is that of the proof that came with it; a bound token counts with its key alone, any
    /// other one without a key (RFC 9449 §7).
    ///
    /// # Errors
    /// `invalid_token`; `insufficient_scope` without `openid`; a limit.
    pub(crate) async fn user_info(
        &self,
        token: &str,
        key: Option<Thumbprint>,
        address: ClientAddress,
    ) -> Result<UserInfo, OAuthError> {
        self.may_ask(address).await?;
        let good = self.good_token(token).await?;
        let Some(GoodToken { claims, grant }) =
            good.filter(|good| good.claims.cnf.map(|bound| bound.jkt) == key || hole!("access_token_key"))
        else {
            let over = OAuthError::new(ErrorCode::InvalidToken, "The access token is over or not from here");
            return Err(self.counted(address, over).await);
        };
        let scopes: Vec<&str> = claims.scope.split(' ').collect();
        if !scopes.contains(&"openid") {
            return Err(OAuthError::new(ErrorCode::InsufficientScope, "Ask for the scope openid"));
        }
        let account = &grant.session.account;
        let person = serde_json::to_value(Person::of(account, &scopes)).expect("text and lists of it");
        Ok(UserInfo { sub: account.id, person })
    }

    /// What a token is good for.
    ///
    /// Any confidential client may ask about an access token: a resource server is one, and it sees the tokens of the
    /// clients that call it. Of refresh tokens nobody but their own client hears anything.
    ///
    /// # Errors
    /// `unauthorized_client` for a public client; a store that does not answer.
    pub(crate) async fn introspect(&self, client: &Client, token: &str) -> Result<Introspection, OAuthError> {
        if client.is_public() && !hole!("introspection") {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "Introspection is for clients with a secret",
            ));
        }
        if let Some(GoodToken { claims, grant }) = self.good_token(token).await? {
            let may_name = claims.scope.split(' ').any(|scope| scope == "profile");
            let of = Introspected {
                username: may_name.then(|| grant.session.account.username.clone()),
                token_type: Some(if claims.cnf.is_some() { "DPoP" } else { "Bearer" }),
                exp: claims.exp,
                iat: claims.iat,
                jti: Some(claims.jti),
                cnf: claims.cnf,
                ..self.introspected(&grant, claims.scope)
            };
            return Ok(Introspection { active: true, of: Some(of) });
        }
        let grant = self.grant_of_refresh(token).await?.filter(|grant| grant.client == client.id);
        let grant = match grant {
            Some(_) if self.is_used(token).await? => None,
            grant => grant,
        };
        Ok(match grant {
            Some(grant) => {
                let scope = scope_text(&grant.scopes);
                Introspection { active: true, of: Some(self.introspected(&grant, scope)) }
            }
            None => Introspection::default(),
        })
    }

    /// Ends the grant of a token of this client, with all tokens that it gave. A token that is over or unknown is none, and
    /// that is what was asked for (RFC 7009 §2.2).
    ///
    /// # Errors
    /// `invalid_grant` for another client's token (RFC 7009 §2.1); a store that does not answer.
    pub(crate) async fn revoke_token(
        &self,
        client: &Client,
        token: &str,
        address: ClientAddress,
    ) -> Result<(), OAuthError> {
        let grant = match self.grant_of_refresh(token).await? {
            Some(grant) => Some(grant),
            None => self.good_token(token).await?.map(|good| good.grant),
        };
        let Some(grant) = grant else { return Ok(()) };
        if grant.client != client.id && !hole!("revocation") {
            let others = OAuthError::new(ErrorCode::InvalidGrant, "The token was given to another client");
            return Err(self.counted(address, others).await);
        }
        let by = By::address(address.to_string());
        if self.durable.end_grant(grant.id, GrantEnd::Revoked, &by, self.now()).await? {
            self.ring(grant.session.account.id);
            tracing::info!(grant.id = %grant.id, client.id = %client.id, "A client gave its tokens back");
        }
        Ok(())
    }

    /// The live grant of a refresh token, used or not.
    async fn grant_of_refresh(&self, token: &str) -> Result<Option<Grant>, OAuthError> {
        match Secret::parse(token) {
            Some(token) => {
                Ok(self.durable.grant_by_refresh(&token.hash(), &self.session_lives, self.now()).await?)
            }
            None => Ok(None),
        }
    }

    /// Whether a refresh token has a successor.
    async fn is_used(&self, token: &str) -> Result<bool, OAuthError> {
        let Some(token) = Secret::parse(token) else { return Ok(false) };
        for successor in self.successors(&token) {
            let hash = successor.hash();
            if self.durable.grant_by_refresh(&hash, &self.session_lives, self.now()).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn introspected(&self, grant: &Grant, scope: String) -> Introspected {
        Introspected {
            scope,
            client_id: grant.client.to_string(),
            username: None,
            token_type: None,
            exp: grant.ends_at.unix_s(),
            iat: grant.created_at.unix_s(),
            sub: grant.session.account.id,
            aud: self.origin().to_string(),
            iss: self.origin().to_string(),
            jti: None,
            auth_time: grant.session.session.created_at.unix_s(),
            acr: acr(grant.verified),
            sid: grant.id.to_string(),
            cnf: None,
        }
    }
}
