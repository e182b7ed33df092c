//! The account's activity: fetched page by page, its hash chain checked against what was seen before.
//!
//! An operator can rewrite his own log. So this app keeps where the log ended when it last looked, and the next answer
//! has to contain exactly that entry and extend it.

use protocol::audit;
use protocol::encoding::{array_from_base64url, base64url};
use protocol::wire::ActivityEntry;
use serde::{Deserialize, Serialize};

use crate::server_client::{CallError, Credentials, ServerClient};

/// Most pages that one look fetches; what is left comes with the next look.
const PAGES_MAX: usize = 50;

/// Where a log ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Place of the last entry, from 1.
    pub seq: i64,
    /// Its hash, base64url.
    pub hash: String,
}

/// One look at the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What was fetched, oldest first.
    pub entries: Vec<ActivityEntry>,
    /// Where the log ends, as far as it was fetched; none for an empty one.
    pub head: Option<Head>,
    /// The log does not extend what was seen before, or does not hang together.
    pub rewritten: bool,
}

/// Fetches the log from `back` entries before `head` on (all of it without a head) and checks it.
///
/// # Errors
/// [`CallError`].
pub async fn look(
    client: &ServerClient,
    auth: &Credentials,
    chain: &str,
    head: Option<&Head>,
    back: i64,
) -> Result<Look, CallError> {
    // The entry that the head names is asked for again, so that a log that was cut short shows.
    let start = head.map_or(0, |head| head.seq.saturating_sub(back).saturating_sub(1).max(0));
    let mut check = Check::new(chain, start, head);
    let mut entries = Vec::new();
    let mut after = start;
    for _ in 0..PAGES_MAX {
        let page = client.activity(after, auth).await?;
        let Some(last) = page.entries.last() else { break };
        if last.seq <= after {
            check.rewritten = true;
            break;
        }
        after = last.seq;
        for entry in &page.entries {
            check.take(entry);
        }
        entries.extend(page.entries);
    }
    Ok(Look { entries, rewritten: check.broken(), head: check.last })
}

/// Follows a chain entry by entry.
struct Check<'a> {
    chain: &'a str,
    seen_before: Option<&'a Head>,
    met_it: bool,
    /// The hash of the entry before, where it is known.
    previous: Option<[u8; 32]>,
    last: Option<Head>,
    rewritten: bool,
}

impl<'a> Check<'a> {
    fn new(chain: &'a str, start: i64, seen_before: Option<&'a Head>) -> Self {
        let previous = (start == 0).then_some(audit::GENESIS);
        Self { chain, seen_before, met_it: false, previous, last: None, rewritten: false }
    }

    fn take(&mut self, entry: &ActivityEntry) {
        let follows = self.last.as_ref().is_none_or(|last| last.seq.checked_add(1) == Some(entry.seq));
        if self.last.is_none() && entry.seq != 1 {
            // What the server's retention removed leaves a gap at the very start, and no known hash before it.
            self.previous = None;
        }
        let Some(hash) = array_from_base64url::<32>(&entry.hash) else {
            self.rewritten = true;
            return;
        };
        let hangs_together = self.previous.is_none_or(|previous| {
            let body = audit::Entry {
                chain: self.chain,
                seq: entry.seq,
                at: entry.at.unix_s(),
                kind: &entry.kind,
                body: &entry.body,
            };
            audit::hash(&previous, &body) == hash
        });
        self.rewritten |= !follows || !hangs_together;
        if let Some(seen) = self.seen_before
            && seen.seq == entry.seq
        {
            self.met_it = true;
            self.rewritten |= array_from_base64url(&seen.hash) != Some(hash);
        }
        self.previous = Some(hash);
        self.last = Some(Head { seq: entry.seq, hash: base64url(&hash) });
    }

    fn broken(&self) -> bool {
        self.rewritten || (self.seen_before.is_some() && !self.met_it)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use protocol::time::Timestamp;

    const CHAIN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_log_that_extends_the_head_is_fine() {
        let log = log(5);
        assert!(!broken(&log, 0, None));
        assert!(!broken(&log[2..], 2, Some(&head(&log[2]))));
        assert!(!broken(&log, 0, Some(&head(&log[4]))));
    }

    #[test]
    fn a_log_that_was_cut_is_rewritten() {
        let log = log(5);
        assert!(broken(&log[..3], 0, Some(&head(&log[4]))));
        assert!(broken(&[], 4, Some(&head(&log[4]))));
    }

    #[test]
    fn a_changed_entry_shows_even_with_hashes_made_to_fit() {
        let seen = head(&log(5)[4]);
        let mut other = log(5);
        other[2].body = "{\"n\":99}".to_owned();
        assert!(broken(&other, 0, None), "its own hash does not fit");
        rehash(&mut other);
        assert!(!broken(&other, 0, None));
        assert!(broken(&other, 0, Some(&seen)), "it is not the log that was seen");
    }

    #[test]
    fn a_gap_and_a_wrong_order_are_rewritten() {
        let mut missing = log(5);
        missing.remove(2);
        assert!(broken(&missing, 0, None));
        let mut swapped = log(5);
        swapped.swap(1, 2);
        assert!(broken(&swapped, 0, None));
    }

    #[test]
    fn a_start_removed_by_retention_is_fine_while_the_head_is_met() {
        let log = log(5);
        assert!(!broken(&log[2..], 0, Some(&head(&log[3]))));
        assert!(broken(&log[2..], 0, Some(&head(&log[0]))));
    }

    fn broken(entries: &[ActivityEntry], start: i64, seen: Option<&Head>) -> bool {
        let mut check = Check::new(CHAIN, start, seen);
        for entry in entries {
            check.take(entry);
        }
        check.broken()
    }

    fn head(entry: &ActivityEntry) -> Head {
        Head { seq: entry.seq, hash: entry.hash.clone() }
    }

    fn log(length: i64) -> Vec<ActivityEntry> {
        let mut log: Vec<_> = (1..=length)
            .map(|seq| ActivityEntry {
                seq,
                at: Timestamp(1_000 + seq),
                kind: "x".to_owned(),
                address: None,
                device: None,
                session: None,
                summary: String::new(),
                body: format!("{{\"n\":{seq}}}"),
                hash: String::new(),
            })
            .collect();
        rehash(&mut log);
        log
    }

    fn rehash(log: &mut [ActivityEntry]) {
        let mut previous = audit::GENESIS;
        for entry in log {
            let body = audit::Entry {
                chain: CHAIN,
                seq: entry.seq,
                at: entry.at.unix_s(),
                kind: &entry.kind,
                body: &entry.body,
            };
            previous = audit::hash(&previous, &body);
            entry.hash = base64url(&previous);
        }
    }
}
