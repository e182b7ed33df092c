//! What the page in the window may do, as the build put it together, and what is around it: `boundary.txt` is what was agreed.
//! A line more there is a door more, so it is written by hand and read by somebody else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

#[test]
fn the_boundary_of_the_window_is_as_agreed() {
    let agreed = include_str!("../boundary.txt");
    let built = boundary();
    let more: Vec<&str> = built.lines().filter(|line| !agreed.lines().any(|known| known == *line)).collect();
    let less: Vec<&str> = agreed.lines().filter(|line| !built.lines().any(|known| known == *line)).collect();
    assert!(agreed == built, "not agreed: {more:#?}\nno longer there: {less:#?}\nas built:\n{built}");
}

/// A camera's pictures are in the memory of this program and in its window, and nowhere else: whoever touches them has
/// neither a file to write to nor a network to speak to.
#[test]
fn a_camera_picture_has_no_way_out() {
    let ways = [
        "File::create",
        "fs::write",
        "OpenOptions",
        "create_dir",
        "fs::copy",
        "TempDir",
        "NamedTempFile",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "reqwest",
        "Command::new",
        "memfd",
        "shm_open",
    ];
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scanner = sources(&top.join("scanner/src"));
    assert!(scanner.len() > 30, "the scanner is there");
    for (path, text) in &scanner {
        for way in ways {
            assert!(!text.contains(way), "{way} in {}", path.display());
        }
    }
    let manifest = fs::read_to_string(top.join("scanner/Cargo.toml")).unwrap();
    for network in ["reqwest", "hyper", "rustls", "axum", "tungstenite", "protocol"] {
        assert!(!manifest.contains(&format!("\n{network}")), "the scanner has {network}");
    }
    // Beyond the scanner only these hold a picture: the way into the controller, the way to the window.
    let mut holders: Vec<String> = ["authenticator/src", "src-tauri/src"]
        .iter()
        .flat_map(|folder| sources(&top.join(folder)))
        .filter(|(path, text)| {
            !path.ends_with("boundary.rs")
                && ["PreviewFrame", "PreviewHandle", ".preview()"].iter().any(|name| text.contains(name))
        })
        .map(|(path, _)| path.strip_prefix(top).unwrap().display().to_string())
        .collect();
    holders.sort();
    assert_eq!(
        holders,
        [
            "authenticator/src/controller.rs",
            "authenticator/src/controller/camera.rs",
            "authenticator/src/controller/handle.rs",
            "authenticator/src/lib.rs",
            "src-tauri/src/commands.rs"
        ]
    );
}

/// Commands, permissions, plugins, content security policy and windows, one a line, sorted within their part.
fn boundary() -> String {
    let mut told = String::new();
    let mut part = |name: &str, mut lines: Vec<String>| {
        lines.sort();
        let _ = writeln!(told, "{name}");
        for line in lines {
            let _ = writeln!(told, "  {line}");
        }
    };

    // What the build step resolved, whatever file it came from.
    let capabilities: BTreeMap<String, Value> = read("gen/schemas/capabilities.json");
    for (name, capability) in capabilities {
        let mut lines: Vec<String> = list(&capability["permissions"]);
        let rest = capability
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| !["description", "identifier", "permissions"].contains(&name.as_str()));
        lines.extend(rest.map(|(name, value)| format!("{name}: {value}")));
        part(&format!("capability {name}"), lines);
    }
    let manifests: BTreeMap<String, Value> = read("gen/schemas/acl-manifests.json");
    let own: BTreeMap<String, Value> =
        serde_json::from_value(manifests["__app-acl__"]["permissions"].clone()).unwrap();
    part("commands", own.values().flat_map(|permission| list(&permission["commands"]["allow"])).collect());
    let app = fs::read_to_string(top().join("src-tauri/src/app.rs")).unwrap();
    let handled = app.lines().filter_map(|line| line.trim().strip_prefix("commands::"));
    part(
        "commands, as they are handled",
        handled.map(|name| name.trim_end_matches(',').to_owned()).collect(),
    );
    let plugins = manifests.keys().filter(|name| !name.starts_with("core") && !name.starts_with("__"));
    part("plugins with commands", plugins.cloned().collect());
    let registered = app
        .lines()
        .filter_map(|line| line.trim().strip_prefix(".plugin("))
        .map(|plugin| plugin.split(['(', ')']).next().unwrap_or_default().to_owned());
    part("plugins, as they are registered", registered.filter(|name| !name.is_empty()).collect());
    let manifest = fs::read_to_string(top().join("Cargo.toml")).unwrap();
    part(
        "parts of Tauri",
        manifest
            .lines()
            .filter(|line| line.starts_with("tauri") && line.contains(" = ") && !line.contains(".workspace"))
            .map(str::to_owned)
            .collect(),
    );

    let config: Value = read("tauri.conf.json");
    let security = config["app"]["security"].as_object().unwrap();
    part(
        "content security policy",
        security["csp"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name} {}", value.as_str().unwrap()))
            .collect(),
    );
    part(
        "security",
        security
            .iter()
            .filter(|(name, _)| *name != "csp")
            .map(|(name, value)| format!("{name}: {value}"))
            .collect(),
    );
    part(
        "app",
        vec![
            format!("withGlobalTauri: {}", config["app"]["withGlobalTauri"]),
            format!("plugins: {}", config["plugins"]),
        ],
    );
    for window in config["app"]["windows"].as_array().unwrap() {
        let members = window.as_object().unwrap().iter().map(|(name, value)| format!("{name}: {value}"));
        part("window", members.collect());
    }
    told
}

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read<T: serde::de::DeserializeOwned>(path: &str) -> T {
    let text = fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

fn list(value: &Value) -> Vec<String> {
    let text = |one: &Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned);
    value.as_array().unwrap().iter().map(text).collect()
}

/// Every Rust file below a folder but the tests, sorted, with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("tests.rs")
            {
                let text = fs::read_to_string(&path).unwrap();
                found.push((
                    path,
                    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned(),
                ));
            }
        }
    }
    found.sort();
    found
}
