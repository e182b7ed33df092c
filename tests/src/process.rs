//! Programs that run beside a scenario and end with it.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::patience;

/// A running program: in a process group of its own, its output in a file, ended on drop with all its children.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command`; both outputs go to `LOGS/NAME.log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, logs: &Path) -> Result<Self> {
        Self::start_with_input(name, command, logs, b"")
    }

    /// Like [`Program::start`], with something to read on standard input.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_with_input(name: &str, command: &mut Command, logs: &Path, input: &[u8]) -> Result<Self> {
        let log = unused(logs, name);
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = command
            .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input).with_context(|| format!("cannot write to {name}"))?;
        }
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// What it has written so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn output(&self) -> Result<String> {
        let bytes =
            std::fs::read(&self.log).with_context(|| format!("cannot read {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits until a line of output satisfies `wanted` and returns what `wanted` made of it.
    ///
    /// # Errors
    /// When the program ends first or the limit is over.
    pub async fn line<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> Result<T> {
        let what = format!("the first words of {}", self.name);
        let name = self.name.clone();
        let found = patience::until(&what, async || {
            if let Some(found) = self.output()?.lines().find_map(&wanted) {
                return Ok(Some(Ok(found)));
            }
            if let Some(status) = self.child.try_wait()? {
                let output = self.output()?;
                return Ok(Some(Err(anyhow::anyhow!("{name} ended early ({status}): {output}"))));
            }
            Ok(None)
        });
        found.await?
    }

    /// Process id, for signals.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits until it ends by itself, at most so long.
    ///
    /// # Errors
    /// When it still runs then, or ended with another code than 0; the message has its output.
    pub async fn end_within(&mut self, limit: Duration) -> Result<()> {
        let name = self.name.clone();
        let ended =
            patience::until_within(&format!("{name} to end"), limit, async || Ok(self.child.try_wait()?))
                .await;
        let output = self.output()?;
        let status = ended.with_context(|| format!("it said: {output}"))?;
        ensure!(status.success(), "{name} failed ({status}): {output}");
        Ok(())
    }

    /// Sends SIGTERM and waits until it has ended by itself.
    ///
    /// # Errors
    /// When it does not end within the limit.
    pub async fn terminate(mut self) -> Result<ExitStatus> {
        signal("TERM", &self.child.id().to_string());
        let name = self.name.clone();
        patience::until(&format!("{name} to end"), async || Ok(self.child.try_wait()?)).await
    }

    /// Ends it at once, without a word: what a power cut does.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("cannot kill {}", self.name))?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    /// SIGTERM to the program, then SIGKILL to what is left of its group. A driver that is killed at once leaves its
    /// browser behind, so it gets time to tidy up.
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        if matches!(self.child.try_wait(), Ok(None)) {
            signal("TERM", &self.child.id().to_string());
            for _ in 0..60 {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    break;
                }
                pause();
            }
        }
        signal("KILL", &group);
        // It was killed: the wait ends.
        let _status = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "drop cannot await; it gives a program time to end by itself")]
fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}

/// Sends a signal to a process, or to a group when `whom` starts with a dash. Nobody left is fine.
pub fn signal(name: &str, whom: &str) {
    let sent = Command::new("kill").args(["-s", name, "--", whom]).stderr(Stdio::null()).status();
    debug_assert!(sent.is_ok(), "kill is part of every Unix");
}

/// How long processors have worked for a process so far, with all its threads, those that ended too.
///
/// # Errors
/// When it does not run.
pub fn work(id: u32) -> Result<Duration> {
    if let Ok(text) = std::fs::read_to_string(format!("/proc/{id}/stat")) {
        // The second word is the name in brackets, which may hold spaces; utime and stime are words 14 and 15.
        let (_, rest) = text.rsplit_once(')').with_context(|| format!("cannot read {text:?}"))?;
        let ticks: Vec<u64> =
            rest.split_whitespace().skip(11).take(2).filter_map(|word| word.parse().ok()).collect();
        ensure!(ticks.len() == 2, "cannot read {text:?}");
        return Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 10));
    }
    // MM:SS with hundredths where there is no /proc.
    let text = output(Command::new("ps").args(["-o", "time=", "-p", &id.to_string()]))?;
    let mut seconds = 0.0;
    for part in text.trim().split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>().with_context(|| format!("cannot read {text:?}"))?;
    }
    Ok(Duration::try_from_secs_f64(seconds)?)
}

/// Runs a program to its end and returns standard output.
///
/// # Errors
/// When it cannot be started or fails; the message has its standard error.
pub fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `NAME.log`, or `NAME-2.log` and so on when a program is started again.
fn unused(logs: &Path, name: &str) -> PathBuf {
    let mut path = logs.join(format!("{name}.log"));
    let mut number = 1;
    while path.exists() {
        number += 1;
        path = logs.join(format!("{name}-{number}.log"));
    }
    path
}
