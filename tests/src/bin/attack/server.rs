//! The server under attack: the real program, started here with a data folder and a port of its own. Where seconds matter
//! it is the one whose clock stands still until it is told.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::process::Program;
use e2e::programs;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::client::Hand;

tokio::task_local! {
    /// The guard that servers started by this task do without.
    pub(crate) static HOLE: &'static str;
}

/// A running server.
pub(crate) struct Server {
    folder: TempDir,
    settings: Vec<(String, String)>,
    program: Mutex<Option<Program>>,
    address: SocketAddr,
    origin: String,
    /// Moves its clock, when it stands still.
    hand: Option<Hand>,
    /// The guard that it does without.
    hole: Option<&'static str>,
    /// An operator types one command after the other.
    operator: Mutex<()>,
}

impl Server {
    /// Starts one with every setting at its default but these environment variables, written without `COUNTERSIGN_`.
    ///
    /// # Errors
    /// When it does not come up; the message has its output.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_at(0, settings).await
    }

    /// The same with a clock that stands still until it is told.
    ///
    /// # Errors
    /// When it does not come up; the message has its output.
    pub(crate) async fn start_standing(settings: &[(&str, &str)]) -> Result<Self> {
        Self::begin(0, settings, true).await
    }

    /// The same on a port that is known before, for settings that name it.
    ///
    /// # Errors
    /// When it does not come up; the message has its output.
    pub(crate) async fn start_at(port: u16, settings: &[(&str, &str)]) -> Result<Self> {
        Self::begin(port, settings, false).await
    }

    async fn begin(port: u16, settings: &[(&str, &str)], stands: bool) -> Result<Self> {
        let folder = TempDir::with_prefix("countersign-attack-").context("no temporary folder")?;
        let settings =
            settings.iter().map(|(name, value)| (format!("COUNTERSIGN_{name}"), (*value).to_owned()));
        let hole = HOLE.try_get().ok();
        let hand = (stands || hole.is_some()).then(|| Hand::on(folder.path().join("orders")));
        let mut server = Self {
            folder,
            hand,
            hole,
            operator: Mutex::default(),
            settings: settings.collect(),
            program: Mutex::new(None),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            origin: String::new(),
        };
        let said = server.launch().await?;
        let text = |name: &str| said[name].as_str().with_context(|| format!("no {name} in {said}"));
        server.address = text("address")?.parse()?;
        text("origin")?.clone_into(&mut server.origin);
        Ok(server)
    }

    /// Starts it again at the same address with the same data.
    ///
    /// # Errors
    /// When it does not come up; the message has its output.
    pub(crate) async fn start_again(&self) -> Result<()> {
        self.launch().await.map(drop)
    }

    async fn launch(&self) -> Result<Value> {
        let mut command = std::process::Command::new(programs::built(self.program_name())?);
        command.args(["serve", "--json", "--listen", &self.address.to_string(), "--data"]).arg(self.data());
        for name in inherited() {
            command.env_remove(name);
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value))).current_dir("/");
        if let Some(hand) = &self.hand {
            command.envs(hand.variables()).env("TEST_CONTROL_SOCKET", hand.socket());
        }
        command.envs(self.hole.map(|name| ("TEST_CONTROL_HOLE", name)));
        let logs = self.folder.path().join("logs");
        std::fs::create_dir_all(&logs)?;
        let mut program = Program::start("server", &mut command, &logs)?;
        let said = program
            .line(|line| {
                serde_json::from_str::<Value>(line).ok().filter(|said| said["listening"].is_string())
            })
            .await?;
        *self.program.lock().await = Some(program);
        Ok(said)
    }

    /// Ends it without a word, as a power cut does.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) async fn kill(&self) -> Result<()> {
        self.program.lock().await.take().context("the server does not run")?.kill()
    }

    /// Tells it to end (SIGTERM) and does not wait.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) async fn drain(&self) -> Result<()> {
        let program = self.program.lock().await;
        e2e::process::signal("TERM", &program.as_ref().context("the server does not run")?.id().to_string());
        Ok(())
    }

    /// How long processors have worked for it so far.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) async fn work(&self) -> Result<Duration> {
        let id = self.program.lock().await.as_ref().context("the server does not run")?.id();
        e2e::process::work(id)
    }

    fn program_name(&self) -> &'static str {
        if self.hand.is_some() { "countersign-server-controlled" } else { "countersign-server" }
    }

    /// What moves its clock.
    ///
    /// # Errors
    /// When it goes by the system's.
    pub(crate) fn hand(&self) -> Result<&Hand> {
        self.hand.as_ref().context("this server's clock is the system's")
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its public origin.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder for an attack's own files.
    pub(crate) fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// All that it has written to its outputs.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) async fn log(&self) -> Result<String> {
        self.program.lock().await.as_ref().context("the server does not run")?.output()
    }

    /// `countersign-server ARGS --json` on its data; standard output.
    ///
    /// # Errors
    /// When the command fails; the message has its standard error.
    pub(crate) async fn operate(&self, args: &[&str]) -> Result<String> {
        let (code, text, error) = self.operate_freely(args).await?;
        ensure!(code == 0, "countersign-server {} ended with {code}: {error}", args.join(" "));
        Ok(text)
    }

    /// The same with exit code, standard output and standard error, whatever they are.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub(crate) async fn operate_freely(&self, args: &[&str]) -> Result<(i32, String, String)> {
        self.operate_with_input(args, "").await
    }

    /// The same with something on standard input.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub(crate) async fn operate_with_input(
        &self,
        args: &[&str],
        input: &str,
    ) -> Result<(i32, String, String)> {
        use tokio::io::AsyncWriteExt as _;
        let _turn = self.operator.lock().await;
        let mut command = Command::new(programs::built(self.program_name())?);
        for name in inherited() {
            command.env_remove(name);
        }
        command.envs(self.hand.iter().flat_map(Hand::variables));
        command.envs(self.hole.map(|name| ("TEST_CONTROL_HOLE", name)));
        let mut child = command
            .args(args)
            .args(["--json", "--data"])
            .arg(self.data())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .context("cannot start countersign-server")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr)))
    }

    /// Adds an account and returns its enrolment link.
    ///
    /// # Errors
    /// When the command fails.
    pub(crate) async fn add_account(&self, name: &str) -> Result<String> {
        link_in(&self.operate(&["users", "add", name]).await?)
    }

    /// Adds an account with a password and returns its enrolment link.
    ///
    /// # Errors
    /// When the command fails.
    pub(crate) async fn add_account_with_password(&self, name: &str, password: &str) -> Result<String> {
        let args = ["users", "add", name, "--password-stdin"];
        let (code, text, error) = self.operate_with_input(&args, &format!("{password}\n")).await?;
        ensure!(code == 0, "users add ended with {code}: {error}");
        link_in(&text)
    }
}

/// Settings of the shell that runs the suite; the server under attack has its defaults.
fn inherited() -> impl Iterator<Item = std::ffi::OsString> {
    std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_string_lossy().starts_with("COUNTERSIGN_"))
}

fn link_in(text: &str) -> Result<String> {
    let said: Value = serde_json::from_str(text).with_context(|| format!("not JSON: {text}"))?;
    Ok(said["link"].as_str().with_context(|| format!("no link in {said}"))?.to_owned())
}
