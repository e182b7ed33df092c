//! The keys that sign tokens, by their commands.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::tempdir;

use crate::program::{Running, run};

fn key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name)
}

fn done(data: &Path, args: &[&str]) -> Value {
    let mut args = args.to_vec();
    args.push("--json");
    let done = run(data, &args);
    assert_eq!(done.code, 0, "{args:?}: {}", done.err);
    done.json()
}

#[test]
fn keys_are_listed_rotated_and_imported_beside_a_server() {
    let data = tempdir().unwrap();
    let _server = Running::start(data.path(), &[]);
    let none = run(data.path(), &["signing-keys", "list"]);
    assert!(none.out.contains("A server makes one when it is needed"), "{}{}", none.out, none.err);

    let first = done(data.path(), &["signing-keys", "rotate"]);
    assert_eq!((&first["alg"], &first["standing"]), (&"ES256".into(), &"signs".into()));
    let next = done(data.path(), &["signing-keys", "rotate"]);
    assert_eq!(next["standing"], "next");
    let used_s = next["used_from"].as_i64().unwrap() - next["created_at"].as_i64().unwrap();
    assert_eq!(used_s, 86_400);
    let last = done(data.path(), &["signing-keys", "rotate", "--at-once"]);
    let listed = done(data.path(), &["signing-keys", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed[0]["kid"], last["kid"]);

    let (pkcs8, pkcs1) = (key("rsa-2048.pem"), key("rsa-2048-pkcs1.pem"));
    let imported = done(data.path(), &["signing-keys", "import", pkcs8.to_str().unwrap()]);
    assert_eq!((&imported["alg"], &imported["standing"]), (&"RS256".into(), &"signs".into()));
    let second = done(data.path(), &["signing-keys", "import", pkcs1.to_str().unwrap()]);
    assert_eq!(second["standing"], "next");
    let again = run(data.path(), &["signing-keys", "import", pkcs8.to_str().unwrap()]);
    assert!(again.code == 4 && again.err.contains("signing-keys list"), "{}", again.err);
    let shown = run(data.path(), &["signing-keys", "list"]).out;
    assert!(shown.contains("RS256") && !shown.contains("PRIVATE"), "{shown}");
}

#[test]
fn what_is_no_rsa_key_is_said() {
    let data = tempdir().unwrap();
    drop(Running::start(data.path(), &[]));
    let text = data.path().join("no-key.pem");
    std::fs::write(&text, "no key").unwrap();
    for file in [text.to_str().unwrap(), "/nowhere.pem"] {
        let refused = run(data.path(), &["signing-keys", "import", file]);
        assert_eq!(refused.code, 1, "{}", refused.err);
        assert!(refused.err.contains("could not read the key in"), "{}", refused.err);
    }
    let empty = tempdir().unwrap();
    let missing = run(empty.path(), &["signing-keys", "list"]);
    assert_eq!(missing.code, 3, "{}", missing.err);
}
