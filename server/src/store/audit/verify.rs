use std::collections::{BTreeMap, HashMap};

use thiserror::Error;

use super::export::{Line, parse_line};
use super::{ANCHOR, AuditEntry, Head, anchored_heads};

/// What a file that holds together holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Chains, the anchor chain not counted.
    pub chains: u64,
    /// Entries of all chains.
    pub entries: u64,
    /// Entries of the anchor chain among them.
    pub anchors: u64,
    /// Chains that begin after entries which retention took away.
    pub trimmed: u64,
}

/// Where a file does not hold together, and how.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {fault}")]
pub struct Broken {
    /// Line of the file, from 1.
    pub line: u64,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong at a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Not a line of an export.
    #[error("not an entry of an audit log")]
    Form,
    /// The entry or the one before it was changed.
    #[error("entry {seq} of chain {chain} was changed, or the one before it")]
    Changed {
        /// Its chain.
        chain: String,
        /// Its place.
        seq: i64,
    },
    /// Entries are missing or out of order.
    #[error("chain {chain} goes on with entry {found} where entry {expected} belongs")]
    Gap {
        /// The chain.
        chain: String,
        /// The place that comes next.
        expected: i64,
        /// The place that came.
        found: i64,
    },
    /// A chain differs from what the anchor chain wrote down about it.
    #[error("chain {chain} is not the one that was anchored: entry {seq} is missing or another one")]
    Anchor {
        /// The chain.
        chain: String,
        /// The anchored place.
        seq: i64,
    },
}

/// Verifies an exported file, line by line, without a store: chains by their hashes, and all of them by the anchors.
///
/// A log that was rewritten whole, anchors included, holds together too: compare the newest anchor's hash with one kept
/// elsewhere, as authenticators do with the heads of their accounts.
///
/// # Errors
/// [`Broken`] names the first line that does not fit.
pub fn verify<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Verified, Broken> {
    let mut file = File::default();
    for (line, text) in (1..).zip(lines) {
        if text.trim().is_empty() {
            continue;
        }
        file.take(line, text).map_err(|fault| Broken { line, fault })?;
    }
    file.check_anchors()?;
    Ok(file.verified())
}

#[derive(Default)]
struct File {
    chains: BTreeMap<String, Chain>,
    /// Anchored heads with the line that anchors them.
    anchored: Vec<(u64, String, Head)>,
    entries: u64,
}

#[derive(Default)]
struct Chain {
    start: i64,
    head: Option<Head>,
    /// Hashes by place, from `start + 1`.
    hashes: HashMap<i64, [u8; 32]>,
    entries: u64,
}

impl File {
    fn take(&mut self, line: u64, text: &str) -> Result<(), Fault> {
        match parse_line(text).ok_or(Fault::Form)? {
            Line::Start { chain, head } => {
                let known = self.chains.entry(chain).or_default();
                if known.head.is_some() {
                    return Err(Fault::Form);
                }
                known.start = head.seq;
                known.head = Some(head);
                known.hashes.insert(head.seq, head.hash);
                Ok(())
            }
            Line::Entry(entry) => {
                if entry.chain == ANCHOR {
                    self.note_anchor(line, &entry)?;
                }
                self.entries += 1;
                self.chains.entry(entry.chain.clone()).or_default().take(&entry)
            }
        }
    }

    fn note_anchor(&mut self, line: u64, entry: &AuditEntry) -> Result<(), Fault> {
        let heads = anchored_heads(&entry.body)
            .ok_or_else(|| Fault::Changed { chain: entry.chain.clone(), seq: entry.seq })?;
        self.anchored.extend(heads.into_iter().map(|(chain, head)| (line, chain, head)));
        Ok(())
    }

    fn check_anchors(&self) -> Result<(), Broken> {
        for (line, name, head) in &self.anchored {
            let is_good = self.chains.get(name).is_some_and(|chain| {
                head.seq < chain.start || chain.hashes.get(&head.seq) == Some(&head.hash)
            });
            if !is_good {
                let fault = Fault::Anchor { chain: name.clone(), seq: head.seq };
                return Err(Broken { line: *line, fault });
            }
        }
        Ok(())
    }

    fn verified(&self) -> Verified {
        let anchors = self.chains.get(ANCHOR).map_or(0, |chain| chain.entries);
        Verified {
            chains: self.chains.keys().filter(|name| *name != ANCHOR).count() as u64,
            entries: self.entries,
            anchors,
            trimmed: self.chains.values().filter(|chain| chain.start > 0).count() as u64,
        }
    }
}

impl Chain {
    fn take(&mut self, entry: &AuditEntry) -> Result<(), Fault> {
        let before = self.head.unwrap_or(Head::EMPTY);
        if entry.seq != before.seq + 1 {
            return Err(Fault::Gap {
                chain: entry.chain.clone(),
                expected: before.seq + 1,
                found: entry.seq,
            });
        }
        if !entry.follows(&before) {
            return Err(Fault::Changed { chain: entry.chain.clone(), seq: entry.seq });
        }
        self.head = Some(entry.head());
        self.hashes.insert(entry.seq, entry.hash);
        self.entries += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use protocol::time::Timestamp;

    use super::*;
    use crate::store::audit::export::{entry_line, start_line};
    use crate::store::audit::{AuditKind, anchor_body};

    fn chain(name: &str, length: i64) -> Vec<AuditEntry> {
        let mut head = Head::EMPTY;
        (1..=length)
            .map(|at| {
                let entry = head.next(name, Timestamp(at), AuditKind::SignedIn, "{}");
                head = entry.head();
                entry
            })
            .collect()
    }

    fn log() -> Vec<String> {
        let a = chain("a", 5);
        let heads = [("a".to_owned(), a[4].head())];
        let anchor = Head::EMPTY.next(ANCHOR, Timestamp(9), AuditKind::Anchor, &anchor_body(&heads));
        a.iter().chain([&anchor]).map(entry_line).collect()
    }

    fn verify_all(lines: &[String]) -> Result<Verified, Broken> {
        verify(lines.iter().map(String::as_str))
    }

    #[test]
    fn an_untouched_log_holds() {
        let verified = verify_all(&log()).unwrap();
        assert_eq!((verified.chains, verified.entries, verified.anchors), (1, 6, 1));
    }

    #[test]
    fn a_changed_entry_is_named_exactly() {
        let mut lines = log();
        lines[2] = lines[2].replace("signed_in", "signed_on");
        let broken = verify_all(&lines).unwrap_err();
        let fault = Fault::Changed { chain: "a".into(), seq: 3 };
        assert_eq!(broken, Broken { line: 3, fault });
        assert!(broken.to_string().starts_with("line 3: entry 3 of chain a"));
    }

    #[test]
    fn a_missing_entry_is_a_gap() {
        let mut lines = log();
        lines.remove(1);
        let broken = verify_all(&lines).unwrap_err();
        assert_eq!(broken.line, 2);
        assert!(matches!(broken.fault, Fault::Gap { expected: 2, found: 3, .. }));
    }

    #[test]
    fn a_chain_that_lost_its_end_is_missed_by_the_anchor() {
        let mut lines = log();
        lines.remove(4);
        let broken = verify_all(&lines).unwrap_err();
        assert_eq!(broken.line, 5);
        assert!(matches!(broken.fault, Fault::Anchor { seq: 5, .. }));
        lines.drain(..4);
        assert!(verify_all(&lines).is_err(), "a chain that is gone altogether");
    }

    #[test]
    fn a_rewritten_chain_is_found_by_the_anchor() {
        let lines = log();
        let mut rewritten: Vec<_> = chain("a", 4).iter().map(entry_line).collect();
        let other = chain("a", 4)[3].head().next("a", Timestamp(7), AuditKind::SignedOut, "{}");
        rewritten.push(entry_line(&other));
        rewritten.push(lines[5].clone());
        assert!(matches!(verify_all(&rewritten).unwrap_err().fault, Fault::Anchor { seq: 5, .. }));
    }

    #[test]
    fn a_trimmed_chain_goes_on_from_its_start() {
        let a = chain("a", 5);
        let mut lines = vec![start_line("a", &a[1].head())];
        lines.extend(a[2..].iter().map(entry_line));
        lines.push(log()[5].clone());
        assert_eq!(verify_all(&lines).unwrap().trimmed, 1);
        lines[0] = start_line("a", &a[0].head());
        assert!(matches!(verify_all(&lines).unwrap_err().fault, Fault::Gap { .. }));
    }

    #[test]
    fn an_anchor_whose_root_was_changed_is_found() {
        let mut lines = log();
        lines[5] = lines[5].replace("root\\\":\\\"", "root\\\":\\\"A");
        assert_eq!(verify_all(&lines).unwrap_err().line, 6);
    }

    #[test]
    fn other_lines_are_refused() {
        assert_eq!(verify(["{}"]).unwrap_err().fault, Fault::Form);
        assert_eq!(verify([""]).unwrap(), Verified::default());
    }
}
