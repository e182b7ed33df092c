//! `cargo xtask schemathesis`: what the server's OpenAPI document promises, tried on a server that runs.
//!
//! schemathesis is a Python program; it gets an environment of its own below `target`, made once for each list of
//! versions in `tests/schemathesis/requirements.txt`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::command::{built, cargo, output, program, repo, run as run_command, target};

/// What a run in which nothing was left to chance is repeated with.
const SEED: &str = "1";

/// Limits are for people; this is one address with one account that asks without a pause.
const LIMITS: &[(&str, &str)] = &[
    ("live_requests_per_address", "10000000"),
    ("live_requests", "10000000"),
    ("starts_per_address", "1000000000"),
    ("failed_proofs_per_address", "1000000000"),
    ("wrong_passwords_per_address", "1000000"),
    ("wrong_passwords_per_account", "1000000"),
    ("wrong_user_codes_per_device", "1000"),
    ("user_codes_per_account_and_hour", "10000"),
    ("devices_per_account", "10000"),
];

#[derive(Args)]
pub(crate) struct Options {
    /// Most calls of each operation and phase.
    #[arg(long, default_value_t = EXAMPLES, value_name = "NUMBER")]
    examples: u32,
}

/// Enough for every check of every operation in less than a minute.
const EXAMPLES: u32 = 12;

/// Builds the server and runs all checks.
///
/// # Errors
/// When the tool cannot be installed, the server does not start, or a check fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    run_command(&mut cargo(["build", "--package", "countersign-server", "--bin", "countersign-server"]))?;
    checks_of(options.examples)
}

/// Runs all checks on the server that was built.
///
/// # Errors
/// As [`run`].
pub(crate) fn checks() -> Result<()> {
    checks_of(EXAMPLES)
}

fn checks_of(examples: u32) -> Result<()> {
    let tool = installed()?;
    let node = Node::start()?;
    let folder = repo().join("tests").join("schemathesis");
    let mut command = Command::new(tool);
    command.args(["run", &format!("{}/openapi.json", node.origin), "--no-color", "--checks", "all"]);
    // It knows no other end than 404. A request that was called off can be read for 300 s, so that its page learns how it
    // ended; that removed devices and ended sessions are gone is told by the attacks on revocation.
    command.args(["--exclude-checks", "use_after_free"]);
    command.args(["--seed", SEED, "--max-examples", &examples.to_string(), "--workers", "1"]);
    command.args([
        "--continue-on-failure",
        "--suppress-health-check",
        "all",
        "--generation-database",
        "none",
    ]);
    command
        .env("SCHEMATHESIS_HOOKS", folder.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("COUNTERSIGN_URL", &node.origin)
        .env("COUNTERSIGN_LINK", node.link()?)
        .current_dir(folder);
    run_command(&mut command)
}

/// The tool, in the versions of our list.
fn installed() -> Result<PathBuf> {
    let list = repo().join("tests").join("schemathesis").join("requirements.txt");
    let wanted = fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let folder = target().join("xtask").join("schemathesis");
    let stamp = folder.join("requirements.txt");
    let tool = folder.join("bin").join("schemathesis");
    if tool.is_file() && fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(tool);
    }
    println!("    Installing schemathesis into {}", folder.display());
    let place = folder.to_string_lossy();
    run_command(&mut program("python3", ["-m", "venv", "--clear", &place]))
        .context("Python 3 with venv is missing; on Debian: apt-get install python3-venv")?;
    let mut pip = Command::new(folder.join("bin").join("pip"));
    run_command(pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&list))
        .context("pip cannot install schemathesis; is there a network?")?;
    fs::write(stamp, wanted).context("cannot remember which versions are installed")?;
    Ok(tool)
}

/// A server of its own, with data that go away with it.
struct Node {
    child: Child,
    data: PathBuf,
    origin: String,
}

#[derive(Deserialize)]
struct Listening {
    origin: String,
}

#[derive(Deserialize)]
struct Enrolment {
    link: String,
}

impl Node {
    fn start() -> Result<Self> {
        let data = target().join("xtask").join(format!("schemathesis-data-{}", std::process::id()));
        let mut command = Command::new(built("countersign-server"));
        command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        for (name, value) in LIMITS {
            command.args(["--set", &format!("limits.{name}={value}")]);
        }
        let mut child = command.env("COUNTERSIGN_LOG", "error").stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("standard output was not captured")?;
        let mut node = Self { child, data, origin: String::new() };
        let mut lines = BufReader::new(stdout).lines();
        node.origin = loop {
            let Some(line) = lines.next() else { bail!("the server did not start; its output is above") };
            if let Ok(Listening { origin }) = serde_json::from_str(&line?) {
                break origin;
            }
        };
        Ok(node)
    }

    /// An enrolment link of a fresh account.
    fn link(&self) -> Result<String> {
        let mut command = Command::new(built("countersign-server"));
        command.args(["users", "add", "schemathesis", "--json", "--origin", &self.origin, "--data"]);
        let said: Enrolment = serde_json::from_str(&output(command.arg::<&Path>(&self.data))?)?;
        Ok(said.link)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It is a trial's server: nobody waits for its last word.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}
