use std::fs;
use std::net::TcpListener;
use std::path::Path;

use protocol::link::Payload;
use tempfile::tempdir;

use crate::program::{Running, run};

async fn get(url: &str, path: &str) -> reqwest::Response {
    countersign_server::tls::install_provider();
    reqwest::get(format!("{url}{path}")).await.unwrap()
}

#[tokio::test]
async fn a_started_server_answers_at_the_address_it_names() {
    let data = tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(get(&server.url, path).await.status(), 200, "{path}");
    }
    let page = get(&server.url, "/").await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    assert!(page.headers().contains_key("x-request-id"));
    let html = page.text().await.unwrap();
    assert!(html.contains("name=\"dpop-nonce\"") && !html.contains("{{"), "{html}");

    let known = get(&server.url, "/.well-known/countersign").await;
    assert!(known.headers().contains_key("dpop-nonce"));
    let known: serde_json::Value = known.json().await.unwrap();
    assert_eq!(known["origin"], server.url.as_str());

    let missing = get(&server.url, "/api/nothing").await;
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.headers()["content-type"], "application/problem+json");
    let described: serde_json::Value = get(&server.url, "/openapi.json").await.json().await.unwrap();
    assert!(described["paths"].is_object());
}

#[tokio::test]
async fn every_file_that_a_page_names_is_there() {
    let data = tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let mut named = Vec::new();
    for page in ["/", "/renew", "/Q/X", "/E/X", "/nothing"] {
        let html = get(&server.url, page).await.text().await.unwrap();
        named.extend(html.split('"').filter(|part| part.starts_with("/assets/")).map(str::to_owned));
    }
    assert!(named.iter().any(|name| name.contains(".css")) && named.iter().any(|name| name.contains(".js")));
    let mut next = 0;
    while next < named.len() {
        let asset = get(&server.url, &named[next]).await;
        assert_eq!(asset.status(), 200, "{}", named[next]);
        if named[next].contains(".js") {
            // Whatever a module imports is a file beside it.
            for import in asset.text().await.unwrap().split('"').filter_map(|part| part.strip_prefix("./")) {
                let path = format!("/assets/{import}");
                if import.contains(".js") && !named.contains(&path) {
                    named.push(path);
                }
            }
        }
        next += 1;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_end_is_orderly() {
    let data = tempdir().unwrap();
    for name in ["TERM", "INT"] {
        let server = Running::start(data.path(), &[]);
        let url = server.url.clone();
        assert_eq!(get(&url, "/health/live").await.status(), 200);
        server.signal(name);
        let (code, out, log) = server.ended();
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(out, "", "nothing follows the line that says where it listens");
        assert!(log.contains("Stopped"), "{log}");
    }
}

#[cfg(unix)]
#[test]
fn keys_and_data_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempdir().unwrap();
    let data = parent.path().join("made").join("here");
    let _server = Running::start(&data, &["--self-signed"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for key in ["server.key", "tls.key"] {
        assert_eq!(mode(&data.join(key)), 0o600, "{key}");
    }
}

#[cfg(unix)]
#[test]
fn a_server_key_that_others_can_read_stops_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let data = tempdir().unwrap();
    drop(Running::start(data.path(), &[]));
    fs::set_permissions(data.path().join("server.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let refused = run(data.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("chmod 600"), "{}", refused.err);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let data = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = run(data.path(), &["serve", "--listen", &address]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(&address) && refused.err.contains("setting listen"), "{}", refused.err);
}

#[tokio::test]
async fn figures_have_a_listener_of_their_own() {
    let data = tempdir().unwrap();
    let mut server = Running::start(data.path(), &["--metrics", "127.0.0.1:0", "--log-format", "json"]);
    let line: serde_json::Value = serde_json::from_str(&server.logged("Figures are at")).unwrap();
    let figures = format!("http://{}", line["address"].as_str().unwrap());
    get(&server.url, "/Q/SECRETLOOKINGCODE").await;
    let text = get(&figures, "/metrics").await.text().await.unwrap();
    assert!(text.contains("route=\"/Q/{*code}\",method=\"GET\",status=\"200\""), "{text}");
    assert!(text.contains("countersign_sockets_open 0"), "{text}");
    assert!(!text.contains("SECRETLOOKINGCODE"));
    assert_eq!(get(&server.url, "/metrics").await.status(), 404, "the public listener has none");
}

#[cfg(unix)]
#[tokio::test]
async fn logs_are_json_and_hold_no_code() {
    let data = tempdir().unwrap();
    let server = Running::start(data.path(), &["--log-format", "json", "--log", "trace"]);
    for path in ["/Q/SECRETLOOKINGCODE", "/E/SECRETLOOKINGCODE", "/login?return_to=SECRETLOOKINGCODE"] {
        get(&server.url, path).await;
    }
    server.signal("TERM");
    let (_, _, log) = server.ended();
    assert!(log.lines().count() > 3);
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    assert!(!log.contains("SECRETLOOKINGCODE"), "{log}");
}

#[test]
fn the_chains_are_anchored_while_the_server_runs() {
    let data = tempdir().unwrap();
    run(data.path(), &["users", "add", "ada"]);
    let _server = Running::start(data.path(), &["--set", "retention.sweep_s=1"]);
    let anchored = || run(data.path(), &["audit", "export"]).out.contains("\"chain\":\"anchor\"");
    // Each look is a process of its own, so this gives the server seconds.
    assert!((0..200).any(|_| anchored()), "no anchor was written");
}

#[tokio::test]
async fn a_server_in_memory_makes_its_accounts_itself() {
    let memory = Path::new("memory");
    let server = Running::start(memory, &["--user", "ada"]);
    let link = server.said.iter().find_map(|line| line.strip_prefix("enrolment link of ada: ")).unwrap();
    assert!(matches!(Payload::parse(link), Payload::Enrol(_)), "{link}");
    assert_eq!(get(&server.url, "/health/ready").await.status(), 200);
    let apart = run(memory, &["users", "add", "bob"]);
    assert_eq!(apart.code, 2, "{}", apart.err);

    let here = tempdir().unwrap();
    let refused = run(here.path(), &["serve", "--listen", "127.0.0.1:0", "--user", "ada"]);
    assert!(refused.code == 2 && refused.err.contains("users add NAME"), "{}", refused.err);
}
