//! One node: a process with a port and a folder of its own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::process::signal;
use e2e::{patience, programs};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::client::Http;

const PROGRAM: &str = "countersign-server-controlled";
const NOW: &str = "1800000000";
/// Ends a test that would wait for ever; nothing is expected to come near it.
const LIMIT: Duration = Duration::from_mins(5);

/// A node that runs, or that has ended.
pub(crate) struct Node {
    folder: TempDir,
    variables: Vec<(String, String)>,
    origin: String,
    running: Option<(Child, SocketAddr)>,
}

impl Node {
    /// Starts one with these settings, by their environment variables.
    pub(crate) async fn start(origin: &str, variables: Vec<(String, String)>) -> Result<Self> {
        let mut node = Self::new(origin, variables)?;
        node.start_again().await?;
        Ok(node)
    }

    /// One that does not run yet.
    pub(crate) fn new(origin: &str, variables: Vec<(String, String)>) -> Result<Self> {
        let folder = TempDir::with_prefix("countersign-node-").context("no temporary folder")?;
        Ok(Self { folder, variables, origin: origin.to_owned(), running: None })
    }

    /// Starts it, at another port each time.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log"))?;
        let mut child = self.serving()?.stderr(log).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("standard output")?).lines();
        let address = loop {
            let Some(line) = tokio::time::timeout(LIMIT, lines.next_line()).await?? else {
                bail!("the node did not start: {}", self.log()?);
            };
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = said["address"].as_str() {
                break address.parse()?;
            }
        };
        // Nobody reads on; a pipe that is closed would be an error to its next word.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.running = Some((child, address));
        Ok(())
    }

    /// Another setting, by its environment variable, from its next start on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Ends it in order and starts it again.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.leave()?;
        self.left().await?;
        self.start_again().await
    }

    /// From its next start on, its server key is the one in its folder: these lines.
    pub(crate) fn keep_key(&mut self, lines: &str) -> Result<()> {
        use std::os::unix::fs::OpenOptionsExt as _;
        self.variables.retain(|(name, _)| name != "COUNTERSIGN_SERVER_KEY");
        std::fs::create_dir_all(self.folder.path().join("data"))?;
        let mut options = std::fs::File::options();
        options.create(true).write(true).truncate(true).mode(0o600);
        options.open(self.key_file())?.write_all(lines.as_bytes()).context("cannot write the key")
    }

    /// What is in its key file.
    pub(crate) fn kept_key(&self) -> Result<String> {
        std::fs::read_to_string(self.key_file()).context("no key file")
    }

    /// Lets it read its key file again, and waits until it says what came of that.
    pub(crate) async fn reload(&self) -> Result<String> {
        let before = self.log()?.len();
        let (child, _) = self.running.as_ref().context("the node does not run")?;
        signal("HUP", &child.id().context("the node has ended")?.to_string());
        patience::until("what the node says about its key", async || {
            let log = self.log()?;
            let said = log[before..].lines().find(|line| line.contains("server key"));
            Ok(said.filter(|_| log.ends_with('\n')).map(str::to_owned))
        })
        .await
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("data").join("server.key")
    }

    /// Tries to start it; its exit code and what it said.
    pub(crate) async fn start_fails(&self) -> Result<(Option<i32>, String)> {
        let mut child = self.serving()?.stderr(Stdio::piped()).spawn()?;
        let status = ended(&mut child).await?;
        let mut said = String::new();
        child.stderr.take().context("standard error")?.read_to_string(&mut said).await?;
        Ok((status.code(), said))
    }

    /// Tells it to end, as an operator does, and goes on at once.
    pub(crate) fn leave(&self) -> Result<()> {
        let (child, _) = self.running.as_ref().context("the node does not run")?;
        signal("TERM", &child.id().context("the node has ended")?.to_string());
        Ok(())
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn left(&mut self) -> Result<ExitStatus> {
        let (mut child, _) = self.running.take().context("the node does not run")?;
        ended(&mut child).await
    }

    /// Ends it as a power cut does.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        let (mut child, _) = self.running.take().context("the node does not run")?;
        child.kill().await.context("cannot kill the node")
    }

    /// It dies when it comes to this place, as by `kill -9`.
    pub(crate) async fn die_at(&self, place: &str) -> Result<()> {
        self.order(&format!("die {place}")).await
    }

    /// Lets time pass in it.
    pub(crate) async fn pass_s(&self, seconds: u32) -> Result<()> {
        self.order(&format!("pass {seconds}")).await
    }

    async fn order(&self, order: &str) -> Result<()> {
        let mut stream = BufReader::new(UnixStream::connect(self.folder.path().join("orders")).await?);
        stream.get_mut().write_all(format!("{order}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        ensure!(answer.trim().parse::<i64>().is_ok(), "{order} was answered with {answer:?}");
        Ok(())
    }

    /// Calls to it.
    pub(crate) fn http(&self) -> Result<Http> {
        // One provider in the process; another test may have been first.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let (_, address) = self.running.as_ref().context("the node does not run")?;
        Http::new(&format!("http://{address}"), &self.origin, None)
    }

    /// Whether it says that it can take calls.
    pub(crate) async fn is_ready(&self) -> Result<bool> {
        let answer = self.http()?.get("/health/ready").await?.one_of(&[200, 503])?;
        Ok(answer.status == 200)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join("log"))?)
    }

    /// `countersign-server ARGS --json` with its settings; standard output.
    pub(crate) async fn operate(&self, args: &[&str]) -> Result<String> {
        let mut command = self.command()?;
        let output = command.args(args).args(["--json", "--origin", &self.origin]).output().await?;
        if !output.status.success() {
            bail!(
                "{} ended with {}: {}",
                args.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn serving(&self) -> Result<Command> {
        let mut command = self.command()?;
        command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--origin", &self.origin]);
        command.env("TEST_CONTROL_SOCKET", self.folder.path().join("orders"));
        command.stdout(Stdio::piped()).kill_on_drop(true);
        Ok(command)
    }

    /// The program with the settings of this node and nothing of the shell's.
    fn command(&self) -> Result<Command> {
        let mut command = Command::new(programs::built(PROGRAM)?);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") {
                command.env_remove(name);
            }
        }
        command.env("TEST_CONTROL_NOW", NOW).env("COUNTERSIGN_LOG", "info");
        command.env("COUNTERSIGN_DATA", self.folder.path().join("data"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir("/").stdin(Stdio::null());
        Ok(command)
    }
}

async fn ended(child: &mut Child) -> Result<ExitStatus> {
    Ok(tokio::time::timeout(LIMIT, child.wait()).await.context("it did not end")??)
}
