//! Writes the TypeScript types of view state, commands and error codes.
//!
//! `cargo run -p authenticator --example export-types [FOLDER]`; without a folder: `ui/src/generated` of this checkout.
//! One file a type, and `index.ts` that exports them all. Files of types that are gone are removed.

use std::fmt::Write as _;
use std::{fs, io, path::PathBuf};

use authenticator::{command::Command, view::ViewState};
use ts_rs::{Config, TS};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ui/src/generated"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    for name in type_names(&folder)? {
        fs::remove_file(folder.join(format!("{name}.ts")))?;
    }
    let config = Config::new().with_out_dir(&folder);
    ViewState::export_all(&config)?;
    Command::export_all(&config)?;

    let mut index =
        String::from("// Written by `cargo run -p authenticator --example export-types`. Do not edit.\n\n");
    for name in type_names(&folder)? {
        writeln!(index, "export type {{ {name} }} from \"./{name}\";")?;
    }
    fs::write(folder.join("index.ts"), index)?;
    Ok(())
}

/// The types that have a file in `folder`, sorted.
fn type_names(folder: &std::path::Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".ts").filter(|name| *name != "index") {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
