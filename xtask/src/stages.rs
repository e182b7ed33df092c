//! `cargo xtask test`: every check and test in one order, a table of minutes and one closing line.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command::{cargo, run as run_command, run_reading};
use crate::stopwatch::{Stopwatch, minutes};
use crate::tally::Tally;
use crate::{attack, deps, faults, generated, room, schemathesis, setup, ui};

#[derive(Args)]
pub(crate) struct Options {
    /// Only these stages, by name; without it all of them.
    #[arg(long, value_name = "STAGE")]
    only: Vec<String>,
}

struct Stage {
    name: &'static str,
    /// Stages that cannot say anything unless this one passed.
    needs: &'static [&'static str],
    work: fn() -> Result<Tally>,
}

/// The test binary with the real browser and window has one top module of this name.
const SCENARIOS: &str = "scenarios";

/// So has the test binary of faults, whose server is built with a feature.
const FAULTS: &str = "faults";

/// Real windows at once: each login keeps a browser, a WebKit process and a server busy.
const SCENARIO_THREADS: &str = "2";

const STAGES: &[Stage] = &[
    Stage {
        name: "setup",
        needs: &[],
        work: || one(room::for_first_build().and_then(|()| setup::everything())),
    },
    Stage { name: "ui-build", needs: &["setup"], work: || one(ui::build()) },
    Stage { name: "fmt", needs: &[], work: || one(run_command(&mut cargo(["fmt", "--all", "--check"]))) },
    Stage { name: "deps", needs: &[], work: || one(deps::run()) },
    Stage { name: "deny", needs: &["setup"], work: || one(run_command(&mut cargo_deny())) },
    Stage {
        name: "svelte-check",
        needs: &["setup"],
        work: || one(run_command(ui::npm().args(["run", "check"]))),
    },
    Stage { name: "ui-tests", needs: &["setup"], work: ui_tests },
    Stage { name: "clippy", needs: &["ui-build"], work: || one(clippy()) },
    Stage { name: "doc", needs: &["ui-build"], work: || one(run_command(&mut doc())) },
    Stage { name: "build", needs: &["ui-build"], work: || one(build()) },
    Stage { name: "generated", needs: &["build"], work: || one(generated::check()) },
    Stage { name: "tests", needs: &["build"], work: tests },
    Stage { name: "end-to-end", needs: &["build"], work: end_to_end },
    Stage { name: "faults", needs: &["build"], work: all_faults },
    Stage { name: "schemathesis", needs: &["build"], work: || one(schemathesis::checks()) },
    Stage { name: "attack", needs: &["build"], work: attacks },
    Stage { name: "guards", needs: &["build"], work: guards },
];

/// Runs the stages and says whether all passed. A check without tests of its own counts as one.
///
/// # Errors
/// When `--only` names no stage.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
    if let Some(unknown) = options.only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("there is no stage {unknown}; the stages are {}", names.join(", "));
    }
    let whole = Stopwatch::start();
    let mut total = Tally::default();
    let mut table = Vec::new();
    let mut broken: Vec<&str> = Vec::new();
    for stage in STAGES {
        if !options.only.is_empty() && !options.only.iter().any(|name| name == stage.name) {
            continue;
        }
        let missing = stage.needs.iter().find(|need| broken.contains(need));
        let watch = Stopwatch::start();
        println!("\n==> {}", stage.name);
        let (tally, note) = match missing {
            Some(need) => (Tally { failed: 1, ..Tally::default() }, format!("not run: {need} failed")),
            None => match (stage.work)() {
                Ok(tally) => (tally, String::new()),
                Err(error) => (Tally { failed: 1, ..Tally::default() }, format!("{error:#}")),
            },
        };
        if !note.is_empty() {
            println!("    {note}");
        }
        if tally.failed > 0 {
            broken.push(stage.name);
        }
        total += tally;
        table.push((stage.name, minutes(watch.elapsed()), tally, note));
    }
    println!("\n{:<14} {:>9} {:>7} {:>7} {:>8}", "stage", "time", "passed", "failed", "skipped");
    for (name, time, tally, note) in table {
        let first_line = note.lines().next().unwrap_or_default();
        println!(
            "{name:<14} {time:>9} {:>7} {:>7} {:>8}  {first_line}",
            tally.passed, tally.failed, tally.skipped
        );
    }
    println!("{:<14} {:>9}", "total", minutes(whole.elapsed()));
    let skipped = if total.skipped > 0 { format!(", {} skipped", total.skipped) } else { String::new() };
    println!("\n{} passed, {} failed{skipped}", total.passed, total.failed);
    Ok(total.failed == 0)
}

/// A check without tests of its own.
fn one(outcome: Result<()>) -> Result<Tally> {
    outcome.map(|()| Tally { passed: 1, ..Tally::default() })
}

fn cargo_deny() -> Command {
    cargo(["deny", "--log-level", "error", "check", "bans", "licenses", "sources"])
}

fn clippy() -> Result<()> {
    const STRICT: [&str; 3] = ["--", "--deny", "warnings"];
    run_command(cargo(["clippy", "--workspace", "--all-targets", "--locked"]).args(STRICT))?;
    run_command(attack::controlled_server("clippy", &["--workspace", "--locked"]).args(STRICT))
}

fn doc() -> Command {
    let mut command = cargo(["doc", "--workspace", "--no-deps", "--locked"]);
    command.env("RUSTDOCFLAGS", "--deny warnings");
    command
}

/// Everything at once, so that features are those of the test stages and nothing is compiled twice.
fn build() -> Result<()> {
    run_command(&mut cargo(["build", "--workspace", "--all-targets", "--locked"]))?;
    run_command(&mut attack::controlled_server("build", &["--workspace", "--locked"]))
}

fn ui_tests() -> Result<Tally> {
    let mut tally = Tally::default();
    let succeeded = run_reading(ui::npm().args(["test"]), |line| tally.read_vitest(line))?;
    counted(tally, succeeded)
}

fn tests() -> Result<Tally> {
    let skip = [SCENARIOS, FAULTS].map(|module| format!("{module}::"));
    let args =
        ["test", "--workspace", "--locked", "--no-fail-fast", "--", "--skip", &skip[0], "--skip", &skip[1]];
    cargo_test(&mut cargo(args))
}

fn end_to_end() -> Result<Tally> {
    // By name and not by target: one target alone has other features, and half of the tree would be built again.
    let only = format!("{SCENARIOS}::");
    let args = ["test", "--workspace", "--locked", "--", &only, "--test-threads", SCENARIO_THREADS];
    cargo_test(&mut cargo(args))
}

/// One by one at every place, and then again and again while many sign in.
fn all_faults() -> Result<Tally> {
    let mut tally =
        cargo_test(&mut cargo(["test", "--workspace", "--locked", "--", &format!("{FAULTS}::")]))?;
    let mut under_load = Tally::default();
    let succeeded = run_reading(&mut faults::short(), |line| under_load.read_faults(line))?;
    tally += counted(under_load, succeeded)?;
    Ok(tally)
}

fn attacks() -> Result<Tally> {
    let mut tally = Tally::default();
    let succeeded = run_reading(&mut attack::suite(), |line| tally.read_attacks(line))?;
    counted(tally, succeeded)
}

fn guards() -> Result<Tally> {
    let mut tally = Tally::default();
    let succeeded = run_reading(&mut attack::guards(), |line| tally.read_guards(line))?;
    counted(tally, succeeded)
}

fn cargo_test(command: &mut Command) -> Result<Tally> {
    let mut tally = Tally::default();
    let succeeded = run_reading(command, |line| tally.read_cargo_test(line))?;
    counted(tally, succeeded)
}

/// A runner that failed without counting a failure (it did not compile, it crashed) still is one.
fn counted(mut tally: Tally, succeeded: bool) -> Result<Tally> {
    if !succeeded && tally.failed == 0 {
        tally.failed = 1;
    }
    if succeeded && tally.passed == 0 {
        return Err(anyhow::anyhow!("not one test ran")).context("the stage proves nothing");
    }
    Ok(tally)
}
