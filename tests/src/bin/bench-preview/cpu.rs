//! CPU time out of /proc.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result};

/// Ticks a second in /proc; fixed for user space on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// CPU seconds so far of every process that this one started, and of theirs.
pub(crate) fn descendants_s() -> Result<f64> {
    let mut processes: HashMap<u32, (u32, u64)> = HashMap::new();
    for entry in fs::read_dir("/proc").context("cannot read /proc")?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that has just ended is none of ours any more.
        if let Some(process) =
            fs::read_to_string(entry.path().join("stat")).ok().and_then(|stat| parsed(&stat))
        {
            processes.insert(id, process);
        }
    }
    let own = std::process::id();
    let is_ours = |mut id: u32| loop {
        match processes.get(&id) {
            Some((parent, _)) if *parent == own => return true,
            Some((parent, _)) if *parent != id && *parent != 0 => id = *parent,
            _ => return false,
        }
    };
    let ticks: u64 = processes.iter().filter(|(id, _)| is_ours(**id)).map(|(_, (_, ticks))| ticks).sum();
    #[expect(clippy::cast_precision_loss, reason = "a machine that ran for ever would lose some ticks")]
    let ticks = ticks as f64;
    Ok(ticks / TICKS)
}

/// Parent and ticks in user and kernel mode, out of a `stat` line; the name before them may hold anything.
fn parsed(stat: &str) -> Option<(u32, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some((fields.get(1)?.parse().ok()?, ticks))
}
