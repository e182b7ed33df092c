use std::fs;
use std::path::Path;

use protocol::link::Payload;
use tempfile::tempdir;

use crate::program::{Running, run, run_with_input};

#[test]
fn adding_a_user_prints_a_link_that_an_app_can_read_and_draw() {
    let data = tempdir().unwrap();
    let added = run(data.path(), &["users", "add", "Ada", "--display-name", "Ada Lovelace"]);
    assert_eq!(added.code, 0, "{}", added.err);
    let link =
        added.out.lines().find(|line| line.starts_with("HTTP")).expect("the link has a line of its own");
    let Payload::Enrol(enrol) = Payload::parse(link) else { panic!("{link} enrols nothing") };
    assert_eq!(enrol.origin.as_str(), "http://127.0.0.1:8080");
    assert_eq!(enrol.pin, None);
    assert!(added.out.contains("10 minutes"), "{}", added.out);
    let picture: Vec<_> = added.out.lines().filter(|line| line.contains(['█', '▀'])).collect();
    let side = picture[0].chars().count();
    assert!(side > 30 && picture.len() == side.div_ceil(2), "{}", added.out);

    let listed = run(data.path(), &["users", "list", "--json"]).json();
    assert_eq!(listed[0]["username"], "ada");
    assert_eq!(listed[0]["display_name"], "Ada Lovelace");
    assert_eq!(listed[0]["has_password"], false);
    assert!(run(data.path(), &["users", "list"]).out.contains("Ada Lovelace"));
}

#[test]
fn a_link_for_programs_is_json() {
    let data = tempdir().unwrap();
    let origin = ["--origin", "https://login.example.com"];
    let added = run(data.path(), &["users", "add", "ada", "--json", origin[0], origin[1]]).json();
    let link = added["link"].as_str().unwrap();
    let Payload::Enrol(enrol) = Payload::parse(link) else { panic!("{link} enrols nothing") };
    assert_eq!(enrol.origin.as_str(), "https://login.example.com");
    assert_eq!(added["expires_in_s"], 600);
    assert_eq!(link, link.to_uppercase(), "upper case keeps the code small");
}

#[test]
fn a_name_that_is_taken_or_unknown_has_its_own_exit_code() {
    let data = tempdir().unwrap();
    assert_eq!(run(data.path(), &["users", "add", "ada"]).code, 0);
    let again = run(data.path(), &["users", "add", " ADA "]);
    assert_eq!(again.code, 4);
    assert!(again.err.contains("users enrol ada"), "{}", again.err);
    for command in [
        ["users", "enrol", "nobody"],
        ["users", "disable", "nobody"],
        ["users", "remove", "nobody"],
        ["devices", "list", "nobody"],
        ["sessions", "list", "nobody"],
    ] {
        let missing = run(data.path(), &command);
        assert_eq!(missing.code, 3, "{command:?}: {}", missing.err);
        assert!(missing.err.contains("There is no account \"nobody\""), "{}", missing.err);
    }
    assert_eq!(run(data.path(), &["devices", "remove", "ada", "x"]).code, 3);
    assert_eq!(run(data.path(), &["sessions", "end", "ada", "x"]).code, 3);
}

#[test]
fn an_account_is_disabled_enabled_and_removed() {
    let data = tempdir().unwrap();
    run(data.path(), &["users", "add", "ada"]);
    let state = || run(data.path(), &["users", "list", "--json"]).json()[0]["state"].clone();
    assert_eq!(run(data.path(), &["users", "disable", "ada"]).code, 0);
    assert_eq!(state(), "disabled");
    let refused = run(data.path(), &["users", "enrol", "ada"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("users enable ada"), "{}", refused.err);
    assert_eq!(run(data.path(), &["users", "enable", "ada"]).code, 0);
    assert_eq!(state(), "active");
    assert_eq!(run(data.path(), &["users", "remove", "ada", "--json"]).json()["removed"], true);
    assert!(run(data.path(), &["users", "list"]).out.contains("There are no accounts"));
}

#[test]
fn a_password_is_read_from_standard_input_and_never_shown() {
    let data = tempdir().unwrap();
    let added = run_with_input(
        data.path(),
        &["users", "add", "ada", "--password-stdin"],
        "correct horse battery\nrest",
    );
    assert_eq!(added.code, 0, "{}", added.err);
    let listed = run(data.path(), &["users", "list", "--json"]);
    assert_eq!(listed.json()[0]["has_password"], true);
    assert!(!listed.out.contains("argon2") && !added.out.contains("horse"));

    let short = run_with_input(data.path(), &["users", "password", "ada", "--password-stdin"], "short\n");
    assert_eq!(short.code, 2);
    assert!(short.err.contains("5 characters; allowed: 8"), "{}", short.err);
    let no_terminal = run(data.path(), &["users", "password", "ada"]);
    assert!(no_terminal.code == 2 && no_terminal.err.contains("--password-stdin"), "{}", no_terminal.err);
    assert_eq!(run(data.path(), &["users", "password", "ada", "--none"]).code, 0);
    assert_eq!(run(data.path(), &["users", "list", "--json"]).json()[0]["has_password"], false);
}

#[test]
fn a_client_is_made_listed_rotated_and_removed() {
    let data = tempdir().unwrap();
    let uri = "https://grafana.example.com/cb";
    let made =
        run(data.path(), &["clients", "add", "Grafana", "--redirect", uri, "--session-days", "2", "--json"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let made = made.json();
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    assert_eq!((id.len(), secret.len()), (22, 43));
    let public =
        ["clients", "add", "Tool", "--public", "--device-grant", "--id", "tool", "--scope", "repo:read"];
    let shown = run(data.path(), &public);
    assert!(shown.out.contains("client_id      tool") && shown.out.contains("PKCE"), "{}", shown.out);
    assert_eq!(run(data.path(), &public).code, 4);

    let listed = run(data.path(), &["clients", "list", "--json"]);
    assert!(!listed.out.contains(secret));
    let listed = listed.json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((&listed[0]["client_id"], &listed[0]["redirect_uris"][0]), (&id.into(), &uri.into()));
    assert_eq!((&listed[0]["session_days"], &listed[0]["public"]), (&2.into(), &false.into()));
    assert_eq!((&listed[1]["scopes"][0], &listed[1]["device_grant"]), (&"repo:read".into(), &true.into()));
    assert!(run(data.path(), &["clients", "list"]).out.contains("(device grant)"));

    let rotated = run(data.path(), &["clients", "rotate", id]);
    assert!(rotated.code == 0 && rotated.out.contains("60 minutes more"), "{} {}", rotated.out, rotated.err);
    let again = run(data.path(), &["clients", "rotate", id, "--at-once", "--json"]).json();
    assert_ne!(again["client_secret"], secret);
    assert_eq!(run(data.path(), &["clients", "rotate", "tool"]).code, 2, "it is public");
    assert_eq!(run(data.path(), &["clients", "remove", id, "--json"]).json()["removed"], true);
    assert_eq!(run(data.path(), &["clients", "remove", id]).code, 3);
    assert_eq!(run(data.path(), &["clients", "rotate", "forward:a.example"]).code, 3);
}

#[test]
fn what_cannot_be_a_client_is_said() {
    let data = tempdir().unwrap();
    for (args, said) in [
        (vec!["A"], "--redirect URI"),
        (vec!["A", "--redirect", "http://a.example.com/cb"], "cannot be used; allowed: https://HOST/PATH"),
        (vec!["A", "--redirect", "https://a.example.com/cb#x"], "cannot be used"),
        (vec!["A", "--device-grant", "--post-logout-redirect", "javascript:x"], "cannot be used"),
        (vec!["A", "--device-grant", "--id", "a b"], "no id of a client"),
        (vec!["A", "--device-grant", "--id", "forward:a"], "no id of a client"),
        (vec![" ", "--device-grant"], "no visible character"),
        (vec!["A", "--device-grant", "--scope", "a b"], "is no scope"),
        (vec!["A", "--device-grant", "--session-days", "0"], "1..=3650"),
        (vec!["A", "--device-grant", "--id-token-alg", "none"], "ES256"),
    ] {
        let refused = run(data.path(), &[&["clients", "add"], &args[..]].concat());
        assert_eq!(refused.code, 2, "{args:?}: {}", refused.err);
        assert!(refused.err.contains(said), "{args:?}: {}", refused.err);
    }
    assert!(run(data.path(), &["clients", "list"]).out.contains("There are no clients"));
}

#[test]
fn a_client_of_the_settings_is_listed_and_changed_there() {
    let data = tempdir().unwrap();
    let file = data.path().join("server.toml");
    fs::write(&file, "[[clients]]\nid = \"tool\"\npublic = true\ndevice_grant = true\n").unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let listed = run(data.path(), &["clients", "list", "--json", config[0], config[1]]).json();
    assert_eq!((&listed[0]["client_id"], &listed[0]["kept_in"]), (&"tool".into(), &"settings".into()));
    for command in ["rotate", "remove"] {
        let refused = run(data.path(), &["clients", command, "tool", config[0], config[1]]);
        assert!(refused.code == 2 && refused.err.contains("Change it there"), "{}", refused.err);
    }
    let args = ["clients", "add", "Tool", "--device-grant", "--id", "tool", config[0], config[1]];
    assert_eq!(run(data.path(), &args).code, 4);
}

#[test]
fn an_account_has_an_email_address_and_groups() {
    let data = tempdir().unwrap();
    let args = ["users", "add", "ada", "--email", "ada@example.com", "--group", "staff", "--group", "ops"];
    assert_eq!(run(data.path(), &args).code, 0);
    let ada = || run(data.path(), &["users", "list", "--json"]).json()[0].clone();
    assert_eq!(ada()["email"], "ada@example.com");
    assert_eq!(ada()["groups"], serde_json::json!(["staff", "ops"]));
    assert_eq!(run(data.path(), &["users", "set", "ada", "--group", "ops"]).code, 0);
    assert_eq!(
        (ada()["email"].clone(), ada()["groups"].clone()),
        ("ada@example.com".into(), serde_json::json!(["ops"]))
    );
    let set = run(data.path(), &["users", "set", "ada", "--no-email", "--no-groups", "--json"]).json();
    assert_eq!((&set["email"], &set["groups"]), (&serde_json::Value::Null, &serde_json::json!([])));
    assert_eq!(ada()["email"], serde_json::Value::Null);
    for wrong in [vec![], vec!["--email", "ada"], vec!["--group", "a,b"]] {
        let refused = run(data.path(), &[&["users", "set", "ada"], &wrong[..]].concat());
        assert_eq!(refused.code, 2, "{wrong:?}: {}", refused.err);
    }
    assert_eq!(run(data.path(), &["users", "set", "nobody", "--no-email"]).code, 3);
}

#[test]
fn commands_work_beside_a_running_server_and_know_its_origin() {
    let data = tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let added = run(data.path(), &["users", "add", "ada", "--json"]);
    assert_eq!(added.code, 0, "{}", added.err);
    let link = added.json()["link"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&server.url.to_uppercase()), "{link} is not at {}", server.url);
    assert_eq!(run(data.path(), &["devices", "list", "--json"]).json(), serde_json::json!([]));
    assert_eq!(run(data.path(), &["sessions", "list", "--json"]).json(), serde_json::json!([]));
    assert_eq!(run(data.path(), &["sessions", "end", "ada", "--all", "--json"]).json()["ended_sessions"], 0);
}

#[test]
fn wrong_settings_are_named_and_have_exit_code_2() {
    let data = tempdir().unwrap();
    for (args, said) in [
        (vec!["serve", "--listen", "8080"], "listen=8080"),
        (vec!["serve", "--listen", "0.0.0.0:0"], "origin is missing"),
        (vec!["serve", "--origin", "http://login.example.com"], "use https"),
        (vec!["config", "check", "--set", "lives.waiting_s=0"], "lives.waiting_s is 0; allowed: 1 to 3600"),
        (vec!["config", "check", "--config", "/nowhere.toml"], "config example"),
        (vec!["users"], "Usage"),
        (vec!["users", "add", ""], "is no username"),
    ] {
        let done = run(data.path(), &args);
        assert_eq!(done.code, 2, "{args:?}: {}", done.err);
        assert!(done.err.contains(said), "{args:?}: {}", done.err);
        assert_eq!(done.out, "", "{args:?}");
    }
    let memory = run(Path::new("memory"), &["users", "list"]);
    assert!(memory.code == 2 && memory.err.contains("--data DIR"), "{}", memory.err);
}

#[test]
fn a_data_folder_that_is_not_there_is_said() {
    let data = tempdir().unwrap();
    let folder = data.path().join("elsewhere");
    for args in
        [&["users", "list"][..], &["clients", "add", "Wiki", "--redirect", "https://wiki.example.com/"]]
    {
        let missing = run(&folder, args);
        assert_eq!(missing.code, 3, "{args:?}: {}", missing.err);
        let said = format!("no server's data in {}", folder.display());
        assert!(missing.err.contains(&said) && missing.err.contains("--data DIR"), "{}", missing.err);
        assert!(!folder.exists(), "{args:?}");
    }
}

#[test]
fn the_example_can_be_used_as_it_is() {
    let data = tempdir().unwrap();
    let example = run(data.path(), &["config", "example"]).out;
    let file = data.path().join("server.toml");
    fs::write(&file, example).unwrap();
    let checked = run(data.path(), &["config", "check", "--config", file.to_str().unwrap()]);
    assert_eq!(checked.code, 0, "{}", checked.err);
}

#[test]
fn an_exported_log_verifies_until_a_byte_of_it_changes() {
    let data = tempdir().unwrap();
    run(data.path(), &["users", "add", "ada"]);
    run(data.path(), &["users", "disable", "ada"]);
    run(data.path(), &["users", "enable", "ada"]);
    let file = data.path().join("audit.jsonl");
    let path = file.to_str().unwrap();
    let exported = run(data.path(), &["audit", "export", "--out", path]);
    assert_eq!(exported.code, 0, "{}", exported.err);
    let good = run(Path::new("/nowhere"), &["audit", "verify", path]);
    assert_eq!(good.code, 0, "{}", good.err);
    assert_eq!(run(data.path(), &["audit", "export"]).out, fs::read_to_string(&file).unwrap());

    let text = fs::read_to_string(&file).unwrap();
    let changed = text.replacen("account_disabled", "account_enabled", 1);
    let second = text.lines().nth(1).unwrap();
    let cut = text.replacen(&format!("{second}\n"), "", 1);
    for (what, bad) in [("changed", changed), ("cut", cut), ("garbled", format!("{text}nonsense\n"))] {
        assert_ne!(bad, text, "{what}");
        fs::write(&file, bad).unwrap();
        let broken = run(Path::new("/nowhere"), &["audit", "verify", path]);
        assert_eq!(broken.code, 5, "{what}: {}{}", broken.out, broken.err);
    }
}

/// A disk that is full ends an export; the store must not wait for room that never comes.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_export_that_cannot_be_written_ends() {
    use countersign_server::store::sqlite::SqliteStore;
    use countersign_server::store::{AuditKind, Body, Durable as _};
    use protocol::time::Timestamp;

    let data = tempdir().unwrap();
    run(data.path(), &["users", "add", "ada"]);
    let store = SqliteStore::open(&data.path().join("countersign.sqlite")).await.unwrap();
    let account = store.account_by_name("ada").await.unwrap().unwrap().id;
    // More than the export keeps between the store and the file.
    let notes =
        (0..500).map(|_| store.note(account, AuditKind::SignInRefused, Body::default(), Timestamp(1)));
    futures_util::future::join_all(notes).await;
    let full = run(data.path(), &["audit", "export", "--out", "/dev/full"]);
    assert_eq!(full.code, 1, "{}", full.err);
    assert!(full.err.contains("could not write the log"), "{}", full.err);
}

#[test]
fn the_description_of_the_interface_is_json() {
    let data = tempdir().unwrap();
    let described = run(data.path(), &["openapi"]).json();
    assert!(described["paths"]["/api/scans"]["post"].is_object());
    assert!(described["paths"]["/api/login-requests/{id}/session"]["post"].is_object());
}
