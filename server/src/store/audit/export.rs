//! The audit log as a file: one JSON object a line.
//!
//! `{"chain","start":{"seq","hash"}}` says that retention has taken the entries up to `seq` away: the first one kept
//! follows `hash`. `{"chain","seq","at","kind","body","hash"}` is an entry; `body` is the text that its hash covers,
//! hashes are base64url. Starts come first, then entries by chain and place.

use protocol::encoding::{array_from_base64url, base64url};
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuditEntry, Head};

/// A line of an exported file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// What a trimmed chain goes on from.
    Start {
        /// The chain.
        chain: String,
        /// The last entry that is gone.
        head: Head,
    },
    /// An entry.
    Entry(AuditEntry),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire<'a> {
    Start {
        #[serde(borrow)]
        chain: std::borrow::Cow<'a, str>,
        start: WireHead,
    },
    Entry {
        chain: std::borrow::Cow<'a, str>,
        seq: i64,
        at: i64,
        kind: std::borrow::Cow<'a, str>,
        body: std::borrow::Cow<'a, str>,
        hash: String,
    },
}

#[derive(Serialize, Deserialize)]
struct WireHead {
    seq: i64,
    hash: String,
}

/// The line that says what a chain goes on from.
pub fn start_line(chain: &str, head: &Head) -> String {
    write(&Wire::Start {
        chain: chain.into(),
        start: WireHead { seq: head.seq, hash: base64url(&head.hash) },
    })
}

/// The line of an entry.
pub fn entry_line(entry: &AuditEntry) -> String {
    write(&Wire::Entry {
        chain: entry.chain.as_str().into(),
        seq: entry.seq,
        at: entry.at.unix_s(),
        kind: entry.kind.as_str().into(),
        body: entry.body.as_str().into(),
        hash: base64url(&entry.hash),
    })
}

/// Reads a line back; `None` for anything else.
pub fn parse_line(line: &str) -> Option<Line> {
    Some(match serde_json::from_str(line).ok()? {
        Wire::Start { chain, start } => Line::Start {
            chain: chain.into_owned(),
            head: Head { seq: start.seq, hash: array_from_base64url(&start.hash)? },
        },
        Wire::Entry { chain, seq, at, kind, body, hash } => Line::Entry(AuditEntry {
            chain: chain.into_owned(),
            seq,
            at: Timestamp(at),
            kind: kind.into_owned(),
            body: body.into_owned(),
            hash: array_from_base64url(&hash)?,
        }),
    })
}

fn write(line: &Wire<'_>) -> String {
    serde_json::to_string(line).expect("a line has string keys only")
}
