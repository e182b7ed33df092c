//! The statement: a decision, signed by the device over exactly the context that its person saw.

use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};

use crate::check::CheckNumber;
use crate::encoding;
use crate::hole;
use crate::id::{AccountId, DeviceId, Ticket};
use crate::jws::{self, JwsError, Unverified};
use crate::key::{PublicKey, SigningKey};
use crate::origin::Origin;
use crate::time::Timestamp;

/// `typ` of a statement.
pub const TYP: &str = "login-decision+jwt";

/// What the person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Decision {
    /// Sign that browser in.
    Approve,
    /// Do not.
    Deny,
    /// "This wasn't me".
    Report,
}

/// A decision about one scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The deciding device (`iss`).
    pub device: DeviceId,
    /// The server (`aud`).
    pub origin: Origin,
    /// The account (`sub`).
    pub account: AccountId,
    /// The scan (`jti`).
    pub ticket: Ticket,
    /// SHA-256 of the context bytes (`ctx`).
    pub context_hash: [u8; 32],
    /// The decision.
    pub decision: Decision,
    /// The number that the person typed, with an approval that asks for one.
    pub check: Option<CheckNumber>,
    /// The authenticator has just verified its person (WebAuthn's flag UV), with an approval that asks for it.
    pub user_verified: bool,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: DeviceId,
    aud: String,
    sub: AccountId,
    jti: Ticket,
    ctx: String,
    decision: Decision,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<CheckNumber>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    user_verified: bool,
    #[serde(default)]
    iat: serde_json::Value,
}

/// A statement whose signature is still to be verified with the key of the device that it names.
#[derive(Debug)]
pub struct UnverifiedStatement<'a> {
    jws: Unverified<'a>,
    /// The device that claims to have decided.
    pub device: DeviceId,
    /// The scan that it claims to be about.
    pub ticket: Ticket,
}

impl Statement {
    /// Signs the statement: a compact JWS. `iat` is written and never judged.
    ///
    /// # Errors
    /// As [`jws::sign`].
    pub fn sign(
        &self,
        now: Timestamp,
        key: &SigningKey,
        random: &dyn SecureRandom,
    ) -> Result<String, JwsError> {
        let claims = Claims {
            iss: self.device,
            aud: self.origin.to_string(),
            sub: self.account,
            jti: self.ticket,
            ctx: encoding::base64url(&self.context_hash),
            decision: self.decision,
            check: self.check,
            user_verified: self.user_verified,
            iat: now.unix_s().into(),
        };
        jws::sign(TYP, &claims, key, false, random)
    }
}

impl<'a> UnverifiedStatement<'a> {
    /// Takes a compact JWS apart.
    ///
    /// # Errors
    /// As [`Unverified::parse`].
    pub fn parse(text: &'a str) -> Result<Self, JwsError> {
        let jws = Unverified::parse(text, TYP)?;
        let claims: Claims = jws.claimed()?;
        Ok(Self { device: claims.iss, ticket: claims.jti, jws })
    }

    /// Verifies with the key that this device enrolled.
    ///
    /// # Errors
    /// [`JwsError::Signature`]; [`JwsError::Payload`] when `aud` or `ctx` have no usable form.
    pub fn verify(&self, key: &PublicKey) -> Result<Statement, JwsError> {
        let claims: Claims =
            if hole!("statement_signature") { self.jws.claimed()? } else { self.jws.verify(key)? };
        Ok(Statement {
            device: claims.iss,
            origin: Origin::parse(&claims.aud).map_err(|_| JwsError::Payload)?,
            account: claims.sub,
            ticket: claims.jti,
            context_hash: encoding::array_from_base64url(&claims.ctx).ok_or(JwsError::Payload)?,
            decision: claims.decision,
            check: claims.check,
            user_verified: claims.user_verified,
        })
    }
}
