//! What is measured: the server or the floor, each as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use protocol::encoding::base64url;
use protocol::link::Payload;
use tempfile::TempDir;

use crate::call::Connection;
use crate::party::{self, Device};

/// Limits that one address of a benchmark would run into; the report prints them.
pub(crate) const RAISED: &[(&str, &str)] = &[
    ("COUNTERSIGN_LIMITS_LIVE_REQUESTS_PER_ADDRESS", "1000000"),
    ("COUNTERSIGN_LIMITS_LIVE_REQUESTS", "1000000"),
    ("COUNTERSIGN_LIMITS_STARTS_PER_ADDRESS", "100000000"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ours.
    Countersign,
    /// The same signatures, and nothing else.
    Floor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Memory,
    Sqlite,
}

/// A running process; ended when dropped.
pub(crate) struct Subject {
    child: Child,
    kind: Kind,
    codes: Vec<String>,
    _data: TempDir,
    pub(crate) origin: String,
    /// From the start of the process to its readiness.
    pub(crate) ready_ms: f64,
}

impl AsRef<str> for Subject {
    fn as_ref(&self) -> &str {
        &self.origin
    }
}

impl Subject {
    /// Starts it, with `accounts` accounts.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    pub(crate) fn start(kind: Kind, store: Store, server: &Path, accounts: u32) -> Result<Self> {
        let data = TempDir::new()?;
        let mut codes = Vec::new();
        let mut command = match kind {
            Kind::Countersign => {
                let mut command = Command::new(server);
                command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).envs(RAISED.iter().copied());
                match store {
                    Store::Sqlite => {
                        for number in 0..accounts {
                            codes.push(add_user(server, data.path(), number)?);
                        }
                        command.arg(data.path())
                    }
                    Store::Memory => {
                        command.arg("memory");
                        for number in 0..accounts {
                            command.args(["--user", &format!("bench{number}")]);
                        }
                        &mut command
                    }
                };
                command.env("COUNTERSIGN_LOG", "warn");
                command
            }
            Kind::Floor => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("--floor");
                if store == Store::Sqlite {
                    command.arg("--floor-data").arg(data.path());
                }
                command
            }
        };
        let clock = Instant::now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting")?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        let origin = loop {
            let line = lines.next().context("it ended before it was ready")??;
            if let Payload::Enrol(link) =
                Payload::parse(line.split_whitespace().next_back().unwrap_or_default())
            {
                codes.push(link.code.expose());
            }
            if let Some(origin) = line.strip_prefix("listening on ") {
                break origin.trim().to_owned();
            }
        };
        let ready_ms = clock.elapsed().as_secs_f64() * 1_000.0;
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, kind, codes, _data: data, origin, ready_ms })
    }

    /// The origin, to take into a task.
    pub(crate) fn address(&self) -> String {
        self.origin.clone()
    }

    /// Enrols the authenticator of account `number`; once for each account.
    pub(crate) async fn device(&self, number: u32, connection: &mut Connection) -> Result<Device> {
        let code = match self.kind {
            Kind::Floor => String::new(),
            Kind::Countersign => {
                self.codes.get(number as usize).cloned().context("more authenticators than accounts")?
            }
        };
        party::enrol(connection, &code).await
    }

    /// Resident memory in MB of 2^20 bytes.
    pub(crate) fn rss_mb(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
        let kb: f64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
        Ok(kb / 1024.0)
    }

    /// CPU seconds so far, user and system.
    pub(crate) fn cpu_s(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, rest) = stat.rsplit_once(") ").context("no stat")?;
        let ticks: f64 = rest.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
        Ok(ticks / 100.0)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn add_user(server: &Path, data: &Path, number: u32) -> Result<String> {
    let output = Command::new(server)
        .args(["users", "add", &format!("bench{number}"), "--json", "--data"])
        .arg(data)
        .env("COUNTERSIGN_ORIGIN", "http://127.0.0.1:1")
        .stderr(Stdio::inherit())
        .output()?;
    let added: serde_json::Value = serde_json::from_slice(&output.stdout).context("users add --json")?;
    let link = added["link"].as_str().with_context(|| format!("no link in {added}"))?;
    match Payload::parse(link) {
        Payload::Enrol(link) => Ok(link.code.expose()),
        Payload::Login(_) | Payload::Other(_) => bail!("users add printed no enrolment link"),
    }
}

/// Random text for the floor's answers.
pub(crate) fn token(number: u64) -> String {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    base64url(&bytes)
}
