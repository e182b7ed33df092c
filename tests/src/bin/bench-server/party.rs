//! Who takes part: keys, nonces, the enrolled authenticator.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use hyper::{Method, StatusCode};
use protocol::key::SigningKey;
use protocol::proof::{self, Call};
use protocol::time::Timestamp;
use protocol::wire::EnrolledBody;
use ring::rand::SystemRandom;
use serde_json::json;

use crate::call::{Connection, Extras};

/// A key and what is needed to prove it.
pub(crate) struct Prover {
    pub(crate) key: SigningKey,
    pub(crate) random: SystemRandom,
    nonce: String,
}

/// An authenticator that a server trusts.
pub(crate) struct Device {
    pub(crate) prover: Prover,
    pub(crate) enrolled: EnrolledBody,
}

/// Proof ids only have to differ.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Prover {
    #[expect(clippy::disallowed_methods, reason = "a benchmark is an edge")]
    pub(crate) fn new(nonce: String) -> Result<Self> {
        let random = SystemRandom::new();
        let (key, _) = SigningKey::generate(&random)?;
        Ok(Self { key, random, nonce })
    }

    pub(crate) fn proof(
        &self,
        origin: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
    ) -> Result<String> {
        let url = format!("{origin}{path}");
        let call = Call { method, url: &url, token };
        let jti = u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
        Ok(proof::make(&call, Some(&self.nonce), jti, Timestamp(0), &self.key, &self.random)?)
    }

    pub(crate) fn take_nonce(&mut self, nonce: Option<String>) {
        if let Some(nonce) = nonce {
            self.nonce = nonce;
        }
    }
}

/// The nonce of the moment.
pub(crate) async fn nonce(connection: &mut Connection) -> Result<String> {
    let reply =
        connection.call(&Method::GET, "/.well-known/countersign", Extras::default(), String::new()).await?;
    reply.nonce().context("the server gave no nonce")
}

/// Enrols an authenticator by code.
pub(crate) async fn enrol(connection: &mut Connection, code: &str) -> Result<Device> {
    let prover = Prover::new(nonce(connection).await?)?;
    let proof = prover.proof(connection.origin(), "POST", "/api/devices", None)?;
    let body = json!({"enrolment": code, "device": {"name": "bench", "kind": "linux"}}).to_string();
    let reply = connection
        .call(&Method::POST, "/api/devices", Extras { proof: Some(proof), ..Extras::default() }, body)
        .await?;
    let enrolled = reply.expect(StatusCode::CREATED, "enrolling")?.json()?;
    Ok(Device { prover, enrolled })
}
