//! Starting programs: each is shown before it runs, and a failure names what was tried.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The top of the checkout.
pub(crate) fn repo() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Where build output and our own state lie.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repo().join("target"), PathBuf::from)
}

/// A built program of the workspace, debug profile.
pub(crate) fn built(name: &str) -> PathBuf {
    target().join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// `cargo ARGS` at the top of the checkout.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(repo());
    command
}

/// `cargo build` of every program. The end-to-end tests drive Unix desktops and do not compile elsewhere.
pub(crate) fn cargo_build_programs() -> Command {
    let mut command = cargo(["build", "--workspace", "--bins"]);
    if cfg!(not(unix)) {
        command.args(["--exclude", "e2e"]);
    }
    command
}

/// `PROGRAM ARGS` at the top of the checkout.
pub(crate) fn program<'a>(name: &str, args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(repo());
    command
}

/// The command as one would type it, for messages.
pub(crate) fn spelled(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs to the end with the terminal's own output.
///
/// # Errors
/// When the program cannot be started or ends with another code than 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("    $ {}", spelled(command));
    let status = command.status().with_context(|| format!("cannot start `{}`", spelled(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status}); its output is above", spelled(command));
    }
    Ok(())
}

/// Runs to the end, shows each line of standard output and gives it to `line` as well. Says whether it ended with 0.
///
/// # Errors
/// When the program cannot be started.
pub(crate) fn run_reading(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool> {
    println!("    $ {}", spelled(command));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", spelled(command)))?;
    let stdout = child.stdout.take().context("standard output was not captured")?;
    for text in BufReader::new(stdout).split(b'\n') {
        let text = text.context("cannot read the output")?;
        let text = String::from_utf8_lossy(&text);
        println!("{text}");
        line(&text);
    }
    Ok(child.wait().context("cannot wait for the program")?.success())
}

/// Runs to the end and returns standard output; standard error goes to the terminal.
///
/// # Errors
/// When the program cannot be started, ends with another code than 0 or does not write UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", spelled(command)))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", spelled(command), output.status);
    }
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}

/// Where `name` lies on the search path, if anywhere.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    std::env::split_paths(&std::env::var_os("PATH")?)
        .chain(cargo_home.map(|home| home.join("bin")))
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
}
