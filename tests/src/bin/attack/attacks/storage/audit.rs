//! A tampered, cut, reordered or rewritten audit log is found, at the entry.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use e2e::patience;
use serde_json::Value;

use super::dump::dump;
use crate::attacks::{Attack, Held, attacks, conformance};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["storage", OwnServer;
        audit_export_verifies,
        audit_entry_changed,
        audit_entry_cut,
        audit_entry_added,
        audit_entries_swapped,
        audit_tail_cut,
        audit_chain_rewritten,
        audit_is_anchored,
        rolled_back_head_is_visible,
    ]
}

/// An export with a login in it, as lines.
async fn exported(ground: &Ground) -> Result<Vec<String>> {
    ground.signed_in().await?;
    let file = ground.server()?.scratch().join("audit.jsonl");
    let _older = std::fs::remove_file(&file);
    ground.server()?.operate(&["audit", "export", "--out", &file.to_string_lossy()]).await?;
    let lines: Vec<String> = std::fs::read_to_string(&file)?.lines().map(str::to_owned).collect();
    ensure!(lines.len() >= 5, "only {} lines", lines.len());
    Ok(lines)
}

/// Verifies these lines; exit code and all that it says.
async fn verify(ground: &Ground, lines: &[String]) -> Result<(i32, String)> {
    let file = ground.server()?.scratch().join(format!("{}.jsonl", crate::client::random_name()));
    std::fs::write(&file, lines.join("\n") + "\n")?;
    let (code, out, error) =
        ground.server()?.operate_freely(&["audit", "verify", &file.to_string_lossy()]).await?;
    Ok((code, format!("{out}{error}")))
}

/// Must be found, and at this line (counted from 1).
async fn found(ground: &Ground, lines: &[String], at: usize) -> Result<()> {
    let (code, said) = verify(ground, lines).await?;
    ensure!(code == 5, "verify ended with {code}: {said}");
    let numbers: Vec<usize> =
        said.split(|sign: char| !sign.is_ascii_digit()).filter_map(|text| text.parse().ok()).collect();
    ensure!(numbers.contains(&at), "line {at} was changed; verify said: {said}");
    Ok(())
}

async fn audit_export_verifies(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let lines = exported(&ground).await?;
    let (code, said) = verify(&ground, &lines).await?;
    ensure!(code == 0, "verify ended with {code}: {said}");
    Ok(format!("{} lines verify", lines.len()))
}

/// Every member of an entry in the middle, changed.
async fn audit_entry_changed(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let lines = exported(&ground).await?;
    let at = lines.len() / 2;
    let entry: Value = serde_json::from_str(&lines[at])?;
    let mut changed = Vec::new();
    for name in ["chain", "seq", "at", "kind", "body", "hash"] {
        let Some(value) = entry.get(name) else { continue };
        let mut bent = entry.clone();
        bent[name] = match value {
            Value::Number(number) => Value::from(number.as_u64().unwrap_or(0) + 1),
            Value::String(text) => Value::from(format!("{text}x")),
            _ => Value::from("x"),
        };
        let mut tampered = lines.clone();
        tampered[at] = bent.to_string();
        found(&ground, &tampered, at + 1).await.with_context(|| name.to_owned())?;
        changed.push(name);
    }
    ensure!(changed.len() >= 5, "an entry has only {changed:?}");
    Ok(format!("{changed:?}, each found at its line"))
}

async fn audit_entry_cut(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let mut lines = exported(&ground).await?;
    let at = second_of_a_chain(&lines)?;
    lines.remove(at);
    // What follows does not fit any more.
    found(&ground, &lines, at + 1).await?;
    Ok("found at the line that follows".to_owned())
}

/// An entry that has a predecessor and a successor of its own chain beside it.
fn second_of_a_chain(lines: &[String]) -> Result<usize> {
    let chain = |at: usize| -> Option<Value> {
        let entry: Value = serde_json::from_str(lines.get(at)?).ok()?;
        entry.get("chain").cloned()
    };
    (1..lines.len() - 1)
        .find(|at| chain(*at).is_some() && chain(*at - 1) == chain(*at) && chain(*at + 1) == chain(*at))
        .context("no three entries of one chain in a row")
}

async fn audit_entry_added(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let mut lines = exported(&ground).await?;
    let at = second_of_a_chain(&lines)?;
    lines.insert(at, lines[at].clone());
    found(&ground, &lines, at + 2).await?;
    Ok("a copy is found at its line".to_owned())
}

async fn audit_entries_swapped(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let mut lines = exported(&ground).await?;
    let at = second_of_a_chain(&lines)?;
    lines.swap(at, at + 1);
    found(&ground, &lines, at + 1).await?;
    Ok("found at the first of the two".to_owned())
}

/// Guard: the export says how it ends, or a tail could go unnoticed.
async fn audit_tail_cut(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    exported(&ground).await?;
    // Once the anchor covers the heads, a chain without its tail does not match it.
    let lines = anchored_export(&ground).await?;
    let anchored = anchored_tail(&lines)?;
    let mut cut = lines.clone();
    cut.remove(anchored);
    let (code, said) = verify(&ground, &cut).await?;
    ensure!(code == 5, "an anchored chain lost its last entry and verify ended with {code}: {said}");
    Ok(format!("exit code 5: {}", said.trim()))
}

/// The last entry of the first chain that is not the anchor's.
fn anchored_tail(lines: &[String]) -> Result<usize> {
    let chain = |line: &String| {
        serde_json::from_str::<Value>(line).ok().and_then(|entry| entry["chain"].as_str().map(str::to_owned))
    };
    let first =
        lines.iter().filter_map(chain).find(|chain| chain != "anchor").context("no account's chain")?;
    lines.iter().rposition(|line| chain(line).as_deref() == Some(&first)).context("no last entry")
}

/// An export in which an anchor covers the end of the first chain: one that was made in the middle of a login does not.
async fn anchored_export(ground: &Ground) -> Result<Vec<String>> {
    patience::until("an anchor over the end of the chain", async || {
        ground.hand()?.pass(60).await?;
        let lines = exported_now(ground).await?;
        let read = |line: &String| serde_json::from_str::<Value>(line).ok();
        let tail = read(&lines[anchored_tail(&lines)?]).context("the last entry is not JSON")?;
        let mut anchors = lines.iter().filter_map(read).filter(|entry| entry["chain"] == "anchor");
        let covers = |anchor: Value| {
            let body: Value =
                serde_json::from_str(anchor["body"].as_str().unwrap_or_default()).unwrap_or_default();
            let heads = body["heads"].as_array().cloned().unwrap_or_default();
            heads.iter().any(|head| head["chain"] == tail["chain"] && head["seq"] == tail["seq"])
        };
        let is_covered = anchors.any(covers);
        Ok(is_covered.then_some(lines))
    })
    .await
}

async fn exported_now(ground: &Ground) -> Result<Vec<String>> {
    let file = ground.server()?.scratch().join(format!("{}.jsonl", crate::client::random_name()));
    ground.server()?.operate(&["audit", "export", "--out", &file.to_string_lossy()]).await?;
    Ok(std::fs::read_to_string(&file)?.lines().map(str::to_owned).collect())
}

/// A whole chain computed anew, with right hashes all along, after an entry was changed: the anchor tells.
async fn audit_chain_rewritten(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    ground.signed_in().await?;
    let lines = anchored_export(&ground).await?;
    let tail = anchored_tail(&lines)?;
    let rewritten = conformance::rewrite(&lines, tail)?;
    let (code, said) = verify(&ground, &rewritten).await?;
    ensure!(code == 5, "a rewritten chain verifies ({code}): {said}");
    Ok(format!("exit code 5: {}", said.trim()))
}

async fn audit_is_anchored(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    ground.signed_in().await?;
    anchored_export(&ground).await?;
    Ok("the heads are written into the chain anchor".to_owned())
}

/// What the authenticator remembers: after the operator puts an older database back, the head does not extend it.
async fn rolled_back_head_is_visible(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let (_, device) = ground.signed_in().await?;
    let server = ground.server()?;
    server.drain().await?;
    patience::until("the end", async || Ok(ground.http().get("/health/live").await.is_err().then_some(())))
        .await?;
    server.kill().await?;
    let backup = dump(&server.data())?;
    server.start_again().await?;
    ground.http().forget_nonce();
    let page = ground.page().await?;
    device.approve(&page).await?;
    let head = device.get("/api/activity?after=0").await?.is(200)?.json()?["head"].clone();
    server.kill().await?;
    for (name, _) in dump(&server.data())?.iter().filter(|(name, _)| name.contains("sqlite")) {
        std::fs::remove_file(server.data().join(name))?;
    }
    for (name, bytes) in backup.iter().filter(|(name, _)| name.contains("sqlite")) {
        std::fs::write(server.data().join(name), bytes)?;
        std::fs::set_permissions(server.data().join(name), std::fs::Permissions::from_mode(0o600))?;
    }
    server.start_again().await?;
    ground.http().forget_nonce();
    let seq = head["seq"].as_u64().context("no head")?;
    let later = device.get(&format!("/api/activity?after={}", seq - 1)).await?.is(200)?.json()?;
    let extends = later["entries"].as_array().is_some_and(|all| {
        all.first().is_some_and(|entry| entry["seq"] == seq && entry["hash"] == head["hash"])
    });
    ensure!(!extends, "the rolled-back server still shows the entry: {later}");
    let claimed = later["head"]["seq"].as_u64().unwrap_or(0);
    ensure!(claimed < seq, "the rolled-back server claims head {claimed}, it had {seq}");
    Ok(format!("the head was {seq} and is {claimed}: whoever kept it sees it"))
}
