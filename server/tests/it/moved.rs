//! The real program on PostgreSQL: moved there from SQLite, started without it, and left alone by it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use countersign_server::tls;
use protocol::link::Payload;
use protocol::origin::Origin;
use protocol::statement::Decision;
use serde_json::Value;
use services::postgres::{Cluster, Options};

use crate::support::{Device, Page};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-server");
const ORIGIN: &str = "https://login.example.com";
const HERE: &str = "203.0.113.7";

/// A server behind a proxy, as this test is one; ended when dropped.
struct Server {
    child: Child,
    base: String,
}

/// What a command left behind.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

fn command(data: &Path, database: Option<&str>) -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERSIGN_")) {
        command.env_remove(name);
    }
    command.arg("--data").arg(data).args(["--origin", ORIGIN]);
    command.args(["--set", "proxies.trusted=[\"127.0.0.1\"]"]);
    if let Some(url) = database {
        // Where a password would be, so it has to work from there.
        command.env("COUNTERSIGN_DATABASE", url);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(data: &Path, database: Option<&str>, args: &[&str]) -> Done {
    let done = command(data, database).args(args).output().unwrap();
    Done {
        code: done.status.code(),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

impl Done {
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.err);
        serde_json::from_str(&self.out).unwrap()
    }
}

impl Server {
    fn start(data: &Path, database: Option<&str>) -> Self {
        // Nobody reads its log, so it must not go into a pipe that fills up.
        Self::logging(data, database, Stdio::null())
    }

    fn logging(data: &Path, database: Option<&str>, log: Stdio) -> Self {
        tls::install_provider();
        let mut command = command(data, database);
        command.env("COUNTERSIGN_LOG", "trace").stderr(log);
        let mut child = command.args(["serve", "--listen", "127.0.0.1:0", "--json"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).expect("it says where it listens");
        Self { child, base: format!("http://{}", ready["address"].as_str().unwrap()) }
    }

    fn end(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }

    fn page(&self, http: &reqwest::Client) -> Page {
        Page::new(http, &self.base, &Origin::parse(ORIGIN).unwrap(), HERE)
    }

    fn device(&self, http: &reqwest::Client) -> Device {
        Device::new(http, &self.base, &Origin::parse(ORIGIN).unwrap(), HERE)
    }

    async fn is_ready(&self, http: &reqwest::Client) -> u16 {
        http.get(format!("{}/health/ready", self.base)).send().await.unwrap().status().as_u16()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    tls::install_provider();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Signs a fresh page in.
async fn sign_in(page: &Page, device: &Device) {
    let request = page.start().await;
    let scanned = device.scanned(&request).await;
    let number = page.number(&request).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    page.redeem(&request).await.expect(201);
}

/// Adds an account by the command line, and its first device by the link that it prints.
async fn enrol(server: &Server, http: &reqwest::Client, data: &Path, database: Option<&str>) -> Device {
    let added = run(data, database, &["users", "add", "ada", "--json"]).json();
    let Payload::Enrol(link) = Payload::parse(added["link"].as_str().unwrap()) else {
        panic!("{added} has no link");
    };
    let mut device = server.device(http);
    device.enrol(&link.code.expose()).await.expect(201);
    device
}

#[tokio::test]
async fn a_session_and_a_device_outlive_the_move_to_postgresql() {
    let (data, http) = (tempfile::tempdir().unwrap(), client());
    let server = Server::start(data.path(), None);
    let mut device = enrol(&server, &http, data.path(), None).await;
    let mut page = server.page(&http);
    sign_in(&page, &device).await;
    let before = page.session().await.expect(200);
    server.end();

    let database = Cluster::shared().database().unwrap();
    let url = database.url();
    let from = data.path().to_str().unwrap();
    let imported = run(data.path(), Some(&url), &["import", "--from", from, "--json"]).json();
    assert_eq!(imported["tables"]["sessions"], 1);
    assert_eq!(imported["tables"]["accounts"], 1);
    assert!(imported["chains"].as_u64().unwrap() >= 1, "{imported}");

    let server = Server::start(data.path(), Some(&url));
    page.wire.base.clone_from(&server.base);
    device.wire.base.clone_from(&server.base);
    let after = page.session().await.expect(200);
    assert_eq!(before["account"], after["account"]);
    let sessions = device.call("GET", "/api/sessions", None).await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    page.refresh().await.expect(204);
    sign_in(&server.page(&http), &device).await;

    // Once there is something, nothing is imported over it.
    let again = run(data.path(), Some(&url), &["import", "--from", from]);
    assert_eq!(again.code, Some(4), "{}", again.err);
    assert!(again.err.contains("import into an empty one"), "{}", again.err);
    let log = data.path().join("audit.jsonl");
    let log = log.to_str().unwrap();
    run(data.path(), Some(&url), &["audit", "export", "--out", log, "--json"]).json();
    run(data.path(), None, &["audit", "verify", log, "--json"]).json();
}

#[tokio::test]
async fn a_server_says_that_its_database_is_down_and_goes_on_once_it_is_back() {
    let (data, http) = (tempfile::tempdir().unwrap(), client());
    let cluster = Cluster::start(Options { fsync: true, tcp: false }).unwrap();
    let database = cluster.database().unwrap();
    let url = database.url();
    let server = Server::start(data.path(), Some(&url));
    let device = enrol(&server, &http, data.path(), Some(&url)).await;
    let page = server.page(&http);
    sign_in(&page, &device).await;
    for crash in [false, true] {
        assert_eq!(server.is_ready(&http).await, 200);
        if crash {
            cluster.kill().unwrap();
        } else {
            cluster.stop().unwrap();
        }
        assert_eq!(server.is_ready(&http).await, 503);
        let down = page.session().await;
        assert_eq!(down.headers["retry-after"], "2");
        down.problem(503, "store_unavailable");
        cluster.resume().unwrap();
        page.session().await.expect(200);
        sign_in(&server.page(&http), &device).await;
    }
}

#[test]
fn a_database_that_is_down_at_the_start_is_named_without_its_password() {
    let data = tempfile::tempdir().unwrap();
    let url = "postgres://ada:sesame@127.0.0.1:1/countersign";
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["users", "list"], &["migrate"]] {
        let done = run(data.path(), Some(url), args);
        assert_eq!(done.code, Some(1), "{}", done.err);
        assert!(done.err.contains("could not open the database"), "{}", done.err);
        assert!(done.err.contains("Connection refused"), "{}", done.err);
        assert!(!done.err.contains("sesame") && !done.out.contains("sesame"), "{}", done.err);
    }
    let named = run(data.path(), Some(url), &["serve", "--listen", "127.0.0.1:0"]);
    assert!(named.err.contains("postgres://ada@127.0.0.1:1/countersign"), "{}", named.err);
}

#[tokio::test]
async fn the_password_of_a_database_is_in_no_log() {
    let (data, http) = (tempfile::tempdir().unwrap(), client());
    let database = Cluster::shared().database().unwrap();
    // The socket asks for none, so any will do.
    let url = database.url().replace('@', ":sesame@");
    let log = tempfile::NamedTempFile::new().unwrap();
    let server = Server::logging(data.path(), Some(&url), log.reopen().unwrap().into());
    let device = enrol(&server, &http, data.path(), Some(&url)).await;
    sign_in(&server.page(&http), &device).await;
    let status = std::fs::read_to_string(format!("/proc/{}/cmdline", server.child.id()));
    assert!(status.is_ok_and(|title| !title.contains("sesame")) || !Path::new("/proc").exists());
    server.end();
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert!(log.contains("Listening") && log.contains("postgres://countersign@"), "{log}");
    assert!(!log.contains("sesame"));
}

#[test]
fn a_database_that_is_none_is_refused_with_what_is_allowed() {
    let data = tempfile::tempdir().unwrap();
    let wrong = run(data.path(), None, &["--database", "mysql://ada@db/countersign", "users", "list"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("allowed: postgres://USER@HOST"), "{}", wrong.err);
    // The list of processes shows what is on the command line.
    let shown = run(data.path(), None, &["--database", "postgres://ada:sesame@db/x", "users", "list"]);
    assert_eq!(shown.code, Some(2));
    assert!(shown.err.contains("COUNTERSIGN_DATABASE") && !shown.err.contains("sesame"), "{}", shown.err);
    let help = run(data.path(), Some("postgres://ada:sesame@db/x"), &["serve", "--help"]);
    assert!(help.out.contains("--database") && !help.out.contains("sesame"), "{}", help.out);
}

#[test]
fn commands_act_on_postgresql_without_a_folder() {
    let nowhere = tempfile::tempdir().unwrap();
    let data = nowhere.path().join("never-made");
    let database = Cluster::shared().database().unwrap();
    let url = database.url();
    run(&data, Some(&url), &["migrate", "--json"]).json();
    assert_eq!(run(&data, Some(&url), &["users", "list", "--json"]).json(), serde_json::json!([]));
    run(&data, Some(&url), &["sessions", "list", "--json"]).json();
    assert!(!data.exists());
    let backup = run(&data, Some(&url), &["backup", "--out", "x"]);
    assert_eq!(backup.code, Some(2));
    assert!(
        backup.err.contains("pg_dump --format=custom") && backup.err.contains("server.key"),
        "{}",
        backup.err
    );
}

#[tokio::test]
async fn a_backup_that_was_made_while_the_server_ran_is_a_whole_server() {
    let (data, http) = (tempfile::tempdir().unwrap(), client());
    let server = Server::start(data.path(), None);
    let mut device = enrol(&server, &http, data.path(), None).await;
    let mut page = server.page(&http);
    sign_in(&page, &device).await;
    let copy = data.path().join("copy");
    let out = copy.to_str().unwrap();
    let made = run(data.path(), None, &["backup", "--out", out, "--json"]).json();
    assert!(made["files"].to_string().contains("server.key"), "{made}");
    assert_eq!(run(data.path(), None, &["backup", "--out", out]).code, Some(4));
    {
        use std::os::unix::fs::PermissionsExt as _;
        for entry in std::fs::read_dir(&copy).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        }
    }
    server.end();

    let restored = Server::start(&copy, None);
    page.wire.base.clone_from(&restored.base);
    device.wire.base.clone_from(&restored.base);
    page.session().await.expect(200);
    sign_in(&restored.page(&http), &device).await;
}

#[test]
fn a_log_that_was_changed_is_not_imported() {
    let data = tempfile::tempdir().unwrap();
    run(data.path(), None, &["users", "add", "ada", "--json"]).json();
    let file = data.path().join("countersign.sqlite");
    let missing = data.path().join("nothing.sqlite");
    let database = Cluster::shared().database().unwrap();
    let url = database.url();
    let none = run(data.path(), Some(&url), &["import", "--from", missing.to_str().unwrap()]);
    assert_eq!(none.code, Some(3), "{}", none.err);
    assert!(!missing.exists());
    change(&file, "UPDATE audit SET at = at + 1 WHERE seq = 1");
    let changed = run(data.path(), Some(&url), &["import", "--from", file.to_str().unwrap()]);
    assert_eq!(changed.code, Some(5), "{}", changed.err);
    assert!(changed.err.contains("entry 1 of audit chain"), "{}", changed.err);
    assert_eq!(run(data.path(), Some(&url), &["users", "list", "--json"]).json(), serde_json::json!([]));
}

/// Runs a statement on a SQLite file, as another program would.
fn change(file: &Path, statement: &str) {
    rusqlite::Connection::open(file).unwrap().execute_batch(statement).unwrap();
}
