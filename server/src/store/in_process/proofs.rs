use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use protocol::key::Thumbprint;
use protocol::secret::sha256;
use protocol::time::Timestamp;

use crate::store::error::StoreError;

const SHARDS: usize = 32;
/// Most proofs remembered: 25 to 50 bytes each. Beyond, calls get 503 until some are forgotten.
const PROOFS_MAX: usize = 8_000_000;
/// Proofs are forgotten by the slice.
const SLICE_S: i64 = 30;

/// Proofs that were used, each as 128 bits of a hash, in slices of time so that forgetting costs nothing.
#[derive(Debug)]
pub(super) struct SpentProofs {
    shards: Vec<Mutex<Slices>>,
}

/// By the slice's end, in units of [`SLICE_S`].
type Slices = BTreeMap<i64, HashSet<[u8; 16]>>;

impl Default for SpentProofs {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl SpentProofs {
    pub(super) fn spend(
        &self,
        key: &Thumbprint,
        jti: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let name = name_of(key, jti);
        let shard = &self.shards[usize::from(name[0]) % SHARDS];
        let mut slices = shard.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut slices, now);
        if slices.values().any(|slice| slice.contains(&name)) {
            return Ok(false);
        }
        if slices.values().map(HashSet::len).sum::<usize>() >= PROOFS_MAX / SHARDS {
            return Err(StoreError::Full { during: "remember a proof" });
        }
        let slice = until.unix_s().div_euclid(SLICE_S) + 1;
        slices.entry(slice).or_default().insert(name);
        Ok(true)
    }

    pub(super) fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            forget(&mut shard.lock().unwrap_or_else(PoisonError::into_inner), now);
        }
    }
}

fn forget(slices: &mut Slices, now: Timestamp) {
    while let Some(first) = slices.first_entry() {
        if *first.key() * SLICE_S > now.unix_s() {
            break;
        }
        first.remove();
    }
}

/// The thumbprint has a fixed length, so no two pairs give the same bytes.
fn name_of(key: &Thumbprint, jti: &str) -> [u8; 16] {
    let hash = sha256(&[key.as_bytes(), jti.as_bytes()].concat());
    *hash.first_chunk().expect("SHA-256 is 32 bytes long")
}
