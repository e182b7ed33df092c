//! The account's activity and its chain.

use anyhow::{Context as _, ensure};
use ring::digest::{Context as Hasher, SHA256};
use serde_json::Value;

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Device, from_base64url};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["conformance", OneAccount; activity_is_contiguous_and_paged, activity_hashes_follow_the_text]
}

/// All entries of an account, in order.
///
/// # Errors
/// When the pages do not fit together.
pub(crate) async fn whole_activity(device: &Device) -> anyhow::Result<Vec<Value>> {
    let mut entries: Vec<Value> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry["seq"].as_u64().unwrap_or(0));
        let body = device.get(&format!("/api/activity?after={after}")).await?.is(200)?.json()?;
        let page = body["entries"].as_array().context("no entries")?.clone();
        let Some(last) = page.last() else { return Ok(entries) };
        ensure!(
            body["head"]["seq"] == last["seq"] && body["head"]["hash"] == last["hash"],
            "head is not the last"
        );
        entries.extend(page);
    }
}

async fn activity_is_contiguous_and_paged(ground: Ground) -> Held {
    let (_, device) = ground.signed_in().await?;
    let entries = whole_activity(&device).await?;
    ensure!(entries.len() >= 3, "only {} entries after enrolment and login", entries.len());
    let first = entries[0]["seq"].as_u64().context("no seq")?;
    for (expected, entry) in (first..).zip(&entries) {
        ensure!(entry["seq"].as_u64() == Some(expected), "{expected} was due, {entry} came");
        for member in ["seq", "at", "kind", "address", "device", "session", "summary", "body", "hash"] {
            ensure!(entry.get(member).is_some(), "no {member} in {entry}");
        }
    }
    let head = device.get("/api/activity").await?.is(200)?.json()?;
    ensure!(head["head"]["hash"].is_string(), "{head}");
    for after in ["x", "-1", "99999999999999999999", "1e3"] {
        device.get(&format!("/api/activity?after={after}")).await?.refuses(400, "malformed")?;
    }
    Ok(format!("{} entries, each with every member", entries.len()))
}

/// `hash = SHA-256(previous, then each of chain, seq, at, kind, body as 4-byte length and bytes)`.
fn hash(previous: &[u8], parts: [&str; 5]) -> Vec<u8> {
    let mut hasher = Hasher::new(&SHA256);
    hasher.update(previous);
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        hasher.update(&length.to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finish().as_ref().to_vec()
}

async fn activity_hashes_follow_the_text(ground: Ground) -> Held {
    let (_, device) = ground.signed_in().await?;
    let entries = whole_activity(&device).await?;
    let mut previous: Vec<u8> = Vec::new();
    let mut checked = 0;
    for entry in &entries {
        let number = |name: &str| entry[name].as_u64().map(|number| number.to_string()).unwrap_or_default();
        let (seq, at) = (number("seq"), number("at"));
        let kind = entry["kind"].as_str().context("kind is no text")?;
        let body = entry["body"].as_str().with_context(|| format!("body is no text: {entry}"))?;
        let found = from_base64url(entry["hash"].as_str().context("hash is no text")?)?;
        let due = hash(&previous, [&device.account, &seq, &at, kind, body]);
        if checked > 0 || entry["seq"] == 1 {
            let from_zeros = hash(&[0; 32], [&device.account, &seq, &at, kind, body]);
            ensure!(found == due || (checked == 0 && found == from_zeros), "{entry} has another hash");
        }
        checked += 1;
        previous = found;
    }
    Ok(format!("{checked} hashes computed from the text"))
}

/// An export whose entry at `at` has another body and whose chain has right hashes again from there on: what an operator
/// can compute who does not touch the anchor.
///
/// # Errors
/// When a line is no entry.
pub(crate) fn rewrite(lines: &[String], at: usize) -> anyhow::Result<Vec<String>> {
    let mut lines = lines.to_vec();
    let mut changed: Value = serde_json::from_str(&lines[at])?;
    let chain = changed["chain"].as_str().context("no chain")?.to_owned();
    let entries = lines[..at].iter().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let previous =
        entries.filter(|entry| entry["chain"] == chain.as_str()).map(|entry| entry["hash"].clone()).next();
    let previous =
        previous.as_ref().and_then(Value::as_str).map(from_base64url).transpose()?.unwrap_or_default();
    let body = format!("{} ", changed["body"].as_str().context("no body")?);
    let number = |name: &str| changed[name].as_u64().map(|number| number.to_string()).unwrap_or_default();
    let kind = changed["kind"].as_str().context("no kind")?;
    let found = hash(&previous, [&chain, &number("seq"), &number("at"), kind, &body]);
    changed["hash"] = Value::from(crate::client::base64url(&found));
    changed["body"] = Value::from(body);
    lines[at] = changed.to_string();
    Ok(lines)
}
