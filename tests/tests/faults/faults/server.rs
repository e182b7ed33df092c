//! The server with its time and its end in the hands of a test.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::programs;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::client::Http;

/// Not the address that it listens at: that may be another one after each start, so no port has to be free again.
const ORIGIN: &str = "https://login.example.com";

const PROGRAM: &str = "countersign-server-controlled";
const NOW: &str = "1800000000";
const SIGKILL: i32 = 9;
/// Ends a test that would wait for ever; nothing is expected to come near it.
const LIMIT: Duration = Duration::from_mins(5);

/// A server that runs, or that died.
pub(crate) struct Server {
    folder: TempDir,
    origin: String,
    running: Option<(Child, SocketAddr)>,
}

impl Server {
    /// Starts one with empty data.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_for(ORIGIN).await
    }

    /// The same with this public origin.
    pub(crate) async fn start_for(origin: &str) -> Result<Self> {
        let folder = TempDir::with_prefix("countersign-faults-").context("no temporary folder")?;
        let mut server = Self { folder, origin: origin.to_owned(), running: None };
        server.start_again().await?;
        Ok(server)
    }

    /// Starts it on the data that is there.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let command = self.command(programs::built(PROGRAM)?.as_path());
        self.launch(command).await
    }

    /// The same, with no file longer than so many blocks of 512 bytes: what a full disk refuses.
    pub(crate) async fn start_again_with_room(&mut self, blocks: u64) -> Result<()> {
        let mut command = self.command(Path::new("sh"));
        // Without the trap the signal of a file that is too long would end the process.
        let script = format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(programs::built(PROGRAM)?);
        self.launch(command).await
    }

    /// Takes the limit on files away from the running process.
    pub(crate) async fn make_room(&self) -> Result<()> {
        let (child, _) = self.running.as_ref().context("the server does not run")?;
        let id = child.id().context("the server ended")?.to_string();
        let done = Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited:"]).status().await?;
        ensure!(done.success(), "prlimit ended with {done}");
        Ok(())
    }

    /// Tries to start it and gives its exit code and what it said.
    pub(crate) async fn start_fails(&mut self) -> Result<(Option<i32>, String)> {
        let mut command = self.command(programs::built(PROGRAM)?.as_path());
        self.serve(&mut command);
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let status = ended(&mut child).await?;
        let mut said = String::new();
        child.stderr.take().context("standard error")?.read_to_string(&mut said).await?;
        Ok((status.code(), said))
    }

    async fn launch(&mut self, mut command: Command) -> Result<()> {
        self.serve(&mut command);
        let log = std::fs::File::options().create(true).append(true).open(self.path("log"))?;
        let mut child = command.stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("standard output")?).lines();
        let address = loop {
            let Some(line) = tokio::time::timeout(LIMIT, lines.next_line()).await?? else {
                bail!("the server did not start: {}", std::fs::read_to_string(self.path("log"))?);
            };
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = said["address"].as_str() {
                break address.parse()?;
            }
        };
        // Nobody reads on; a pipe that is closed would be an error to the server's next word.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.running = Some((child, address));
        Ok(())
    }

    fn serve(&self, command: &mut Command) {
        command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--origin", &self.origin, "--data"]);
        command.arg(self.data());
    }

    /// A program with the environment of a controlled server and nothing of the shell's settings.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") {
                command.env_remove(name);
            }
        }
        command.env("TEST_CONTROL_NOW", NOW).env("TEST_CONTROL_SOCKET", self.path("orders"));
        command.env("COUNTERSIGN_LOG", "info").current_dir("/").stdin(Stdio::null());
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("countersign.sqlite")
    }

    /// It dies when it comes to this place.
    pub(crate) async fn die_at(&self, place: &str) -> Result<()> {
        self.order(&format!("die {place}")).await
    }

    /// Lets time pass in it.
    pub(crate) async fn pass_s(&self, seconds: u32) -> Result<()> {
        self.order(&format!("pass {seconds}")).await
    }

    async fn order(&self, order: &str) -> Result<()> {
        let mut stream = BufReader::new(UnixStream::connect(self.path("orders")).await?);
        stream.get_mut().write_all(format!("{order}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        ensure!(answer.trim().parse::<i64>().is_ok(), "{order} was answered with {answer:?}");
        Ok(())
    }

    /// Waits until it has died at the place that was named, of nothing else.
    pub(crate) async fn died(&mut self) -> Result<()> {
        let (mut child, _) = self.running.take().context("the server does not run")?;
        let status = ended(&mut child).await?;
        ensure!(status.signal() == Some(SIGKILL), "it ended with {status} and not at the place");
        Ok(())
    }

    /// Ends it as a power cut does.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        let (mut child, _) = self.running.take().context("the server does not run")?;
        child.kill().await.context("cannot kill the server")
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.running.as_ref().context("the server does not run")?.1)
    }

    /// Calls to it, on connections of their own.
    pub(crate) fn http(&self) -> Result<Http> {
        self.http_through(self.address()?)
    }

    /// Calls to it through somebody who listens at `address`.
    pub(crate) fn http_through(&self, address: SocketAddr) -> Result<Http> {
        // One provider in the process; another test may have been first.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        Http::new(&format!("http://{address}"), &self.origin, None)
    }

    /// `countersign-server ARGS --json` on its data; standard output.
    pub(crate) async fn operate(&self, args: &[&str]) -> Result<String> {
        let mut command = self.command(programs::built(PROGRAM)?.as_path());
        // Its own socket would take the server's away.
        command.env_remove("TEST_CONTROL_SOCKET").args(args).args([
            "--json",
            "--origin",
            &self.origin,
            "--data",
        ]);
        let output = command.arg(self.data()).output().await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{} ended with {}: {said}", args.join(" "), output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A link that enrols a device for an account, which is made when `verb` is `add`.
    pub(crate) async fn link(&self, verb: &str, name: &str) -> Result<String> {
        let said: Value = serde_json::from_str(&self.operate(&["users", verb, name]).await?)?;
        Ok(said["link"].as_str().with_context(|| format!("no link in {said}"))?.to_owned())
    }

    /// The audit log verifies from its first entry to its last.
    pub(crate) async fn log_verifies(&self) -> Result<()> {
        let file = self.path("audit.jsonl");
        let file = file.to_string_lossy();
        self.operate(&["audit", "export", "--out", &file]).await?;
        self.operate(&["audit", "verify", &file]).await.map(drop)
    }
}

async fn ended(child: &mut Child) -> Result<ExitStatus> {
    Ok(tokio::time::timeout(LIMIT, child.wait()).await.context("it did not end")??)
}
