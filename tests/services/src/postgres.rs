//! PostgreSQL from the system's packages.
//!
//! A shell stands between a test and its server: it starts and ends the server on the lines that it reads, and when
//! there is nothing more to read, because the test is over, has panicked or was killed, it ends the server at once and
//! removes its folder.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};

mod keeper;

use keeper::{Keeper, Runner, programs};

/// The user that owns a database here, without a password: only this user of the machine gets at the socket.
const USER: &str = "countersign";
/// In the name of a socket that no port goes with.
const PORT: u16 = 5432;
/// Ports that are tried.
const PORTS_MAX: u32 = 3;

/// How a server runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Every commit is on the disk before it is answered, as in production. Tests that no crash is part of are faster
    /// without.
    pub fsync: bool,
    /// Listens on a port of 127.0.0.1 as well as on its Unix socket.
    pub tcp: bool,
}

/// A server with its folder; both are gone with this value, or with the process.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    /// Of 127.0.0.1 where it listens there; always in the name of its socket.
    port: u16,
    keeper: Mutex<Keeper>,
    databases: AtomicU64,
}

/// An empty database of a cluster, dropped with this value.
#[derive(Debug)]
pub struct Database<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl Cluster {
    /// The one server of this process for all tests that need no more than a database: fast, and without a care for
    /// crashes. Panics with the reason when it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start(Options::default()) {
            Ok(cluster) => cluster,
            Err(error) => panic!("{error:#}"),
        })
    }

    /// Makes a server of its own and waits until it answers.
    ///
    /// # Errors
    /// What is not installed or does not start, and what to do.
    pub fn start(options: Options) -> Result<Self> {
        if !options.tcp {
            return Self::start_at(options, PORT);
        }
        // Somebody else may take a port that was free a moment ago.
        let mut last = None;
        for _ in 0..PORTS_MAX {
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            match Self::start_at(options, port) {
                Ok(cluster) => return Ok(cluster),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no port was tried")?)
    }

    fn start_at(options: Options, port: u16) -> Result<Self> {
        let bin = programs()?;
        let runner = Runner::find()?;
        // The path of a socket has at most 107 bytes, so this is not for a folder that TMPDIR names.
        let folder = tempfile::Builder::new().prefix("countersign-pg-").tempdir_in("/tmp")?;
        if let Some((user, group)) = runner.owner {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group))?;
        }
        let data = folder.path().join("data");
        let made = runner
            .command(&bin.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username", USER])
            .arg("--pgdata")
            .arg(&data)
            .output()?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        configure(&data.join("postgresql.conf"), folder.path(), options, port)?;
        let folder = folder.keep();
        let keeper = Mutex::new(Keeper::spawn(&folder, &bin, port, &runner)?);
        let cluster = Self { folder, bin, port, keeper, databases: AtomicU64::new(1) };
        cluster.resume()?;
        Ok(cluster)
    }

    /// Starts it again after [`Cluster::stop`] or [`Cluster::kill`], and waits until it answers.
    ///
    /// # Errors
    /// The server's own words.
    pub fn resume(&self) -> Result<()> {
        self.order("start")
    }

    /// Ends it as an operator does: open connections are cut, what was committed is kept.
    ///
    /// # Errors
    /// The process that keeps it is gone.
    pub fn stop(&self) -> Result<()> {
        self.order("stop")
    }

    /// Ends it as a crash does.
    ///
    /// # Errors
    /// As [`Cluster::stop`].
    pub fn kill(&self) -> Result<()> {
        self.order("kill")
    }

    /// Stops it in its tracks without ending it: connections stay open and nobody answers. Linux alone.
    ///
    /// # Errors
    /// When it does not run or the system refuses.
    pub fn freeze(&self) -> Result<()> {
        self.order("freeze")
    }

    /// Lets it go on after [`Cluster::freeze`].
    ///
    /// # Errors
    /// As [`Cluster::freeze`].
    pub fn thaw(&self) -> Result<()> {
        self.order("thaw")
    }

    /// Makes an empty database.
    ///
    /// # Errors
    /// The server's own words.
    pub fn database(&self) -> Result<Database<'_>> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(Database { cluster: self, name })
    }

    /// The URL of a database by its socket.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://{USER}@{folder}:{}/{database}", self.port)
    }

    /// Lets it speak TLS with this certificate and key, PEM, to whoever asks for it.
    ///
    /// # Errors
    /// The server's own words.
    pub fn serve_tls(&self, certificate: &str, key: &str) -> Result<()> {
        let data = self.folder.join("data");
        let owner = fs::metadata(&data)?;
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = data.join(name);
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&file)?
                .write_all(text.as_bytes())?;
            std::os::unix::fs::chown(&file, Some(owner.uid()), Some(owner.gid()))?;
        }
        self.run("postgres", "ALTER SYSTEM SET ssl = on")?;
        self.stop()?;
        self.resume()
    }

    /// The URL of a database by the port of 127.0.0.1; nobody answers there without [`Options::tcp`].
    pub fn tcp_url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// What the server has written about itself.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Runs statements in a database, as an operator would; gives what they print, a line a row, columns with `|`.
    ///
    /// # Errors
    /// The server's own words.
    pub fn run(&self, database: &str, statements: &str) -> Result<String> {
        let done = Command::new(self.bin.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"])
            .args(["--dbname", &self.url(database), "--command", statements])
            .output()?;
        ensure!(done.status.success(), "psql failed: {}", String::from_utf8_lossy(&done.stderr));
        Ok(String::from_utf8(done.stdout)?)
    }

    fn order(&self, order: &str) -> Result<()> {
        // A test that panicked meanwhile has left it as whole as it was.
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if keeper.order(order)? {
            return Ok(());
        }
        bail!("PostgreSQL did not {order}: {}", self.log())
    }
}

impl Database<'_> {
    /// Its URL.
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// As [`Cluster::run`], in this database.
    ///
    /// # Errors
    /// The server's own words.
    pub fn run(&self, statements: &str) -> Result<String> {
        self.cluster.run(&self.name, statements)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // A test that failed while it was frozen would wait for ever. What is left behind goes with the cluster's folder.
        let _ = self.cluster.thaw();
        let _ = self.cluster.run("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn configure(file: &Path, folder: &Path, options: Options, port: u16) -> Result<()> {
    let addresses = if options.tcp { "127.0.0.1" } else { "" };
    let fsync = if options.fsync { "on" } else { "off" };
    let text = format!(
        "\nunix_socket_directories = '{}'\nunix_socket_permissions = 0700\nlisten_addresses = '{addresses}'\nport = {port}\n\
         fsync = {fsync}\nsynchronous_commit = {fsync}\nfull_page_writes = {fsync}\n\
         max_connections = 400\nshared_buffers = 32MB\nmax_wal_size = 128MB\nautovacuum = off\n",
        folder.display()
    );
    OpenOptions::new().append(true).open(file)?.write_all(text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::process::Stdio;

    use super::*;

    /// Set for a process that starts a server and dies with it.
    const DIES: &str = "COUNTERSIGN_TEST_DIES";

    #[test]
    fn what_was_committed_outlives_a_crash_and_a_stop() {
        let cluster = Cluster::start(Options { fsync: true, tcp: false }).unwrap();
        let database = cluster.database().unwrap();
        database.run("CREATE TABLE kept (n BIGINT); INSERT INTO kept VALUES (1)").unwrap();
        cluster.kill().unwrap();
        assert!(database.run("SELECT 1").is_err());
        cluster.resume().unwrap();
        database.run("INSERT INTO kept VALUES (2)").unwrap();
        cluster.stop().unwrap();
        assert!(database.run("SELECT 1").is_err());
        cluster.resume().unwrap();
        assert_eq!(database.run("SELECT count(*) FROM kept").unwrap(), "2\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_says_nothing_while_it_is_frozen() {
        let cluster = Cluster::start(Options::default()).unwrap();
        cluster.freeze().unwrap();
        let mut asked = Command::new(cluster.bin.join("psql"))
            .args(["--dbname", &cluster.url("postgres"), "--command", "SELECT 1"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        assert!(asked.try_wait().unwrap().is_none(), "it answered");
        cluster.thaw().unwrap();
        assert!(asked.wait().unwrap().success());
        cluster.freeze().unwrap();
        cluster.kill().unwrap();
        cluster.resume().unwrap();
        cluster.freeze().unwrap();
    }

    #[test]
    fn nothing_is_left_of_it() {
        let cluster = Cluster::start(Options::default()).unwrap();
        let folder = cluster.folder.clone();
        assert!(folder.exists());
        drop(cluster);
        assert!(!folder.exists());
    }

    #[test]
    fn nothing_is_left_of_it_when_the_test_is_killed() {
        if std::env::var_os(DIES).is_some() {
            let cluster = Cluster::start(Options::default()).unwrap();
            fs::write(std::env::var(DIES).unwrap(), cluster.folder.to_str().unwrap()).unwrap();
            let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
        }
        let note = tempfile::NamedTempFile::new().unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "postgres::tests::nothing_is_left_of_it_when_the_test_is_killed"])
            .env(DIES, note.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        assert!(!process.wait().unwrap().success());
        let folder = PathBuf::from(fs::read_to_string(note.path()).unwrap());
        assert!(folder.is_absolute());
        // Whoever keeps the server is nobody's child here: its end can only be looked for.
        while folder.exists() {
            std::thread::yield_now();
        }
    }
}
