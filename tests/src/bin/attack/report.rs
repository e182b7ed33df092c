//! What held and what broke, for people and for programs.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// How one attack ended.
pub(crate) struct Verdict {
    /// `theme.attack`.
    pub(crate) name: String,
    /// Whether the server held.
    pub(crate) held: bool,
    /// What was tried and seen.
    pub(crate) detail: String,
}

impl Verdict {
    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let word = if self.held { "held  " } else { "BROKEN" };
        format!("{word}  {}: {}", self.name, self.detail)
    }

    /// The same for programs: `{"name", "held", "detail"}`.
    pub(crate) fn json(&self) -> Value {
        json!({"name": self.name, "held": self.held, "detail": self.detail})
    }
}

/// Writes `{"attacks": [{"name", "held", "detail"}]}`.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(file: &Path, verdicts: &[Verdict]) -> Result<()> {
    let attacks: Vec<_> = verdicts.iter().map(Verdict::json).collect();
    let text = serde_json::to_string_pretty(&json!({"attacks": attacks}))?;
    std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}
