//! `cargo xtask fuzz --minutes N`: every fuzz target for so long, one after the other, and what the tool counted.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command::{output, program, repo, spelled, which};

#[derive(Args)]
pub(crate) struct Options {
    /// How long each target runs, in minutes.
    #[arg(long, default_value_t = 1)]
    minutes: u32,
    /// Only this target; may be given again.
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
}

/// Seconds after which one input is a finding: a picture that the reader never finishes.
const ONE_INPUT_S: u32 = 60;

/// Runs the targets.
///
/// # Errors
/// When the tools are absent, a target does not build, or one of them found something.
pub(crate) fn run(options: &Options) -> Result<()> {
    if which("cargo-fuzz").is_none() {
        bail!("cargo-fuzz is missing; `cargo install cargo-fuzz --locked` installs it");
    }
    let known = output(&mut fuzz(["list"]))
        .context("no nightly compiler; `rustup toolchain install nightly` installs it")?;
    let known: Vec<&str> = known.lines().collect();
    if let Some(unknown) = options.target.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no target {unknown}; the targets are {}", known.join(", "));
    }
    let mut totals = Vec::new();
    for name in known {
        if options.target.is_empty() || options.target.iter().any(|wanted| wanted == name) {
            println!("\n==> {name}");
            totals.push((name, one(name, options.minutes)?));
        }
    }
    println!("\n{:<14} {:>9} {:>12} {:>10}", "target", "seconds", "executions", "findings");
    for (name, total) in &totals {
        println!("{name:<14} {:>9} {:>12} {:>10}", total.seconds, total.runs, u8::from(total.found));
    }
    let found: Vec<&str> = totals.iter().filter(|(_, total)| total.found).map(|(name, _)| *name).collect();
    if !found.is_empty() {
        bail!("a finding in {}; its input lies in fuzz/artifacts", found.join(", "));
    }
    Ok(())
}

/// What libFuzzer says at the end of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Total {
    runs: u64,
    seconds: u64,
    found: bool,
}

impl Total {
    /// Reads `Done 4711 runs in 61 second(s)` and the counters of `-print_final_stats`.
    fn read(&mut self, line: &str) {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        if let Some((runs, rest)) = line.strip_prefix("Done ").and_then(|rest| rest.split_once(" runs in ")) {
            self.runs = number(runs);
            self.seconds = number(rest.split(' ').next().unwrap_or_default());
        } else if let Some(runs) = line.strip_prefix("stat::number_of_executed_units:") {
            self.runs = number(runs);
        }
    }
}

fn one(name: &str, minutes: u32) -> Result<Total> {
    let folder = repo().join("fuzz");
    let corpus = folder.join("corpus").join(name);
    fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    let mut command = fuzz(["run", name]);
    // What a run learns goes to the first folder; the second is only read.
    command.args([corpus, folder.join("seeds").join(name)]);
    command.args([
        "--",
        &format!("-max_total_time={}", 60 * minutes),
        &format!("-timeout={ONE_INPUT_S}"),
        "-print_final_stats=1",
    ]);
    // SQLite is linked into two of our libraries with the same symbols; that is no finding.
    command.env("ASAN_OPTIONS", "detect_odr_violation=0");
    println!("    $ {}", spelled(&command));
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", spelled(&command)))?;
    let stderr = child.stderr.take().context("standard error was not captured")?;
    let mut total = Total::default();
    for line in BufReader::new(stderr).split(b'\n') {
        let line = line.context("cannot read the output")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        total.read(&line);
    }
    let status = child.wait().context("cannot wait for the fuzzer")?;
    if !status.success() && total == Total::default() {
        bail!("{name} did not run; the reason is above");
    }
    total.found = !status.success();
    Ok(total)
}

fn fuzz<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    // Not the cargo that runs us but the one that chooses a toolchain; one that is fixed already would win.
    let mut command = program("cargo", ["+nightly", "fuzz"]);
    command.args(args);
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_totals_of_the_tool_are_read() {
        let mut total = Total::default();
        for line in
            ["#2097152 pulse  cov: 331", "Done 4711 runs in 61 second(s)", "stat::average_exec_per_sec: 77"]
        {
            total.read(line);
        }
        assert_eq!(total, Total { runs: 4_711, seconds: 61, found: false });
    }

    #[test]
    fn a_run_that_ended_early_still_counts() {
        let mut total = Total::default();
        total.read("stat::number_of_executed_units: 1234");
        assert_eq!(total.runs, 1_234);
    }
}
