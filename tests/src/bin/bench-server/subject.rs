//! What is measured: the server, the floor or the peer, each as processes of their own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use protocol::encoding::base64url;
use protocol::link::Payload;
use tempfile::TempDir;

use crate::call::Connection;
use crate::machine;
use crate::party::{self, Device};
use crate::stores::Stores;

/// Limits that one address of a benchmark would run into; the report prints them.
pub(crate) const RAISED: &[(&str, &str)] = &[
    ("COUNTERSIGN_LIMITS_LIVE_REQUESTS_PER_ADDRESS", "1000000"),
    ("COUNTERSIGN_LIMITS_LIVE_REQUESTS", "1000000"),
    ("COUNTERSIGN_LIMITS_STARTS_PER_ADDRESS", "100000000"),
];

/// What several nodes call themselves; no address of any of them.
const SITE: &str = "https://login.example.com";
/// Shared by several nodes.
const KEY: &str = "9d2c6f0b7a1e4358c0d94b8f6a7e21035b4c8d9e0f1a2b3c4d5e6f7081920314";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Ours.
    Countersign,
    /// The same signatures, and nothing else.
    Floor,
    /// The npm package `oidc-provider`.
    OidcProvider,
}

/// Where a subject keeps what it has.
#[derive(Clone, Copy)]
pub(crate) enum Store<'a> {
    Memory,
    Sqlite,
    /// PostgreSQL, and Redis where it is there; that many nodes.
    Shared(&'a Stores, u32),
}

/// Programs to measure.
pub(crate) struct Programs {
    /// `countersign-server`.
    pub(crate) server: PathBuf,
    /// The folder of the peer, its packages installed.
    pub(crate) peer: Option<PathBuf>,
}

/// Running processes; ended when dropped.
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    /// What all nodes call themselves.
    pub(crate) origin: String,
    /// From the start of the last process to its readiness.
    pub(crate) ready_ms: f64,
    nodes: Vec<Node>,
    codes: Vec<String>,
    data: TempDir,
}

struct Node {
    child: Child,
    address: SocketAddr,
}

impl Subject {
    /// Starts it, with `accounts` accounts.
    pub(crate) fn start(kind: Kind, store: Store<'_>, programs: &Programs, accounts: u32) -> Result<Self> {
        let data = TempDir::new()?;
        // Several nodes have one name; one alone goes by its address.
        let origin = match (kind, store) {
            (Kind::Countersign, Store::Shared(..)) => SITE.to_owned(),
            _ => String::new(),
        };
        let nodes = Vec::new();
        let mut subject = Self { kind, origin, ready_ms: 0.0, nodes, codes: Vec::new(), data };
        let count = match (kind, store) {
            (Kind::Countersign, Store::Shared(_, nodes)) => nodes,
            _ => 1,
        };
        if kind == Kind::Countersign && !matches!(store, Store::Memory) {
            // Of this run alone, should the database be used again.
            let run = std::process::id();
            for number in 0..accounts {
                let code = subject.add_user(&programs.server, store, &format!("bench{run}-{number}"))?;
                subject.codes.push(code);
            }
        }
        for _ in 0..count {
            let command = subject.command(store, programs, accounts)?;
            subject.launch(command)?;
        }
        Ok(subject)
    }

    fn command(&self, store: Store<'_>, programs: &Programs, accounts: u32) -> Result<Command> {
        let mut command;
        match self.kind {
            Kind::Countersign => {
                command = Command::new(&programs.server);
                command.args(["serve", "--listen", "127.0.0.1:0"]);
                self.settings(&mut command, store);
                if matches!(store, Store::Memory) {
                    for number in 0..accounts {
                        command.args(["--user", &format!("bench{number}")]);
                    }
                }
            }
            Kind::Floor => {
                command = Command::new(std::env::current_exe()?);
                command.arg("--floor");
                if !matches!(store, Store::Memory) {
                    command.arg("--floor-data").arg(self.data.path());
                }
            }
            Kind::OidcProvider => {
                let folder = programs.peer.as_ref().context("the peer was not asked for")?;
                command = Command::new("node");
                command.arg("server.js").current_dir(folder).env("NODE_ENV", "production");
                command.stderr(Stdio::null());
            }
        }
        Ok(command)
    }

    /// Where a program of ours keeps its data, and the settings of the bench.
    fn settings(&self, command: &mut Command, store: Store<'_>) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COUNTERSIGN_") {
                command.env_remove(name);
            }
        }
        command.envs(RAISED.iter().copied()).env("COUNTERSIGN_LOG", "warn");
        match store {
            Store::Memory => command.args(["--data", "memory"]),
            Store::Sqlite => command.arg("--data").arg(self.data.path()),
            Store::Shared(stores, _) => {
                command.arg("--data").arg(self.data.path()).args(["--origin", SITE]);
                command.env("COUNTERSIGN_SERVER_KEY", KEY).env("COUNTERSIGN_DATABASE", &stores.database);
                if let Some(redis) = &stores.redis {
                    command.env("COUNTERSIGN_REDIS", redis);
                }
                command
            }
        };
    }

    fn add_user(&self, server: &Path, store: Store<'_>, name: &str) -> Result<String> {
        let mut command = Command::new(server);
        self.settings(&mut command, store);
        if matches!(store, Store::Sqlite) {
            command.env("COUNTERSIGN_ORIGIN", "http://127.0.0.1:1");
        }
        let output = command.args(["users", "add", name, "--json"]).stderr(Stdio::inherit()).output()?;
        let added: serde_json::Value = serde_json::from_slice(&output.stdout).context("users add --json")?;
        let link = added["link"].as_str().with_context(|| format!("no link in {added}"))?;
        match Payload::parse(link) {
            Payload::Enrol(link) => Ok(link.code.expose()),
            Payload::Login(_) | Payload::Other(_) => bail!("users add printed no enrolment link"),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    fn launch(&mut self, mut command: Command) -> Result<()> {
        let clock = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting")?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        let address = loop {
            let line = lines.next().context("it ended before it was ready")??;
            if let Payload::Enrol(link) =
                Payload::parse(line.split_whitespace().next_back().unwrap_or_default())
            {
                self.codes.push(link.code.expose());
            }
            if let Some(origin) = line.strip_prefix("listening on ") {
                break origin.trim().to_owned();
            }
        };
        self.ready_ms = clock.elapsed().as_secs_f64() * 1_000.0;
        std::thread::spawn(move || lines.for_each(drop));
        if self.origin.is_empty() {
            self.origin.clone_from(&address);
        }
        let (_, address) = address.split_once("://").context("an origin has a scheme")?;
        self.nodes.push(Node { child, address: address.parse()? });
        Ok(())
    }

    /// A connection to a node; numbers beyond the last begin anew.
    pub(crate) async fn connect(&self, node: usize) -> Result<Connection> {
        Connection::open(self.address(node), &self.origin).await
    }

    pub(crate) fn address(&self, node: usize) -> SocketAddr {
        self.nodes[node % self.nodes.len()].address
    }

    /// Enrols the authenticator of account `number`; once for each account.
    pub(crate) async fn device(&self, number: usize, connection: &mut Connection) -> Result<Device> {
        let code = match self.kind {
            Kind::Floor | Kind::OidcProvider => "",
            Kind::Countersign => self.codes.get(number).context("more authenticators than accounts")?,
        };
        party::enrol(connection, code).await
    }

    /// Resident memory of all nodes, in MB of 2^20 bytes.
    pub(crate) fn rss_mb(&self) -> Result<f64> {
        self.nodes.iter().map(|node| machine::rss_mb(node.child.id())).sum()
    }

    /// CPU seconds of all nodes so far, user and system.
    pub(crate) fn cpu_s(&self) -> Result<f64> {
        self.nodes.iter().map(|node| machine::cpu_s(node.child.id())).sum()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.child.kill();
            let _ = node.child.wait();
        }
    }
}

/// Random text for the floor's answers.
pub(crate) fn token(number: u64) -> String {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    base64url(&bytes)
}
