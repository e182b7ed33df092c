//! The token endpoint: a code or a refresh token for tokens (RFC 6749 §4.1.3 and §6, RFC 7636 §4.6, RFC 9449 §5).

use std::fmt;

use protocol::encoding::base64url;
use protocol::hole;
use protocol::key::Thumbprint;
use protocol::secret::{Secret, sha256};

use super::tokens::TokenBody;
use super::{Client, ErrorCode, OAuthError, is_scope};
use crate::service::{ClientAddress, Service};
use crate::store::{By, CodeGrant, CodeUsed, Grant, RefreshUsed};

/// How long the same call with a refresh token may be repeated, in seconds: its answer may have been lost.
const REPEAT_S: i64 = 60;

/// A code with what has to come with it.
pub(crate) struct CodeCall<'a> {
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    /// `code_verifier` (RFC 7636 §4.1).
    pub(crate) verifier: &'a str,
}

/// A refresh token, and the scopes that are asked for, if not all.
pub(crate) struct RefreshCall<'a> {
    pub(crate) token: &'a str,
    pub(crate) scope: Option<&'a str>,
}

const fn invalid_grant(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, description)
}

impl Service {
    /// `grant_type=authorization_code`. A call that does not fit the code leaves it as it is; a second one that fits ends
    /// all that came of the first (RFC 6749 §4.1.2).
    ///
    /// # Errors
    /// `invalid_grant`; a limit; a store that does not answer.
    pub(crate) async fn exchange_code(
        &self,
        client: &Client,
        call: &CodeCall<'_>,
        dpop: Option<Thumbprint>,
        address: ClientAddress,
    ) -> Result<TokenBody, OAuthError> {
        let now = self.now();
        let gone =
            invalid_grant("The code is over or not from here; start anew at the authorization endpoint");
        let Some(code) = Secret::parse(call.code) else { return Err(self.counted(address, gone).await) };
        let hash = code.hash();
        let found = self.durable.grant_by_code(&hash, &self.session_lives, now).await?;
        let is_its = |found: &CodeGrant| found.grant.client == client.id || hole!("code_client");
        let Some(found) = found.filter(is_its) else {
            return Err(self.counted(address, gone).await);
        };
        let grant = found.grant;
        let misfit = if found.redirect_uri != call.redirect_uri && !hole!("code_redirect") {
            Some("The redirect_uri is not the one that the code was made for")
        } else if !verifies(call.verifier, &found.challenge) && !hole!("code_verifier") {
            Some("The code_verifier does not belong to the code_challenge")
        } else if grant.dpop.is_some_and(|key| dpop != Some(key)) && !hole!("code_key") {
            Some("The code is bound to a key; send a DPoP proof made with it")
        } else {
            None
        };
        if let Some(misfit) = misfit {
            return Err(self.counted(address, invalid_grant(misfit)).await);
        }
        // Nothing is used that could not be answered: a client that has to repeat the call would end the grant.
        self.signer(client.policy.id_token_alg).await?;
        self.watch_logout(client, &grant).await?;
        // The refresh tokens of a public client are bound to its key (RFC 9449 §5); others show who they are by a secret.
        let bound = dpop.filter(|_| client.is_public());
        let refresh = self.first_refresh(&code);
        let by = By::address(address.to_string());
        let used = self
            .durable
            .use_code(&hash, bound.as_ref(), Some(&refresh.hash()), &self.session_lives, &by, now)
            .await?;
        match used {
            CodeUsed::Used => {
                tracing::info!(grant.id = %grant.id, client.id = %client.id, "Exchanged a code");
                let grant = Grant { dpop, ..grant };
                self.issue_tokens(client, &grant, Some(refresh), now).await
            }
            CodeUsed::Before => {
                tracing::warn!(grant.id = %grant.id, client.id = %client.id, "A code was used twice; its grant has ended");
                self.ring(grant.session.account.id);
                Err(self.counted(address, gone).await)
            }
            CodeUsed::Gone => Err(gone),
        }
    }

    /// `grant_type=refresh_token`. Every use gives a successor, the same one to the same call again within a minute; any
    /// other use of a used one ends the grant (RFC 9700 §4.14.2).
    ///
    /// # Errors
    /// `invalid_grant`, `invalid_scope`; a limit; a store that does not answer.
    pub(crate) async fn refresh_tokens(
        &self,
        client: &Client,
        call: &RefreshCall<'_>,
        dpop: Option<Thumbprint>,
        address: ClientAddress,
    ) -> Result<TokenBody, OAuthError> {
        let now = self.now();
        let gone = invalid_grant("The refresh token is over or not from here; start anew");
        let Some(token) = Secret::parse(call.token) else { return Err(self.counted(address, gone).await) };
        let hash = token.hash();
        let found = self.durable.grant_by_refresh(&hash, &self.session_lives, now).await?;
        let is_its = |grant: &Grant| grant.client == client.id || hole!("refresh_client");
        let Some(found) = found.filter(is_its) else {
            return Err(self.counted(address, gone).await);
        };
        if client.is_public() && found.dpop != dpop && !hole!("refresh_key") {
            let misfit = invalid_grant(if found.dpop.is_some() {
                "The refresh token is bound to a key; send a DPoP proof made with it"
            } else {
                "The refresh token is bound to no key; send no DPoP proof, or start anew with one"
            });
            return Err(self.counted(address, misfit).await);
        }
        let scopes = narrowed(call.scope, &found.scopes)?;
        self.signer(client.policy.id_token_alg).await?;
        let successors = self.successors(&token);
        let hashes: Vec<_> = successors.iter().map(Secret::hash).collect();
        let by = By::address(address.to_string());
        let used = self.durable.use_refresh(&hash, &hashes, REPEAT_S, &self.session_lives, &by, now).await?;
        let (grant, made) = match used {
            RefreshUsed::Used(grant) => (grant, hashes.first().copied()),
            RefreshUsed::Repeated(grant, made) => (grant, Some(made)),
            RefreshUsed::Reused => {
                tracing::warn!(
                    grant.id = %found.id,
                    client.id = %client.id,
                    "A refresh token was used twice; its grant has ended"
                );
                self.ring(found.session.account.id);
                return Err(self.counted(address, gone).await);
            }
            RefreshUsed::Gone => return Err(gone),
        };
        let successor = successors.into_iter().find(|successor| Some(successor.hash()) == made);
        // OpenID Connect Core §12.2: without the nonce, which belongs to the one login.
        let grant = Grant { scopes, nonce: None, dpop, ..grant };
        self.issue_tokens(client, &grant, successor, now).await
    }
}

/// BASE64URL(SHA256(verifier)) = challenge (RFC 7636 §4.6).
fn verifies(verifier: &str, challenge: &str) -> bool {
    base64url(&sha256(verifier.as_bytes())) == challenge
}

/// The scopes asked for, if all of them were given (RFC 6749 §6).
fn narrowed(asked: Option<&str>, given: &[String]) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = asked else { return Ok(given.to_vec()) };
    let mut scopes: Vec<String> = Vec::new();
    for scope in asked.split(' ') {
        if !is_scope(scope) {
            return Err(OAuthError::new(
                ErrorCode::InvalidScope,
                "Send scopes with one space between them (RFC 6749, 3.3)",
            ));
        }
        if !given.iter().any(|known| known == scope) && !hole!("refresh_scopes") {
            return Err(OAuthError::new(
                ErrorCode::InvalidScope,
                "A scope was not given by the person; ask for it at the authorization endpoint",
            ));
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(scopes)
}

impl fmt::Debug for CodeCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeCall(..)")
    }
}

impl fmt::Debug for RefreshCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshCall(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn a_verifier_belongs_to_its_challenge() {
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(verifies(verifier, challenge));
        assert!(!verifies(challenge, challenge) && !verifies("", challenge));
    }

    #[test]
    fn scopes_can_only_become_fewer() {
        let given = ["openid", "email"].map(str::to_owned);
        assert_eq!(narrowed(None, &given).unwrap(), given);
        assert_eq!(narrowed(Some("email email"), &given).unwrap(), ["email"]);
        for more in ["profile", "openid profile", "openid  email", " ", "a\"b"] {
            assert_eq!(narrowed(Some(more), &given).unwrap_err().code, ErrorCode::InvalidScope, "{more}");
        }
    }
}
