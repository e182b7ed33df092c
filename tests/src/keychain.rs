//! A session bus with a keychain of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::{Program, output};
use crate::{patience, programs};

/// What opens the login keychain.
const PASSWORD: &[u8] = b"pw";

/// Name of the keychain on the bus.
const SERVICE: &str = "org.freedesktop.secrets";

/// What an app finds when it looks for a keychain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keychain {
    /// Open.
    Unlocked,
    /// There, but locked: the person has not given the password.
    Locked,
    /// No session bus at all.
    NoBus,
}

/// A session bus, its keychain daemon, and the home both belong to.
#[derive(Debug)]
pub struct Session {
    address: String,
    home: PathBuf,
    runtime: PathBuf,
    logs: PathBuf,
    daemon: Option<Program>,
    /// Held: dropping it ends the bus.
    bus: Option<Program>,
}

impl Session {
    /// Starts a bus and a keychain for the home in `folder`.
    ///
    /// # Errors
    /// When one of the programs is missing or does not start.
    pub async fn start(folder: &Path, logs: &Path, keychain: Keychain) -> Result<Self> {
        let (home, runtime) = (folder.join("h"), folder.join("r"));
        fs::create_dir_all(&home)?;
        fs::create_dir_all(&runtime)?;
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700))?;
        let logs = logs.to_owned();
        let mut session = Self {
            address: format!("unix:path={}/none", runtime.display()),
            home,
            runtime,
            logs,
            daemon: None,
            bus: None,
        };
        if keychain == Keychain::NoBus {
            return Ok(session);
        }
        session.start_bus().await?;
        session.start_daemon().await?;
        if keychain == Keychain::Locked {
            session.lock()?;
        }
        Ok(session)
    }

    /// The environment of a program that belongs to this session, and nothing else but the search path.
    pub fn environment(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.home)
            .env("XDG_DATA_HOME", self.home.join(".local/share"))
            .env("XDG_CONFIG_HOME", self.home.join(".config"))
            .env("XDG_CACHE_HOME", self.home.join(".cache"))
            .env("XDG_RUNTIME_DIR", &self.runtime)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            // English in every window; no search for services that this bus does not have.
            .env("LANG", "C.UTF-8")
            .env("NO_AT_BRIDGE", "1")
            .env("GSETTINGS_BACKEND", "memory")
            .env("GIO_USE_VFS", "local");
    }

    /// Address of the bus.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where the app keeps its files.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Gives the running keychain its password, by the message that logging in to a desktop sends.
    ///
    /// # Errors
    /// When the daemon refuses.
    pub fn unlock(&self) -> Result<()> {
        const UNLOCK: u32 = 1;
        const DONE: [u8; 8] = [0, 0, 0, 8, 0, 0, 0, 0];
        let password_length = u32::try_from(PASSWORD.len())?;
        let mut message = vec![0];
        message.extend((12 + password_length).to_be_bytes());
        message.extend(UNLOCK.to_be_bytes());
        message.extend(password_length.to_be_bytes());
        message.extend(PASSWORD);
        let mut control =
            UnixStream::connect(self.runtime.join("keyring/control")).context("no keychain runs")?;
        control.write_all(&message)?;
        let mut answer = [0; 8];
        control.read_exact(&mut answer).context("the keychain does not answer")?;
        ensure!(answer == DONE, "the keychain refuses its password: {answer:?}");
        Ok(())
    }

    /// Ends the keychain without a word; what is in it stays.
    ///
    /// # Errors
    /// When none runs, or the bus does not notice within the limit.
    pub async fn kill_daemon(&mut self) -> Result<()> {
        self.daemon.take().context("no keychain runs")?.kill()?;
        patience::until_is("a keychain on the bus", false, async || self.is_named(SERVICE)).await
    }

    /// Starts the keychain, open.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_daemon(&mut self) -> Result<()> {
        let mut command = Command::new(programs::installed(&["gnome-keyring-daemon"])?);
        self.environment(&mut command);
        command.args(["--foreground", "--unlock", "--components=secrets"]);
        self.daemon = Some(Program::start_with_input("keychain", &mut command, &self.logs, PASSWORD)?);
        patience::until_is("a keychain on the bus", true, async || self.is_named(SERVICE)).await?;
        let home = self.home.clone();
        patience::until("the login keychain", async || {
            Ok(home.join(".local/share/keyrings/login.keyring").exists().then_some(()))
        })
        .await
    }

    /// Closes the keychain; what is in it stays.
    ///
    /// # Errors
    /// When the bus refuses.
    pub fn lock(&self) -> Result<()> {
        let mut command = self.dbus_send();
        command.args([
            "--dest=org.freedesktop.secrets",
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.Lock",
            "array:objpath:/org/freedesktop/secrets/collection/login",
        ]);
        output(&mut command).context("the keychain does not lock")?;
        Ok(())
    }

    async fn start_bus(&mut self) -> Result<()> {
        let socket = self.runtime.join("bus");
        self.address = format!("unix:path={}", socket.display());
        // A bus of its own that starts nothing by itself: what is not there is not there.
        let config = self.runtime.join("bus.conf");
        let policy = "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
                      <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>";
        fs::write(
            &config,
            format!("<busconfig><type>session</type><listen>{}</listen>{policy}</busconfig>", self.address),
        )?;
        let mut command = Command::new(programs::installed(&["dbus-daemon"])?);
        self.environment(&mut command);
        command.args(["--nofork", "--nopidfile"]).arg(format!("--config-file={}", config.display()));
        self.bus = Some(Program::start("bus", &mut command, &self.logs)?);
        patience::until("the session bus", async || Ok(socket.exists().then_some(()))).await
    }

    fn is_named(&self, name: &str) -> Result<bool> {
        let mut command = self.dbus_send();
        command.args(["--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner"]);
        command.arg(format!("string:{name}"));
        Ok(output(&mut command)?.contains("boolean true"))
    }

    fn dbus_send(&self) -> Command {
        let mut command = Command::new("dbus-send");
        command.arg(format!("--bus={}", self.address)).args(["--print-reply", "--reply-timeout=10000"]);
        command
    }
}
