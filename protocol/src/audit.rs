//! The audit chain: each entry carries the hash of the one before, so a changed, cut or reordered log shows where.

use ring::digest;

/// What precedes the first entry of a chain: 32 zero bytes.
pub const GENESIS: [u8; 32] = [0; 32];

/// What one entry's hash covers.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The chain: an account id, or `anchor`.
    pub chain: &'a str,
    /// Place in the chain, from 1.
    pub seq: i64,
    /// Server time in Unix seconds.
    pub at: i64,
    /// What happened, a word.
    pub kind: &'a str,
    /// Details as JSON text, byte for byte as stored.
    pub body: &'a str,
}

/// SHA-256(previous ‖ each of chain, seq, at, kind, body as 4-byte big-endian length + bytes), numbers in decimal.
pub fn hash(previous: &[u8; 32], entry: &Entry<'_>) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(previous);
    let (seq, at) = (entry.seq.to_string(), entry.at.to_string());
    for part in [entry.chain, &seq, &at, entry.kind, entry.body] {
        let length = u32::try_from(part.len()).expect("an entry is far below 4 GiB");
        context.update(&length.to_be_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().try_into().expect("SHA-256 is 32 bytes long")
}
