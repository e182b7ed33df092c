//! Lists the files of `web/`, so that the server carries all of them and a file added there needs no line here.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

/// For whoever works on the pages, not for browsers.
const NOT_SERVED: [&str; 3] = ["README.md", "jsconfig.json", "types.d.ts"];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=web");
    let web = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("web");
    let mut names = Vec::new();
    for entry in fs::read_dir(&web)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && !NOT_SERVED.contains(&name.as_str()) && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    let mut table = String::from("&[\n");
    for name in names {
        let path = web.join(&name);
        writeln!(table, "    ({name:?}, include_bytes!({:?}).as_slice()),", path.display().to_string())
            .expect("writing to a String does not fail");
    }
    table.push_str("]\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("web.rs"), table)
}
