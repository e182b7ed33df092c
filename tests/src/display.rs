//! A display of one's own.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::Program;
use crate::programs;

/// An X server without a screen to look at.
#[derive(Debug)]
pub struct Display {
    name: String,
    _server: Program,
}

impl Display {
    /// Starts one; the X server picks a free number.
    ///
    /// # Errors
    /// When Xvfb is missing or does not start.
    pub async fn start(logs: &Path) -> Result<Self> {
        let mut command = Command::new(programs::installed(&["Xvfb"])?);
        // Without -noreset the server starts over when its last client leaves, and the next one fails half the time.
        command.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-noreset", "-nolisten", "tcp"]);
        let mut server = Program::start("xvfb", &mut command, logs)?;
        let number = server.line(|line| line.trim().parse::<u32>().ok()).await?;
        Ok(Self { name: format!(":{number}"), _server: server })
    }

    /// For `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }
}
