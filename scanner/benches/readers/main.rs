//! How well QR codes are read: this crate beside other readers, on the same pictures, in the same run.
//!
//! `cargo xtask bench scanner --data DIR` is the way to start it. What the figures mean stands in `docs/scanner.md`.
//! One thread works, and time is the CPU time of that thread, so a busy machine changes little.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks on its terminal"
)]

mod clock;
mod data;
mod figures;
mod measure;
mod page;
mod plot;
mod reader;
mod report;

use std::{path::PathBuf, process::ExitCode};

use data::Data;
use reader::Contestant;

/// What the command line asks for.
struct Options {
    data: PathBuf,
    json: Option<PathBuf>,
    /// The folder of `scanner.md` and `scanner.svg`.
    docs: Option<PathBuf>,
    /// A part of the pictures, for a look in between.
    quick: bool,
    /// Name each picture that was not read.
    list: bool,
    /// Only these readers; all when empty.
    only: Vec<String>,
}

fn main() -> ExitCode {
    let outcome = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => run(&options),
        Ok(None) => {
            println!(
                "Nothing measured: name a folder of pictures, as in `cargo xtask bench scanner --data DIR`."
            );
            return ExitCode::SUCCESS;
        }
        Err(message) => Err(message),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut data = None;
    let (mut json, mut docs, mut only) = (None, None, Vec::new());
    let (mut quick, mut list) = (false, false);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--data" => data = Some(PathBuf::from(value()?)),
            "--json" => json = Some(PathBuf::from(value()?)),
            "--docs" => docs = Some(PathBuf::from(value()?)),
            "--reader" => only.push(value()?),
            "--quick" => quick = true,
            "--list" => list = true,
            // Cargo says it to every bench.
            "--bench" => {}
            other => return Err(format!("there is no option {other}")),
        }
    }
    Ok(data.map(|data| Options { data, json, docs, quick, list, only }))
}

fn run(options: &Options) -> Result<(), String> {
    let mut contestants = Contestant::all();
    let known: Vec<&str> = contestants.iter().map(|contestant| contestant.key).collect();
    if let Some(unknown) = options.only.iter().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("there is no reader {unknown} in this build; there are {}", known.join(", ")));
    }
    contestants
        .retain(|contestant| options.only.is_empty() || options.only.iter().any(|key| key == contestant.key));
    let data = Data::open(&options.data, options.quick)?;
    for absent in data.absent() {
        println!("{absent}");
    }
    let sheets = measure::all(&contestants, &data)?;
    let summary = data.summary();
    report::print(&sheets, &summary, options.list);
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&report::json(&sheets)).map_err(|error| error.to_string())?;
        std::fs::write(file, text + "\n")
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        println!("\nwritten: {}", file.display());
    }
    if let Some(folder) = &options.docs {
        page::write(folder, &sheets, &summary)?;
        println!("\nwritten: scanner.md and scanner.svg in {}", folder.display());
    }
    Ok(())
}
