//! The activity of an account: what happened, by whom, from where, in a chain of hashes.

mod anchor;
mod body;
mod entries;
pub mod export;
mod kind;
mod summary;
mod verify;

pub(super) use anchor::{anchor_body, anchored_heads};
pub use body::{BY_RECOVERY, Body, By, ClientRef, DeviceRef};
pub(super) use entries::{authorized, count_of, decided, ended, grant_ended, signed_in};
pub use kind::AuditKind;
pub use verify::{Broken, Fault, Verified, verify};

use protocol::audit::{Entry, GENESIS, hash};
use protocol::encoding::base64url;
use protocol::id::AccountId;
use protocol::time::Timestamp;
use protocol::wire::{ActivityEntry, ActivityHead};

/// The chain that the heads of all others are written to.
pub const ANCHOR: &str = "anchor";

/// One entry of a chain, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// An account id, or [`ANCHOR`].
    pub chain: String,
    /// Place, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// A word, see [`AuditKind`]; a later version may have written others.
    pub kind: String,
    /// JSON text of a [`Body`].
    pub body: String,
    /// Over the entry and the one before.
    pub hash: [u8; 32],
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Place of its last entry; 0 for none.
    pub seq: i64,
    /// Hash of that entry; [`GENESIS`] for none.
    pub hash: [u8; 32],
}

/// A page of an account's activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityPage {
    /// Oldest first.
    pub entries: Vec<AuditEntry>,
    /// The last one returned, or the entry that was asked to go on from, or the chain's end if it is shorter.
    pub head: Head,
}

impl Head {
    /// Of a chain without entries.
    pub const EMPTY: Self = Self { seq: 0, hash: GENESIS };

    /// The entry that comes next.
    pub fn next(&self, chain: &str, at: Timestamp, kind: AuditKind, body: &str) -> AuditEntry {
        let seq = self.seq + 1;
        let entry = Entry { chain, seq, at: at.unix_s(), kind: kind.as_str(), body };
        let hash = hash(&self.hash, &entry);
        AuditEntry {
            chain: chain.to_owned(),
            seq,
            at,
            kind: kind.as_str().to_owned(),
            body: body.to_owned(),
            hash,
        }
    }

    /// As the authenticator gets it.
    pub fn to_wire(self) -> ActivityHead {
        ActivityHead { seq: self.seq, hash: base64url(&self.hash) }
    }
}

impl AuditEntry {
    /// Where the chain ends with this entry.
    pub const fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }

    /// True when this entry follows `previous` and is unchanged.
    pub fn follows(&self, previous: &Head) -> bool {
        let entry = Entry {
            chain: &self.chain,
            seq: self.seq,
            at: self.at.unix_s(),
            kind: &self.kind,
            body: &self.body,
        };
        self.seq == previous.seq + 1 && hash(&previous.hash, &entry) == self.hash
    }

    /// A short English sentence.
    pub fn summary(&self) -> String {
        summary::of(&self.kind, &Body::from_json(&self.body))
    }

    /// As the authenticator gets it.
    pub fn to_wire(&self) -> ActivityEntry {
        let body = Body::from_json(&self.body);
        ActivityEntry {
            seq: self.seq,
            at: self.at,
            kind: self.kind.clone(),
            summary: summary::of(&self.kind, &body),
            address: body.address,
            device: body.device.map(|device| device.id),
            session: body.session,
            body: self.body.clone(),
            hash: base64url(&self.hash),
        }
    }
}

/// The name of an account's chain.
pub fn chain_of(account: AccountId) -> String {
    account.to_string()
}
