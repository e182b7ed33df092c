//! What programs leave behind: bytes in files, in the words that started them, in the memory of the window's page.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

/// A secret in every spelling in which it could lie somewhere.
#[derive(Debug, Clone)]
pub struct Secret {
    /// What it is.
    pub name: String,
    spellings: Vec<Vec<u8>>,
}

impl Secret {
    /// A text, and the bytes that it stands for when it is base64url.
    pub fn text(name: &str, text: &str) -> Self {
        let mut secret = Self { name: name.to_owned(), spellings: vec![text.as_bytes().to_vec()] };
        secret.spellings.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        if let Ok(bytes) = BASE64URL_NOPAD.decode(text.as_bytes()) {
            secret.spellings.extend(Self::bytes(name, &bytes).spellings);
        }
        secret
    }

    /// Bytes: as they are, in hexadecimal, in base64.
    pub fn bytes(name: &str, bytes: &[u8]) -> Self {
        let spelled = [
            HEXLOWER.encode(bytes),
            HEXUPPER.encode(bytes),
            BASE64.encode(bytes).trim_end_matches('=').to_owned(),
            BASE64URL_NOPAD.encode(bytes),
        ];
        let wide = spelled.iter().map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        let narrow = spelled.iter().map(|text| text.as_bytes().to_vec());
        let spellings = std::iter::once(bytes.to_vec()).chain(narrow).chain(wide).collect();
        Self { name: name.to_owned(), spellings }
    }
}

/// Looks for many secrets in one pass.
#[derive(Debug)]
pub struct Search {
    /// Whether any spelling begins with these two bytes; asked for every byte there is.
    begins: Vec<bool>,
    /// By the first two bytes: the spellings that begin so, and whose they are.
    spellings: HashMap<usize, Vec<(Vec<u8>, String)>>,
}

impl Search {
    /// For these secrets.
    pub fn new(secrets: &[Secret]) -> Self {
        let mut search = Self { begins: vec![false; 1 << 16], spellings: HashMap::new() };
        for secret in secrets {
            for spelling in secret.spellings.iter().filter(|spelling| spelling.len() >= 4) {
                let beginning = usize::from(spelling[0]) << 8 | usize::from(spelling[1]);
                search.begins[beginning] = true;
                let place = search.spellings.entry(beginning).or_default();
                place.push((spelling.clone(), secret.name.clone()));
            }
        }
        search
    }

    /// The names of those that are in there, in any spelling.
    pub fn found_in(&self, bytes: &[u8]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let begins: &[bool] = &self.begins;
        let mut last_two = 0;
        // Hundreds of megabytes go through here, unoptimised: no iterators.
        let mut at = 0;
        while at < bytes.len() {
            last_two = (last_two << 8 | usize::from(bytes[at])) & 0xffff;
            if begins[last_two] && at > 0 {
                let candidates = self.spellings.get(&last_two).into_iter().flatten();
                let there = candidates.filter(|(spelling, _)| bytes[at - 1..].starts_with(spelling));
                found.extend(there.map(|(_, name)| name.clone()));
            }
            at += 1;
        }
        found
    }
}

/// Every file below a folder, with what is in it. One that goes away meanwhile is none; pipes and sockets hold nothing.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn files(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Ok(bytes) = fs::read(entry.path())
            {
                found.push((entry.path(), bytes));
            }
        }
    }
    Ok(found)
}

/// A program that runs on one person's computer.
#[derive(Debug, Clone)]
pub struct Running {
    /// Its process id.
    pub id: u32,
    /// Its name, as the system shows it; cut to 15 characters.
    pub name: String,
    /// Arguments and environment, as every program of the same user can read them.
    pub words: Vec<u8>,
}

/// Programs whose home is `home`.
///
/// # Errors
/// When the system does not list processes.
pub fn running_in(home: &Path) -> Result<Vec<Running>> {
    let wanted = format!("HOME={}", home.display());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("cannot list processes")?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        let environment = read("environ");
        if environment.split(|byte| *byte == 0).any(|line| line == wanted.as_bytes()) {
            let name = String::from_utf8_lossy(&read("comm")).trim().to_owned();
            found.push(Running { id, name, words: [environment, read("cmdline")].concat() });
        }
    }
    Ok(found)
}

/// Arguments and environment of one process.
///
/// # Errors
/// When it is gone.
pub fn words_of(id: u32) -> Result<Vec<u8>> {
    Ok([fs::read(format!("/proc/{id}/environ"))?, fs::read(format!("/proc/{id}/cmdline"))?].concat())
}

/// Which of these are in the memory that a process has in use and can write to; `None` where the system lets nobody look.
///
/// # Errors
/// When the process is gone.
pub fn in_memory(id: u32, wanted: &[Secret]) -> Result<Option<BTreeSet<String>>> {
    /// In pieces that overlap by more than any spelling is long.
    const PIECE: u64 = 4 << 20;
    const OVERLAP: u64 = 4 << 10;
    let maps = fs::read_to_string(format!("/proc/{id}/smaps"));
    let (Ok(maps), Ok(memory), Ok(pages)) =
        (maps, File::open(format!("/proc/{id}/mem")), File::open(format!("/proc/{id}/pagemap")))
    else {
        return Ok(None);
    };
    let search = Search::new(wanted);
    let mut found = BTreeSet::new();
    let mut read_any = false;
    for (start, end) in in_use(&maps).into_iter().flat_map(|range| resident(&pages, range)) {
        let mut from = start;
        while from < end {
            let length = PIECE.min(end - from);
            let mut bytes = vec![0; usize::try_from(length)?];
            // What was given back meanwhile is no loss.
            let Ok(read) = memory.read_at(&mut bytes, from) else { break };
            read_any |= read > 0;
            found.extend(search.found_in(&bytes[..read]));
            from += if from + length >= end { length } else { length - OVERLAP };
        }
    }
    Ok(read_any.then_some(found))
}

/// The writable ranges of which some part is in use.
fn in_use(smaps: &str) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    let mut last = None;
    for line in smaps.lines() {
        let mut fields = line.split_whitespace();
        let (Some(first), Some(second)) = (fields.next(), fields.next()) else { continue };
        if let Some((start, end)) = first.split_once('-') {
            let number = |text| u64::from_str_radix(text, 16).ok();
            last = number(start).zip(number(end)).filter(|_| second.starts_with("rw"));
        } else if first == "Rss:" && second != "0" {
            ranges.extend(last.take());
        }
    }
    ranges
}

/// The parts of a range that are in memory (`pagemap`: eight bytes a page, the two highest bits say so). A page reserves
/// gigabytes that it never touches.
fn resident(pages: &File, (start, end): (u64, u64)) -> Vec<(u64, u64)> {
    const PAGE: u64 = 4 << 10;
    const PAGES_AT_ONCE: u64 = 64 << 10;
    let mut parts: Vec<(u64, u64)> = Vec::new();
    let mut from = start;
    while from < end {
        let count = ((end - from) / PAGE).clamp(1, PAGES_AT_ONCE);
        let mut entries = vec![0; usize::try_from(count * 8).unwrap_or(0)];
        let Ok(read) = pages.read_at(&mut entries, from / PAGE * 8) else {
            // No such file on this system: looked at all the same.
            return vec![(start, end)];
        };
        for (entry, page) in entries[..read].chunks_exact(8).zip((from..end).step_by(4 << 10)) {
            if entry[7] & 0xc0 == 0 {
                continue;
            }
            match parts.last_mut() {
                Some(part) if part.1 == page => part.1 += PAGE,
                _ => parts.push((page, page + PAGE)),
            }
        }
        from += count * PAGE;
    }
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let bytes: Vec<u8> = (0..32).map(|n| n * 7 + 3).collect();
        let text = BASE64URL_NOPAD.encode(&bytes);
        let secret = Secret::text("it", &text);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for spelled in [bytes.clone(), HEXLOWER.encode(&bytes).into(), text.clone().into_bytes(), wide] {
            let search = Search::new(std::slice::from_ref(&secret));
            assert_eq!(search.found_in(&[b"before ", &spelled[..], b" behind"].concat()).len(), 1);
            assert!(search.found_in(&spelled[1..]).is_empty());
        }
    }

    #[test]
    fn what_this_program_holds_is_found_in_its_own_memory() {
        let mine: Vec<u8> = std::hint::black_box((0..48).map(|n: u8| n.wrapping_mul(73) ^ 0xa5).collect());
        let Some(found) = in_memory(std::process::id(), &[Secret::bytes("mine", &mine)]).unwrap() else {
            return;
        };
        assert!(found.contains("mine"), "{found:?}");
    }
}
