//! The server key by its commands, with and without a server that runs.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::program::{Running, run};

/// A data folder in which a server has been.
fn used_folder() -> tempfile::TempDir {
    let data = tempdir().unwrap();
    drop(Running::start(data.path(), &[]));
    data
}

/// Names of the keys, the one in use first.
fn names(data: &Path) -> Vec<String> {
    let listed = run(data, &["key", "list", "--json"]).json();
    let listed = listed.as_array().unwrap().clone();
    assert_eq!(listed.iter().filter(|key| key["used"] == true).count(), 1);
    assert_eq!(listed[0]["used"], true);
    listed.iter().map(|key| key["key"].as_str().unwrap().to_owned()).collect()
}

fn done(data: &Path, args: &[&str]) -> String {
    let done = run(data, args);
    assert_eq!(done.code, 0, "{args:?}: {}", done.err);
    done.out
}

#[test]
fn a_key_is_added_used_and_the_old_one_dropped() {
    let data = used_folder();
    let first = names(data.path())[0].clone();
    assert!(done(data.path(), &["key", "add"]).contains("Copy server.key to all nodes"));
    let both = names(data.path());
    assert_eq!((both.len(), &both[0]), (2, &first));
    done(data.path(), &["key", "use"]);
    assert_eq!(names(data.path()), [both[1].clone(), first]);
    let said = done(data.path(), &["key", "drop"]);
    assert!(said.contains("systemctl reload countersign"), "{said}");
    assert_eq!(names(data.path()), [both[1].clone()]);
}

#[test]
fn one_server_rotates_with_one_command_and_keeps_one_key_before() {
    let data = used_folder();
    let first = names(data.path());
    done(data.path(), &["key", "rotate"]);
    let second = names(data.path());
    assert_eq!(second[1..], first);
    done(data.path(), &["key", "rotate"]);
    let third = names(data.path());
    assert_eq!(third[1..], second[..1]);
    done(data.path(), &["key", "rotate", "--at-once"]);
    let last = names(data.path());
    assert!(last.len() == 1 && !third.contains(&last[0]));
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let empty = tempdir().unwrap();
    let missing = run(empty.path(), &["key", "list"]);
    assert_eq!(missing.code, 3);
    assert!(missing.err.contains("A server makes it when it starts first"), "{}", missing.err);
    let data = used_folder();
    let alone = run(data.path(), &["key", "use"]);
    assert!(alone.code == 3 && alone.err.contains("key add"), "{}", alone.err);
    done(data.path(), &["key", "add"]);
    done(data.path(), &["key", "add"]);
    let full = run(data.path(), &["key", "add"]);
    assert!(full.code == 4 && full.err.contains("key drop"), "{}", full.err);
    let elsewhere = run(data.path(), &["key", "add", "--set", &format!("server_key={}", "a7".repeat(32))]);
    assert!(elsewhere.code == 2 && elsewhere.err.contains("\"OLD,NEW\""), "{}", elsewhere.err);
    assert!(!elsewhere.err.contains("a7a7"));
    let memory = run(Path::new("memory"), &["key", "add"]);
    assert!(memory.code == 2 && memory.err.contains("--data DIR"), "{}", memory.err);
}

#[cfg(unix)]
#[test]
fn a_server_takes_the_keys_over_when_it_is_told() {
    let data = tempdir().unwrap();
    let mut server = Running::start(data.path(), &[]);
    done(data.path(), &["key", "rotate"]);
    server.signal("HUP");
    let line = server.logged("Read the server key again");
    assert!(line.contains(&names(data.path()).join(" ")), "{line}");

    fs::write(data.path().join("server.key"), "no key\n").unwrap();
    server.signal("HUP");
    let line = server.logged("the one in use stays");
    assert!(line.contains("does not hold") && line.contains("64 hexadecimal digits"), "{line}");
}
