//! Installs what a fresh machine lacks: Debian packages, two cargo programs, npm packages.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, repo, run, target, which};

/// Needed to compile the app and the server.
const BUILD_PACKAGES: &[&str] = &[
    "build-essential",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
    "libayatana-appindicator3-dev",
    "libclang-dev",
];

/// Needed to drive a real browser and the real window without a display, to install schemathesis, and to run stores and
/// proxies for real. No service of theirs is started: tests start their own.
const TEST_PACKAGES: &[&str] = &[
    "xvfb",
    "xauth",
    "webkit2gtk-driver",
    "dbus",
    "dbus-x11",
    "gnome-keyring",
    "fonts-dejavu-core",
    "python3-venv",
    "postgresql",
    "redis-server",
    "nginx-light",
    "caddy",
    "haproxy",
    "apache2",
    "libapache2-mod-auth-openidc",
    "python3-authlib",
    "python3-requests",
];

/// Two ways to have a browser with its driver; the packages are taken when neither is there.
const BROWSER_PACKAGES: &[&str] = &["chromium", "chromium-driver"];

/// Sites and clients of other people's making that tests sign in at, with npm packages of their own.
const SITES: &[&str] = &["examples/node", "examples/embedded", "tests/peers/openid-client"];

/// Cargo programs by name and version.
const CARGO_PROGRAMS: &[(&str, &str)] = &[("cargo-deny", "0.20.2"), ("tauri-driver", "2.1.0")];

/// Oldest Node.js that the UI's build takes.
const NODE_MAJOR_MIN: u32 = 20;

/// Everything that building, running and testing needs.
///
/// # Errors
/// Names what could not be installed and how to do it by hand.
pub(crate) fn everything() -> Result<()> {
    for_building()?;
    for_windows_without_display()?;
    for (name, version) in CARGO_PROGRAMS {
        cargo_program(name, version)?;
    }
    SITES.iter().try_for_each(|site| npm_packages(site))
}

/// What `cargo build` and the UI's build need.
///
/// # Errors
/// Names what could not be installed and how to do it by hand.
pub(crate) fn for_building() -> Result<()> {
    system_packages(BUILD_PACKAGES)?;
    node()?;
    npm_packages("ui")
}

/// What a login through a real browser and the real window needs where no display is.
///
/// # Errors
/// Names what could not be installed and how to do it by hand.
pub(crate) fn for_windows_without_display() -> Result<()> {
    let has_browser =
        (which("chromium").is_some() || which("google-chrome").is_some()) && which("chromedriver").is_some();
    let browser = if has_browser { &[] } else { BROWSER_PACKAGES };
    system_packages(&[TEST_PACKAGES, browser].concat())?;
    let (name, version) = CARGO_PROGRAMS[1];
    cargo_program(name, version)
}

/// Installs those of these Debian packages that are missing.
///
/// # Errors
/// Names them and how to install them by hand.
pub(crate) fn system_packages(wanted: &[&str]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        println!(
            "    This system has no apt. Tauri's list of what it needs: https://v2.tauri.app/start/prerequisites/"
        );
        return Ok(());
    }
    if which("dpkg-query").is_none() || which("apt-get").is_none() {
        println!("    No apt here. Install what these Debian packages hold: {}", wanted.join(" "));
        return Ok(());
    }
    let missing: Vec<&str> = wanted.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("    Installing {}", missing.join(" "));
    let install = || run(apt_get("install").arg("--yes").arg("--no-install-recommends").args(&missing));
    // A fresh image has no package lists, an old one has stale ones: both show as a failed install.
    if !has_package_lists() || install().is_err() {
        run(&mut apt_get("update")).context("apt-get cannot fetch its package lists; is there a network?")?;
        install().with_context(|| {
            format!(
                "install these packages by hand, then run this again: apt-get install {}",
                missing.join(" ")
            )
        })?;
    }
    Ok(())
}

fn is_installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Abbrev}", package])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"ii"))
}

fn has_package_lists() -> bool {
    fs::read_dir("/var/lib/apt/lists").is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with("_Packages"))
            || Path::new("/var/lib/apt/lists/auxfiles").exists()
    })
}

/// Waits for another apt instead of failing beside it; asks for rights through sudo where that is there.
fn apt_get(verb: &str) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|meta| owner_is_root(&meta));
    let mut command = if is_root || which("sudo").is_none() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--preserve-env=DEBIAN_FRONTEND,RUNLEVEL", "apt-get"]);
        sudo
    };
    // With run level 1 a package starts no service.
    command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1").args([
        "-o",
        "DPkg::Lock::Timeout=180",
        "-q",
        verb,
    ]);
    command
}

#[cfg(unix)]
fn owner_is_root(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    meta.uid() == 0
}

#[cfg(not(unix))]
fn owner_is_root(_: &fs::Metadata) -> bool {
    false
}

fn cargo_program(name: &str, version: &str) -> Result<()> {
    if which(name).is_some() {
        return Ok(());
    }
    println!("    Installing {name} {version} (compiled once, a few minutes)");
    // Into the same target folder as always would rebuild our own crates: these have their own lock files.
    run(cargo(["install", "--locked", name, "--version", version]).env_remove("CARGO_TARGET_DIR"))
        .with_context(|| format!("install it by hand: cargo install --locked {name} --version {version}"))
}

fn node() -> Result<()> {
    let advice =
        format!("install Node.js {NODE_MAJOR_MIN} or newer with npm: https://nodejs.org/en/download");
    if which("npm").is_none() {
        bail!("npm is missing; {advice}");
    }
    let version = Command::new("node").arg("--version").output().with_context(|| advice.clone())?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE_MAJOR_MIN) {
        bail!("Node.js {version} is too old; {advice}");
    }
    Ok(())
}

/// `npm ci` in a folder of the checkout when its lock file differs from the one that was installed last.
///
/// # Errors
/// Names the folder.
pub(crate) fn npm_packages(folder: &str) -> Result<()> {
    let at = repo().join(folder);
    let lock = fs::read(at.join("package-lock.json"))
        .with_context(|| format!("{folder}/package-lock.json is missing from the checkout"))?;
    let stamp = target().join("xtask").join(format!("{}-package-lock.json", folder.replace('/', "-")));
    if at.join("node_modules").is_dir() && fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    println!("    Installing the npm packages of {folder}/");
    run(crate::ui::npm_in(&at).args(["ci", "--no-audit", "--no-fund"]))
        .with_context(|| format!("npm cannot install the packages of {folder}/; is there a network?"))?;
    fs::create_dir_all(target().join("xtask"))?;
    fs::write(stamp, lock).context("cannot remember which npm packages are installed")
}
