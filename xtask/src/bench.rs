//! `cargo xtask bench PART`: figures of a part beside its floor or its peers, in one run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};

use crate::command::{cargo, program, repo, run as run_command, target};

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Whole logins per second, approve to signed in, memory with waiting pages.
    Server(Server),
    /// How well codes are read, by us and by other readers, over a folder of pictures.
    Scanner(Scanner),
    /// How many of a camera's 30 pictures a second the window draws, and what that costs.
    Preview(Preview),
}

#[derive(Args)]
struct Server {
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// PostgreSQL, for rows of its own: a URL of an empty database, or "start" for one that ends with the run.
    #[arg(long, value_name = "URL|start")]
    database: Option<String>,
    /// Redis or Valkey beside it: a URL, or "start".
    #[arg(long, value_name = "URL|start", requires = "database")]
    redis: Option<String>,
    /// How many nodes share PostgreSQL and Redis.
    #[arg(long, default_value_t = 1)]
    nodes: u32,
    /// A peer to measure as well; its npm packages are installed for that.
    #[arg(long)]
    peer: Option<Peer>,
    /// How long each rate is measured, three times, in whole seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// How many login pages wait while memory is measured; then twice as many.
    #[arg(long, default_value_t = 5_000)]
    waiting: u32,
    /// Instead of all that: half of the logins that go, for so many minutes, and what memory does.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<u32>,
    /// Write the measured parts and the plots of docs/performance.md anew.
    #[arg(long)]
    docs: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Peer {
    /// The npm package of this name, everything in memory.
    OidcProvider,
}

#[derive(Args)]
struct Scanner {
    /// The folder with `real/`, `frames/` and `clips/`, as far as they are there; see docs/scanner.md.
    #[arg(long)]
    data: PathBuf,
    /// Write the figures of every reader to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// A quarter of the pictures and one clip of each kind.
    #[arg(long)]
    quick: bool,
    /// Only this reader; may be given again.
    #[arg(long, value_name = "NAME")]
    reader: Vec<String>,
    /// Name each picture that was not read.
    #[arg(long)]
    list: bool,
    /// Write the table and the plot of docs/scanner.md anew.
    #[arg(long)]
    docs: bool,
    /// Build zxing-cpp as well, which wants cmake and a C++ compiler.
    #[arg(long)]
    zxing_cpp: bool,
}

#[derive(Args)]
struct Preview {
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
    /// How long it is measured, in whole seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// A folder of JPEG files of one size to show; without it a film is made.
    #[arg(long, value_name = "DIR")]
    frames: Option<PathBuf>,
    /// Instead of measuring, take pictures of the view with a code found, into this folder.
    #[arg(long, value_name = "DIR")]
    picture: Option<PathBuf>,
}

/// Builds in release and measures.
///
/// # Errors
/// When a build fails, a measured call gave another answer than expected, or there are no pictures.
pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.part {
        Part::Server(options) => server(options),
        Part::Scanner(options) => scanner(options),
        Part::Preview(options) => preview(options),
    }
}

fn server(options: &Server) -> Result<()> {
    run_command(&mut cargo([
        "build",
        "--release",
        "--package",
        "countersign-server",
        "--package",
        "e2e",
        "--bin",
        "countersign-server",
        "--bin",
        "bench-server",
    ]))?;
    let release = target().join("release");
    let mut bench = program(&release.join("bench-server").to_string_lossy(), []);
    bench.arg("--server").arg(release.join("countersign-server"));
    let numbers =
        [("--seconds", options.seconds), ("--waiting", options.waiting), ("--nodes", options.nodes)];
    for (flag, number) in numbers {
        bench.args([flag, &number.to_string()]);
    }
    for (flag, url) in [("--database", &options.database), ("--redis", &options.redis)] {
        if let Some(url) = url {
            bench.args([flag, url]);
        }
    }
    if let Some(Peer::OidcProvider) = options.peer {
        bench.arg("--oidc-provider").arg(peer()?);
    }
    if let Some(minutes) = options.soak {
        bench.args(["--soak", &minutes.to_string()]);
    }
    if let Some(file) = &options.json {
        bench.arg("--json").arg(absolute(file)?);
    }
    if options.docs {
        bench.arg("--docs").arg(repo().join("docs"));
    }
    bench.args(["--command", &asked()]);
    run_command(&mut bench)
}

/// The peer's folder, with the packages of its lock file.
fn peer() -> Result<PathBuf> {
    let folder = repo().join("tests/peers/oidc-provider");
    let mut install = crate::ui::npm_in(&folder);
    run_command(install.args(["ci", "--no-audit", "--no-fund"]))
        .context("npm cannot install the peer's packages; is there a network?")?;
    Ok(folder)
}

/// This command as it was typed, without what lies elsewhere on every machine.
fn asked() -> String {
    let mut words = vec!["cargo xtask".to_owned()];
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        match word.as_str() {
            "--json" => drop(given.next()),
            _ if word.starts_with("--json=") => {}
            // A URL may hold a password.
            _ if word.contains("://") => words.push("URL".to_owned()),
            _ => words.push(word),
        }
    }
    words.join(" ")
}

fn scanner(options: &Scanner) -> Result<()> {
    if !options.data.is_dir() {
        bail!("there is no folder {}; name one with real/, frames/ or clips/ in it", options.data.display());
    }
    let mut bench = cargo(["bench", "--package", "scanner", "--bench", "readers"]);
    if options.zxing_cpp {
        bench.args(["--features", "zxing-cpp"]);
    }
    // The bench runs in its own folder: paths are those of the one who asked.
    bench.args(["--", "--data"]).arg(absolute(&options.data)?);
    if let Some(file) = &options.json {
        bench.arg("--json").arg(absolute(file)?);
    }
    if options.docs {
        bench.arg("--docs").arg(repo().join("docs"));
    }
    for name in &options.reader {
        bench.args(["--reader", name]);
    }
    for (flag, is_given) in [("--quick", options.quick), ("--list", options.list)] {
        if is_given {
            bench.arg(flag);
        }
    }
    run_command(&mut bench)
}

fn preview(options: &Preview) -> Result<()> {
    crate::setup::for_building()?;
    crate::setup::for_windows_without_display()?;
    crate::ui::build()?;
    run_command(&mut cargo([
        "build",
        "--release",
        "--package",
        "countersign",
        "--package",
        "countersign-server",
        "--package",
        "e2e",
        "--features",
        "countersign/film",
        "--bin",
        "countersign-film",
        "--bin",
        "countersign-server",
        "--bin",
        "bench-preview",
    ]))?;
    let mut bench = program(&target().join("release/bench-preview").to_string_lossy(), []);
    bench.args(["--seconds", &options.seconds.to_string()]);
    if let Some(frames) = &options.frames {
        bench.arg("--frames").arg(absolute(frames)?);
    }
    if let Some(folder) = &options.picture {
        bench.arg("--picture").arg(absolute(folder)?);
    }
    if options.json {
        bench.arg("--json");
    }
    run_command(&mut bench)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot tell where {} lies", path.display()))
}
