//! One node: the program as it is shipped, behind lines of its own.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::process::signal;
use e2e::{patience, programs};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::client::Http;
use crate::line::Line;

/// No address of any node: something stands in front of them.
pub(crate) const ORIGIN: &str = "https://login.example.com";

const PROGRAM: &str = "countersign-server";
const SIGKILL: i32 = 9;
/// Ends a run that would wait for ever; nothing is expected to come near it.
const LIMIT: Duration = Duration::from_mins(5);
/// Lines of a node's log that are kept, to say why it did not start.
const KEPT_LINES: usize = 30;

/// Limits that thousands of logins from one address would run into.
const RAISED: [(&str, &str); 4] = [
    ("COUNTERSIGN_LIMITS_LIVE_REQUESTS_PER_ADDRESS", "1000000"),
    ("COUNTERSIGN_LIMITS_LIVE_REQUESTS", "1000000"),
    ("COUNTERSIGN_LIMITS_STARTS_PER_ADDRESS", "1000000"),
    ("COUNTERSIGN_LIMITS_FAILED_PROOFS_PER_ADDRESS", "1000000"),
];

/// The raised limits, for people.
pub(crate) fn raised() -> String {
    RAISED.map(|(name, value)| format!("{name}={value}")).join(" ")
}

/// A node that runs, or that has ended.
pub(crate) struct Node {
    folder: TempDir,
    variables: Vec<(String, String)>,
    running: Option<Child>,
    said: Arc<Mutex<Vec<String>>>,
    /// Between the people and it.
    pub(crate) front: Line,
    /// Between it and its stores.
    pub(crate) behind: Vec<Line>,
}

impl Node {
    /// Starts one with these settings, by their environment variables, which lead it to its stores by these lines.
    pub(crate) async fn start(variables: Vec<(String, String)>, behind: Vec<Line>) -> Result<Self> {
        let folder = TempDir::with_prefix("countersign-faults-").context("no temporary folder")?;
        let front = Line::open().await?;
        let mut node = Self { folder, variables, running: None, said: Arc::default(), front, behind };
        node.start_again().await?;
        Ok(node)
    }

    /// Starts it, at another port each time; its front leads there.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        // Without the trap the signal of a file that is too long would end the process.
        let mut command = Command::new("sh");
        command.arg("-c").arg("trap '' XFSZ; exec \"$0\" \"$@\"").arg(programs::built(PROGRAM)?);
        self.environment(&mut command);
        command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--origin", ORIGIN]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        // Not into a file: a full disk would be full for the log, too.
        let mut log = BufReader::new(child.stderr.take().context("standard error")?).lines();
        let said = Arc::clone(&self.said);
        tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                said.push(line);
                let over = said.len().saturating_sub(KEPT_LINES);
                said.drain(..over);
            }
        });
        let mut lines = BufReader::new(child.stdout.take().context("standard output")?).lines();
        let address: SocketAddr = loop {
            let Some(line) = tokio::time::timeout(LIMIT, lines.next_line()).await?? else {
                bail!("the node did not start: {}", self.last_words());
            };
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = said["address"].as_str() {
                break address.parse()?;
            }
        };
        // Nobody reads on; a pipe that is closed would be an error to its next word.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.running = Some(child);
        self.front.lead_to(address);
        Ok(())
    }

    /// Its process, for signals.
    pub(crate) fn id(&self) -> Result<String> {
        let child = self.running.as_ref().context("the node does not run")?;
        Ok(child.id().context("the node has ended by itself")?.to_string())
    }

    /// Ends it as a power cut does.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        let status = self.ends_by("KILL").await?;
        ensure!(status.signal() == Some(SIGKILL), "the node ended with {status} before it was killed");
        Ok(())
    }

    /// Ends it as its operator does.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let status = self.ends_by("TERM").await?;
        ensure!(status.success(), "the node ended with {status}: {}", self.last_words());
        Ok(())
    }

    async fn ends_by(&mut self, name: &str) -> Result<ExitStatus> {
        signal(name, &self.id()?);
        let mut child = self.running.take().context("the node does not run")?;
        Ok(tokio::time::timeout(LIMIT, child.wait()).await.context("the node did not end")??)
    }

    /// No file of the process gets longer than that from now on; `None`: as long as they like.
    pub(crate) async fn leave_room(&self, bytes: Option<u64>) -> Result<()> {
        let room = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let done = Command::new("prlimit")
            .args(["--pid", &self.id()?, &format!("--fsize={room}:")])
            .status()
            .await?;
        ensure!(done.success(), "prlimit ended with {done}");
        Ok(())
    }

    /// Calls to it.
    pub(crate) fn http(&self) -> Result<Http> {
        Http::new(&format!("http://{}", self.front.address()), ORIGIN, None)
    }

    /// Waits until it says that it can take calls.
    pub(crate) async fn is_ready(&self) -> Result<()> {
        let http = self.http()?;
        let ready = patience::until("a node to be ready", async || {
            http.get("/health/ready").await?.is(200).map(Some)
        });
        ready.await.map(drop).with_context(|| self.last_words())
    }

    /// `countersign-server ARGS --json` with its settings; standard output.
    pub(crate) async fn operate(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(programs::built(PROGRAM)?);
        self.environment(&mut command);
        let output = command.args(args).args(["--json", "--origin", ORIGIN]).output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} ended with {}: {said}", args.join(" "), output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The log of all accounts is whole, from its first entry to its last.
    pub(crate) async fn log_verifies(&self) -> Result<()> {
        let file = self.folder.path().join("audit.jsonl");
        let file = file.to_string_lossy();
        self.operate(&["audit", "export", "--out", &file]).await?;
        self.operate(&["audit", "verify", &file]).await.map(drop)
    }

    /// The settings of this node and nothing of the shell's.
    fn environment(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") {
                command.env_remove(name);
            }
        }
        command.env("COUNTERSIGN_LOG", "warn").env("COUNTERSIGN_DATA", self.folder.path().join("data"));
        command.envs(RAISED).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir("/").stdin(Stdio::null());
    }

    fn last_words(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}
