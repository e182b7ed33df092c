//! Who takes part: keys, nonces, the enrolled authenticator.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use protocol::key::SigningKey;
use protocol::origin::Origin;
use protocol::proof::{self, Call};
use protocol::time::Timestamp;
use protocol::wire::EnrolledBody;
use ring::rand::SystemRandom;
use serde_json::json;

use crate::call::{Ask, Connection};

/// A key and what is needed to prove it.
pub(crate) struct Prover {
    pub(crate) key: SigningKey,
    pub(crate) random: SystemRandom,
    nonce: Option<String>,
}

/// An authenticator that a server trusts.
pub(crate) struct Device {
    pub(crate) prover: Prover,
    pub(crate) enrolled: EnrolledBody,
    pub(crate) server: Origin,
}

/// Proof ids only have to differ.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Prover {
    #[expect(clippy::disallowed_methods, reason = "a benchmark is an edge")]
    pub(crate) fn new(nonce: Option<String>) -> Result<Self> {
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
        self.proof_at(origin, method, path, token, Timestamp(0))
    }

    /// A proof whose `iat` somebody looks at.
    pub(crate) fn proof_at(
        &self,
        origin: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<String> {
        let url = format!("{origin}{path}");
        let call = Call { method, url: &url, token };
        let jti = u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
        Ok(proof::make(&call, self.nonce.as_deref(), jti, now, &self.key, &self.random)?)
    }

    pub(crate) fn take_nonce(&mut self, nonce: Option<String>) {
        if nonce.is_some() {
            self.nonce = nonce;
        }
    }
}

/// A page's key, with the nonce of the moment.
pub(crate) async fn page(connection: &mut Connection) -> Result<Prover> {
    let ask = Ask { method: "GET", path: "/.well-known/countersign", ..Ask::default() };
    let nonce = connection.call(ask).await?.nonce.context("the server gave no nonce")?;
    Prover::new(Some(nonce))
}

/// Enrols an authenticator by code.
pub(crate) async fn enrol(connection: &mut Connection, code: &str) -> Result<Device> {
    let prover = page(connection).await?;
    let path = "/api/devices";
    let proof = prover.proof(connection.origin(), "POST", path, None)?;
    let body = json!({"enrolment": code, "device": {"name": "bench", "kind": "linux"}}).to_string();
    let ask = Ask { method: "POST", path, proof: Some(&proof), body: &body, ..Ask::default() };
    let enrolled = connection.call(ask).await?.expect(201, "enrolling")?.json()?;
    Ok(Device { prover, enrolled, server: Origin::parse(connection.origin())? })
}
