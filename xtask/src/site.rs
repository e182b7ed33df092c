//! `cargo xtask run --site NAME`: one of the sites of `examples/` beside the server.

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::command::{built, output, repo, which};
use crate::run::end;
use crate::setup;

/// How long a site may take to begin.
const BEGINS_WITHIN: Duration = Duration::from_mins(1);

/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Which site; each is a folder of `examples/` of that name, with a `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Site {
    /// Pages behind Apache with `mod_auth_openidc`.
    Apache,
    /// Node.js with openid-client.
    Node,
    /// Python with Authlib.
    Python,
    /// A page that knows nothing of signing in, behind nginx with `auth_request`.
    Nginx,
    /// Node.js, with the code inside the site's own page.
    Embedded,
}

/// A site and where it will be.
#[derive(Debug)]
pub(crate) struct Place {
    site: Site,
    port: u16,
}

/// A site that runs.
#[derive(Debug)]
pub(crate) struct Running {
    program: Child,
    /// What its programs write; some of them have not our rights, so it does not lie in the checkout.
    _folder: TempDir,
}

#[derive(Deserialize)]
struct Registered {
    client_secret: String,
}

impl Site {
    /// What it is called, as its visitors read it.
    const fn name(self) -> &'static str {
        match self {
            Self::Apache => "Wiki",
            Self::Node => "Notes",
            Self::Python => "Board",
            Self::Nginx => "Files",
            Self::Embedded => "Club",
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Apache => "examples/apache",
            Self::Node => "examples/node",
            Self::Python => "examples/python",
            Self::Nginx => "examples/nginx",
            Self::Embedded => "examples/embedded",
        }
    }

    /// Its first choice of a port, as its folder says.
    const fn port(self) -> u16 {
        match self {
            Self::Apache => 8090,
            Self::Node => 8091,
            Self::Python => 8092,
            Self::Nginx => 8093,
            Self::Embedded => 8094,
        }
    }

    /// Whether its proxy asks the server who comes. The others are registered as clients.
    const fn is_guarded(self) -> bool {
        match self {
            Self::Nginx => true,
            Self::Apache | Self::Node | Self::Python | Self::Embedded => false,
        }
    }

    /// What its registration says beside its addresses.
    const fn extras(self) -> &'static [&'static str] {
        match self {
            Self::Embedded => &["--embed"],
            Self::Apache | Self::Node | Self::Python | Self::Nginx => &[],
        }
    }

    /// Installs what it needs.
    ///
    /// # Errors
    /// Names what could not be installed.
    pub(crate) fn set_up(self) -> Result<()> {
        match self {
            Self::Apache => setup::system_packages(&["apache2", "libapache2-mod-auth-openidc"]),
            Self::Node | Self::Embedded => setup::npm_packages(self.folder()),
            Self::Python => setup::system_packages(&["python3-authlib", "python3-requests"]),
            // Another of Debian's packages of nginx would have to go for this one.
            Self::Nginx if which("nginx").is_some() || Path::new("/usr/sbin/nginx").exists() => Ok(()),
            Self::Nginx => setup::system_packages(&["nginx-light"]),
        }
    }
}

impl Place {
    /// The site's usual port, or a free one when somebody has that.
    ///
    /// # Errors
    /// When no port is free.
    pub(crate) fn choose(site: Site) -> Result<Self> {
        let usual = site.port();
        if TcpListener::bind(("127.0.0.1", usual)).is_ok() {
            return Ok(Self { site, port: usual });
        }
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
        let port = free.context("no port is free on 127.0.0.1")?.port();
        println!("==> Port {usual} is taken; the site uses {port}");
        Ok(Self { site, port })
    }

    /// What visitors open.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the server has to know when it starts, as environment variables.
    pub(crate) fn server_settings(&self) -> Vec<(&'static str, String)> {
        if self.site.is_guarded() {
            // No listed proxy: browsers call the server itself, and would seem to hide where they are.
            vec![("COUNTERSIGN_FORWARD_AUTH_HOSTS", format!("127.0.0.1:{}", self.port))]
        } else {
            Vec::new()
        }
    }

    /// Registers the site where it needs that, and starts it.
    ///
    /// # Errors
    /// When the server does not take it, or it does not start.
    pub(crate) fn start(&self, data: &Path, origin: &str) -> Result<Running> {
        println!("==> Starting {}, the site of {}", self.site.name(), self.site.folder());
        let folder = tempfile::Builder::new().prefix("countersign-site").tempdir();
        let folder = folder.context("cannot make a temporary folder for the site")?;
        let mut command = Command::new(repo().join(self.site.folder()).join("start"));
        command.env("ISSUER", origin).env("SITE", self.url()).env("FOLDER", folder.path());
        if !self.site.is_guarded() {
            let id = self.site.name().to_lowercase();
            command.env("CLIENT_SECRET", self.register(&id, data, origin)?).env("CLIENT_ID", id);
        }
        // Ctrl-C is for us: we end it in order.
        #[cfg(unix)]
        command.process_group(0);
        let program = command
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}/start", self.site.folder()))?;
        Ok(Running { program, _folder: folder })
    }

    /// Makes a client of it; the secret.
    fn register(&self, id: &str, data: &Path, origin: &str) -> Result<String> {
        let operate = |args: &[&str]| {
            let mut command = std::process::Command::new(built("countersign-server"));
            output(command.args(args).arg("--data").arg(data).args(["--origin", origin, "--json"]))
        };
        let listed = operate(&["clients", "list"])?;
        let known: Vec<Known> = serde_json::from_str(&listed).context("cannot read the clients")?;
        if known.iter().any(|client| client.client_id == id) {
            // Of a run before, whose secret nobody kept.
            operate(&["clients", "remove", id])?;
        }
        let at = |path: &str| format!("{}{path}", self.url());
        let (back, bye) = (at("/signed-in"), at("/goodbye"));
        // Where Apache hears of a logout; the others have no such address.
        let over = at("/signed-in?logout=backchannel");
        let mut args = vec!["clients", "add", self.site.name(), "--id", id, "--redirect", &back];
        args.extend(["--post-logout-redirect", &bye]);
        if self.site == Site::Apache {
            args.extend(["--back-channel-logout", &over]);
        }
        args.extend(self.site.extras());
        let text = operate(&args)?;
        let registered: Registered =
            serde_json::from_str(&text).context("the server's answer holds no secret")?;
        Ok(registered.client_secret)
    }

    /// Waits until the site takes calls.
    ///
    /// # Errors
    /// When it ends, or takes none for a minute.
    pub(crate) async fn until_ready(&self, running: &mut Running) -> Result<()> {
        let taken = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            status = running.ended() => bail!(self.has_ended(status)),
            taken = tokio::time::timeout(BEGINS_WITHIN, taken) => {
                taken.with_context(|| format!("{}/start runs, but nothing answers at {}", self.site.folder(), self.url()))
            }
        }
    }

    /// What to say when it has ended by itself.
    pub(crate) fn has_ended(&self, status: Option<ExitStatus>) -> String {
        let code =
            status.and_then(|status| status.code()).map_or_else(String::new, |code| format!(" ({code})"));
        format!("{}/start ended{code}; its output is above", self.site.folder())
    }
}

#[derive(Deserialize)]
struct Known {
    client_id: String,
}

impl Running {
    /// Waits until it ends by itself; how, if the system tells.
    pub(crate) async fn ended(&mut self) -> Option<ExitStatus> {
        self.program.wait().await.ok()
    }

    /// Ends it; what it wrote goes with it.
    pub(crate) async fn end(mut self) {
        end(&mut self.program).await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_example_with_a_start_is_a_site() {
        let folders = fs::read_dir(repo().join("examples")).unwrap().map(|entry| entry.unwrap().path());
        let started: BTreeSet<String> = folders
            .filter(|folder| folder.join("start").is_file())
            .map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        let sites = Site::value_variants().iter();
        let sites: BTreeSet<String> =
            sites.map(|site| site.to_possible_value().unwrap().get_name().to_owned()).collect();
        assert_eq!(sites, started);
    }

    #[test]
    fn a_site_is_where_its_folder_says() {
        for site in Site::value_variants() {
            let name = site.to_possible_value().unwrap().get_name().to_owned();
            assert_eq!(site.folder(), format!("examples/{name}"));
            let files = fs::read_dir(repo().join(site.folder())).unwrap().map(|entry| entry.unwrap().path());
            let texts: Vec<String> = files.filter_map(|file| fs::read_to_string(file).ok()).collect();
            let usual = format!("http://127.0.0.1:{}", site.port());
            assert!(texts.iter().any(|text| text.contains(&usual)), "{name} does not say {usual}");
            let ports: BTreeSet<u16> = Site::value_variants().iter().map(|site| site.port()).collect();
            assert_eq!(ports.len(), Site::value_variants().len(), "two sites want one port");
        }
    }

    #[cfg(unix)]
    #[test]
    fn every_start_can_be_run() {
        use std::os::unix::fs::PermissionsExt as _;
        for site in Site::value_variants() {
            let start = repo().join(site.folder()).join("start");
            assert_eq!(fs::metadata(&start).unwrap().permissions().mode() & 0o111, 0o111, "{start:?}");
        }
    }

    #[test]
    fn a_taken_port_is_replaced() {
        let _holder = TcpListener::bind(("127.0.0.1", Site::Node.port()));
        let place = Place::choose(Site::Node).unwrap();
        assert_ne!(place.url(), format!("http://127.0.0.1:{}", Site::Node.port()));
    }
}
