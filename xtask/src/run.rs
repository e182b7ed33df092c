//! `cargo xtask run`: a server of one's own, its login page in the browser and the app, ready to enrol.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::command::{built, cargo_build_programs, output, program, repo, run as run_command, which};
use crate::site::{self, Place, Site};
use crate::{setup, ui};

/// The account that the trial server knows.
const ACCOUNT: &str = "ada";
const ACCOUNT_NAME: &str = "Ada Lovelace";

/// The first choice of a port; a taken one is replaced by a free one.
const PORT: u16 = 8080;

#[derive(Args)]
pub(crate) struct Options {
    /// One complete login without a display: a real headless browser and the real window, pictures of each step.
    #[arg(long)]
    headless: bool,
    /// The folder of the trial server's accounts and key, kept between runs.
    #[arg(long, default_value = "target/countersign-run")]
    folder: PathBuf,
    /// Also one of the sites of examples/, to sign in at with the app.
    #[arg(long, conflicts_with = "headless")]
    site: Option<Site>,
}

/// Builds, starts and stays until Ctrl-C; with `--headless` signs in once and ends.
///
/// # Errors
/// Names what is missing and the next step.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.headless && cfg!(target_os = "linux") && !has_display() {
        bail!(
            "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so neither a browser nor the app \
             can open a window. For one complete login without a display: cargo xtask run --headless"
        );
    }
    let folder = repo().join(&options.folder);
    // Before anything is built: a refusal after ten minutes would be late.
    let _alone = if options.headless { None } else { Some(claim(&folder)?) };
    println!("==> Installing what is missing");
    setup::for_building()?;
    if options.headless {
        setup::for_windows_without_display()?;
    }
    if let Some(site) = options.site {
        site.set_up()?;
    }
    println!("==> Building");
    ui::build()?;
    run_command(&mut cargo_build_programs())?;
    if options.headless {
        let pictures = folder.join("pictures");
        println!("==> Signing in");
        return run_command(
            program(&built("headless-login").to_string_lossy(), []).arg("--pictures").arg(pictures),
        );
    }
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(stay(&folder, options.site))
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// What runs, for as long as we do.
#[derive(Default)]
struct Running {
    server: Option<Child>,
    site: Option<site::Running>,
    app: Option<Child>,
}

impl Running {
    /// Ends all of it, and the server last.
    async fn end(mut self) {
        if let Some(app) = &mut self.app {
            end(app).await;
        }
        if let Some(site) = self.site {
            site.end().await;
        }
        if let Some(server) = &mut self.server {
            end(server).await;
        }
    }
}

async fn stay(folder: &Path, site: Option<Site>) -> Result<()> {
    let mut running = Running::default();
    // From the first program on, so that none is left behind however early the end comes.
    let outcome = tokio::select! {
        () = asked_to_end() => Ok(()),
        outcome = serve(folder, site, &mut running) => outcome,
    };
    println!("\n==> Ending");
    running.end().await;
    outcome
}

/// Starts everything and watches over it.
async fn serve(folder: &Path, site: Option<Site>, running: &mut Running) -> Result<()> {
    let known = folder.join("server.key").exists();
    println!(
        "==> {} {}",
        if known { "Reusing" } else { "The trial server keeps its data in" },
        folder.display()
    );

    let Port { port, is_new } = choose_port(folder)?;
    let origin = format!("http://127.0.0.1:{port}");
    let place = site.map(Place::choose).transpose()?;
    let settings = place.as_ref().map(Place::server_settings).unwrap_or_default();
    let server = running.server.insert(start_server(folder, port, &origin, settings)?);
    until_ready(server).await?;
    let link = enrolment_link(folder, &origin, is_new)?;
    println!("==> Server ready: {origin}");

    if let Some(place) = &place {
        let started = running.site.insert(place.start(folder, &origin)?);
        place.until_ready(started).await?;
        println!("==> Site ready: {}", place.url());
    }
    let address = place.as_ref().map_or_else(|| origin.clone(), Place::url);
    open_in_browser(&address);
    let mut app = Command::new(built("countersign"));
    if let Some(link) = &link {
        println!(
            "==> The app opens with the enrolment link of {ACCOUNT}; \"Contact it\" and \"Add account\" enrol it:\n    {link}"
        );
        app.arg(link);
    } else {
        println!("==> {ACCOUNT} has an authenticator already; the app opens with it. For one more:");
        println!(
            "    {} users enrol {ACCOUNT} --data {} --origin {origin}",
            built("countersign-server").display(),
            folder.display()
        );
    }
    running.app = Some(app.kill_on_drop(true).spawn().context("cannot start the app")?);
    if place.is_some() {
        println!("==> {address} has you sign in here; {ACCOUNT} comes back to it");
    }
    println!("==> Then scan the code on the login page: by camera, or without one by \"Scan my screen\"");
    println!(
        "==> Ctrl-C ends {}",
        if place.is_some() { "the server, the site and the app" } else { "the server and the app" }
    );
    watch(running, place.as_ref()).await
}

/// Waits until something ends that the rest cannot do without.
async fn watch(running: &mut Running, place: Option<&Place>) -> Result<()> {
    let (server, mut app) = (&mut running.server, running.app.as_mut());
    loop {
        let app_ended = async {
            match &mut app {
                Some(app) => drop(app.wait().await),
                None => std::future::pending().await,
            }
        };
        let site_ended = async {
            match &mut running.site {
                Some(site) => site.ended().await,
                None => std::future::pending().await,
            }
        };
        let server_ended = async {
            match server {
                Some(server) => server.wait().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            status = server_ended => bail!("the server ended ({:?}); its output is above", status?.code()),
            status = site_ended => bail!(place.map(|place| place.has_ended(status)).unwrap_or_default()),
            () = app_ended => {}
        }
        app = None;
        println!("==> The app is closed; the server still runs. Ctrl-C ends it.");
    }
}

/// Makes the folder and keeps a second run off it for as long as the result lives.
fn claim(folder: &Path) -> Result<fs::File> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join("run.lock");
    let file = fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => bail!(
            "another `cargo xtask run` uses {}. End it with Ctrl-C, or give this one a folder of its own: \
             cargo xtask run --folder target/another-run",
            folder.display()
        ),
        Err(fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Where the server listens.
#[derive(Debug, PartialEq, Eq)]
struct Port {
    port: u16,
    /// No authenticator knows the server at this port.
    is_new: bool,
}

/// The port of the last run, so that the app finds its server again; else the usual one; else a free one.
fn choose_port(folder: &Path) -> Result<Port> {
    let file = folder.join("port");
    let remembered: Option<u16> = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    let wanted = remembered.unwrap_or(PORT);
    let port = if TcpListener::bind(("127.0.0.1", wanted)).is_ok() {
        wanted
    } else {
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
        let free = free.context("no port is free on 127.0.0.1")?.port();
        println!("==> Port {wanted} is taken; using {free}. To the app that is another server.");
        free
    };
    fs::write(file, port.to_string()).context("cannot remember the port")?;
    Ok(Port { port, is_new: remembered != Some(port) })
}

fn start_server(
    folder: &Path,
    port: u16,
    origin: &str,
    settings: Vec<(&'static str, String)>,
) -> Result<Child> {
    Command::new(built("countersign-server"))
        .arg("serve")
        .arg("--data")
        .arg(folder)
        .args(["--listen", &format!("127.0.0.1:{port}"), "--origin", origin])
        .envs(settings)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the server")
}

/// Waits until the server listens; passes on what it says.
async fn until_ready(server: &mut Child) -> Result<()> {
    let stdout = server.stdout.take().context("the server's output was not captured")?;
    let mut lines = BufReader::new(stdout).lines();
    loop {
        match lines.next_line().await? {
            Some(line) if line.starts_with("listening on ") => break,
            Some(line) => println!("{line}"),
            None => bail!("the server ended before it was ready; its output is above"),
        }
    }
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            println!("{line}");
        }
    });
    Ok(())
}

#[derive(Deserialize)]
struct Enrolment {
    link: String,
}

#[derive(Deserialize)]
struct User {
    username: String,
    devices: u32,
}

/// A link for the account, made with it when it is new; none when it already has an authenticator that knows the server
/// at this address.
fn enrolment_link(folder: &Path, origin: &str, is_new: bool) -> Result<Option<String>> {
    let server = |args: &[&str]| {
        let mut command = std::process::Command::new(built("countersign-server"));
        command.args(args).arg("--data").arg(folder).args(["--origin", origin, "--json"]);
        output(&mut command)
    };
    let users: Vec<User> =
        serde_json::from_str(&server(&["users", "list"])?).context("cannot read the accounts")?;
    let answer = match users.iter().find(|user| user.username == ACCOUNT) {
        Some(user) if user.devices > 0 && !is_new => return Ok(None),
        Some(_) => server(&["users", "enrol", ACCOUNT])?,
        None => server(&["users", "add", ACCOUNT, "--display-name", ACCOUNT_NAME])?,
    };
    let enrolment: Enrolment = serde_json::from_str(&answer).context("the server's answer holds no link")?;
    Ok(Some(enrolment.link))
}

/// Says so when there is none, or when it ends with a failure.
fn open_in_browser(url: &str) {
    let opener = ["xdg-open", "open", "chromium", "google-chrome", "firefox"].into_iter().find_map(which);
    let browser = opener.and_then(|opener| {
        let mut command = Command::new(opener);
        command.arg(url).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C here must not close somebody's browser.
        #[cfg(unix)]
        command.process_group(0);
        command.spawn().ok()
    });
    let Some(mut browser) = browser else {
        println!("==> Open this page in a browser: {url}");
        return;
    };
    println!("==> The browser opens {url}");
    let url = url.to_owned();
    tokio::spawn(async move {
        if browser.wait().await.is_ok_and(|status| !status.success()) {
            println!("==> No browser came up. Open this page in one: {url}");
        }
    });
}

async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // A terminal that is closed hangs up.
        if let (Ok(mut terminate), Ok(mut hangup)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            return;
        }
    }
    // Without a handler the system's own answer to Ctrl-C ends us.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Asks to end (Unix: SIGTERM), waits a moment and then insists.
pub(crate) async fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(id) = child.id() {
        let asked = std::process::Command::new("kill").arg(id.to_string()).status();
        let patience = std::time::Duration::from_secs(5);
        if asked.is_ok() && tokio::time::timeout(patience, child.wait()).await.is_ok() {
            return;
        }
    }
    // Nothing is left to do when it is gone already.
    let _gone = child.kill().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_the_last_run_is_taken_again_and_known() {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        fs::write(folder.path().join("port"), free.to_string()).unwrap();
        assert_eq!(choose_port(folder.path()).unwrap(), Port { port: free, is_new: false });
    }

    #[test]
    fn a_taken_port_is_replaced_by_one_that_nobody_knows() {
        let folder = tempfile::tempdir().unwrap();
        let holder = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let taken = holder.local_addr().unwrap().port();
        fs::write(folder.path().join("port"), taken.to_string()).unwrap();
        let chosen = choose_port(folder.path()).unwrap();
        assert!(chosen.is_new && chosen.port != taken);
        assert_eq!(fs::read_to_string(folder.path().join("port")).unwrap(), chosen.port.to_string());
    }

    #[test]
    fn a_second_run_on_the_same_folder_is_told_about_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = claim(folder.path()).unwrap();
        assert!(claim(folder.path()).unwrap_err().to_string().contains("another `cargo xtask run`"));
        drop(first);
        claim(folder.path()).unwrap();
    }
}
