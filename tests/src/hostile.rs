//! Codes that mean harm, out of `tests/data/hostile-codes.json`; the authenticator's own tests read all of them.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::programs;

/// One of them, its addresses filled in.
#[derive(Debug, Clone)]
pub struct HostileCode {
    /// What it is.
    pub name: String,
    /// What it holds.
    pub text: String,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    repeat: String,
    #[serde(default)]
    times: usize,
}

/// Those of these names. `here` is where an enrolled server listens, `there` where nobody should ever knock; `canary` a
/// file that a shell would make.
///
/// # Errors
/// When a name is not in the file.
pub fn codes(names: &[&str], here: &str, there: &str, canary: &str) -> Result<Vec<HostileCode>> {
    let path = programs::repo().join("tests/data/hostile-codes.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let entries: Vec<Entry> = serde_json::from_str(&text)?;
    let (host, port) = here.rsplit_once(':').context("an address has a port")?;
    let code = "A".repeat(40);
    let one = |name: &&str| {
        let entry = entries
            .iter()
            .find(|entry| entry.name == **name)
            .with_context(|| format!("there is no code {name:?}"))?;
        let text = format!("{}{}", entry.text, entry.repeat.repeat(entry.times))
            .replace("{here_host}", host)
            .replace("{here_port}", port)
            .replace("{here}", here)
            .replace("{there}", there)
            .replace("{THERE}", there)
            .replace("{canary}", canary)
            .replace("{code}", &code);
        Ok(HostileCode { name: entry.name.clone(), text })
    };
    names.iter().map(one).collect()
}
