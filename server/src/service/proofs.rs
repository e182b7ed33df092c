//! Who calls: proofs of possession, and the devices behind them.

use std::fmt;

use protocol::hole;
use protocol::key::{PublicKey, Thumbprint};
use protocol::proof::{self, Call, ProofError, REMEMBERED_S};
use protocol::secret::Secret;
use protocol::time::Timestamp;

use super::limits::judged;
use super::{ClientAddress, Failure, Service};
use crate::counts;
use crate::store::{Counter, Holder, Spent};

/// A proof as it came, and the call that it came with.
#[derive(Clone, Copy)]
pub struct ProofCall<'a> {
    /// The header `DPoP`.
    pub proof: &'a str,
    /// Method, upper case.
    pub method: &'a str,
    /// Path without query.
    pub path: &'a str,
    /// Where it came from.
    pub address: ClientAddress,
}

/// Silent about the proof: it is good until it is spent.
impl fmt::Debug for ProofCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofCall({}, ..)", self.method)
    }
}

impl Service {
    /// Judges a proof that goes with no token, and spends it: it is worth nothing from here on, whatever the answer.
    ///
    /// # Errors
    /// [`Failure::NoNonce`], [`Failure::InvalidProof`] (replays too), [`Failure::TooMany`] after many failures.
    pub async fn judge_proof(&self, call: ProofCall<'_>) -> Result<PublicKey, Failure> {
        self.spend(call, None).await
    }

    /// The trusted device with `token`, if the proof is made with its key and for this token.
    ///
    /// # Errors
    /// As [`Service::judge_proof`]; [`Failure::InvalidToken`] when no trusted device of an active account has it.
    pub async fn authenticate(&self, call: ProofCall<'_>, token: &str) -> Result<Holder, Failure> {
        let key = self.spend(call, Some(token)).await?;
        let holder = match Secret::parse(token) {
            Some(token) => self.durable.holder_by_token(&token.hash()).await?,
            None => None,
        };
        let Some(holder) = holder else {
            return Err(self.failed(call.address, Failure::InvalidToken).await);
        };
        if holder.device.key != key && !hole!("token_key") {
            return Err(self.failed(call.address, Failure::InvalidProof).await);
        }
        self.durable.touch_device(&holder.device, self.now()).await?;
        Ok(holder)
    }

    /// Counts a call that should have shown a token or proof and did not, or not in a readable form.
    pub async fn refuse_unreadable(&self, address: ClientAddress, failure: Failure) -> Failure {
        match self.may_prove(address).await {
            Ok(()) => self.failed(address, failure).await,
            Err(limited) => limited,
        }
    }

    /// As [`Service::judge_proof`], for a proof that goes with an access token.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn judge_proof_with(
        &self,
        call: ProofCall<'_>,
        token: &str,
    ) -> Result<PublicKey, Failure> {
        self.spend(call, Some(token)).await
    }

    /// Remembers until then that something was used that is good once; `false`: it was used before.
    ///
    /// # Errors
    /// [`Failure::Store`]; [`Failure::TooMany`] when there is no room to remember.
    pub(crate) async fn spend_once(
        &self,
        what: &str,
        hash: &[u8; 32],
        until: Timestamp,
    ) -> Result<bool, Failure> {
        // No key has such a thumbprint: this is a hash of something else.
        let name = Thumbprint::from_bytes(*hash);
        loop {
            let store = self.short_lived.store_id().await?;
            match self.short_lived.spend_proof(None, store, &name, what, until, self.now()).await? {
                Spent::Spent => return Ok(true),
                Spent::Before => return Ok(false),
                // It has just forgotten what was spent, and says by now which store it is.
                Spent::OtherStore => {}
                Spent::Refused { retry_after_s } => return Err(Failure::TooMany { retry_after_s }),
            }
        }
    }

    /// An address above its limit of failures is refused before anything is verified, where this process knows of it by
    /// itself. Elsewhere a good proof is refused as it is spent, and a bad one as it is counted: one question to the store
    /// in either case.
    async fn spend(&self, call: ProofCall<'_>, token: Option<&str>) -> Result<PublicKey, Failure> {
        let now = self.now();
        let (what, failures, limit) = self.failures(call.path, call.address);
        judged(what, self.short_lived.peek_here(&failures, limit, now))?;
        let url = format!("{}{}", self.origin, call.path);
        let asked = Call { method: call.method, url: &url, token };
        let nonces = self.nonce_key().await?;
        let proven = match proof::check(call.proof, &asked, &nonces.key, now) {
            Ok(proven) => proven,
            // Every client starts without a nonce, so this is no failure to count.
            Err(ProofError::Nonce) => return Err(Failure::NoNonce),
            Err(ProofError::Jws(_) | ProofError::OtherCall) => {
                return Err(self.failed_at(call.path, call.address, Failure::InvalidProof).await);
            }
        };
        let until = now.plus_s(REMEMBERED_S);
        let thumbprint = proven.key.thumbprint();
        let unless = Some(Counter { key: &failures, limit });
        match self.short_lived.spend_proof(unless, nonces.store, &thumbprint, &proven.jti, until, now).await?
        {
            Spent::Spent => Ok(proven.key),
            Spent::Before if hole!("proof_once") => Ok(proven.key),
            Spent::Before => Err(self.failed_at(call.path, call.address, Failure::InvalidProof).await),
            Spent::Refused { retry_after_s } => {
                counts::LIMITED.count(what);
                Err(Failure::TooMany { retry_after_s })
            }
            Spent::OtherStore => Err(Failure::NoNonce),
        }
    }
}
