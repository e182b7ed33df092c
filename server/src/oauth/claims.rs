//! What tokens say (RFC 9068 §2.2, OpenID Connect Core §2 and §5.1).

use protocol::id::AccountId;
use protocol::key::Thumbprint;
use serde::{Deserialize, Serialize};

use super::discovery::{ACR_APPROVED, ACR_VERIFIED};
use crate::store::Account;

/// Claims of an access token (RFC 9068 §2.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessClaims {
    pub(crate) iss: String,
    pub(crate) sub: AccountId,
    /// This server: its own endpoints, and whoever asks it by introspection.
    pub(crate) aud: String,
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    pub(crate) jti: String,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) auth_time: i64,
    pub(crate) acr: String,
    pub(crate) amr: Vec<String>,
    /// The grant.
    pub(crate) sid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cnf: Option<Confirmation>,
}

/// The key that a token is bound to (RFC 9449 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confirmation {
    pub(crate) jkt: Thumbprint,
}

/// Claims of an ID token (OpenID Connect Core §2).
#[derive(Serialize)]
pub(crate) struct IdClaims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) sub: AccountId,
    pub(crate) aud: &'a str,
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    pub(crate) auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<&'a str>,
    pub(crate) acr: &'a str,
    pub(crate) amr: &'a [String],
    pub(crate) at_hash: String,
    /// The grant.
    pub(crate) sid: String,
    #[serde(flatten)]
    pub(crate) person: Person<'a>,
}

/// Who it is, as far as scopes reach (OpenID Connect Core §5.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Person<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<&'a [String]>,
}

impl<'a> Person<'a> {
    /// What `scopes` let a client know of `account`. Addresses are the operator's word, so they count as verified.
    pub(crate) fn of(account: &'a Account, scopes: &[impl AsRef<str>]) -> Self {
        let may = |scope: &str| scopes.iter().any(|given| given.as_ref() == scope);
        let email = account.email.as_deref().filter(|_| may("email"));
        Self {
            preferred_username: may("profile").then_some(&account.username),
            name: may("profile").then_some(&account.display_name),
            email,
            email_verified: email.map(|_| true),
            groups: may("groups").then_some(&account.groups),
        }
    }
}

/// `acr` of a sign-in.
pub(crate) const fn acr(verified: bool) -> &'static str {
    if verified { ACR_VERIFIED } else { ACR_APPROVED }
}

/// `amr` of a sign-in (RFC 8176 §2): a key in software, over more than one channel; and what verified the person.
pub(crate) fn amr(verified: bool) -> Vec<String> {
    let words: &[&str] = if verified { &["swk", "mca", "pin", "mfa"] } else { &["swk", "mca"] };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Scopes as one text (RFC 6749 §3.3).
pub(crate) fn scope_text(scopes: &[String]) -> String {
    scopes.join(" ")
}
