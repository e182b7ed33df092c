//! A proxy with its configuration out of `deploy/`, and the server behind it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use e2e::process::Program;
use e2e::server::{Server, Settings};
use e2e::stage::Stage;
use e2e::{patience, ports, programs};

use crate::client::Http;

/// Where people sign in, in every example.
const HOST: &str = "login.example.com";

/// Which proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
    Haproxy,
}

/// A proxy that runs; the server ends after it.
pub(crate) struct Front {
    _proxy: Program,
    server: Server,
    address: String,
}

impl Front {
    /// Starts a server and the proxy before it.
    pub(crate) async fn start(stage: &Stage, kind: Kind) -> Result<Self> {
        let settings = Settings { origin: Some(format!("https://{HOST}")), ..Settings::default() };
        let settings = settings.with("COUNTERSIGN_PROXIES_TRUSTED", "127.0.0.1");
        let server = Server::with_settings(stage, "server", settings).await?;
        let folder = stage.folder("proxy")?;
        let port = ports::free()?;
        let address = format!("127.0.0.1:{port}");
        certificate(&folder)?;
        let mut command = match kind {
            Kind::Nginx => nginx(&folder, &address, server.listen())?,
            Kind::Caddy => caddy(&folder, &address, server.listen())?,
            Kind::Haproxy => haproxy(&folder, &address, server.listen())?,
        };
        let mut proxy = Program::start(&format!("{kind:?}"), command.current_dir(&folder), &stage.logs())?;
        let front = Http::new(&format!("https://{address}"), "", Some([127, 0, 0, 8].into()))?;
        patience::until("the proxy to pass calls", async || {
            if !proxy.runs()? {
                return Ok(Some(Err(anyhow!("{kind:?} ended: {}", proxy.output()?))));
            }
            Ok((front.get("/health/ready").await?.status == 200).then_some(Ok(())))
        })
        .await??;
        Ok(Self { _proxy: proxy, server, address })
    }

    pub(crate) const fn server(&self) -> &Server {
        &self.server
    }

    /// Calls through the proxy from this address of the machine.
    pub(crate) fn http(&self, from: &str) -> Result<Http> {
        Http::new(&format!("https://{}", self.address), self.server.origin(), Some(from.parse()?))
    }
}

fn nginx(folder: &Path, address: &str, server: &str) -> Result<Command> {
    let site = example(
        "nginx.conf",
        &[
            ("listen 443 ssl", &format!("listen {address} ssl")),
            ("server 127.0.0.1:8080", &format!("server {server}")),
            ("/etc/ssl/login.example.com/chain.pem", &path(folder, "chain.pem")),
            ("/etc/ssl/login.example.com/key.pem", &path(folder, "key.pem")),
        ],
    )?;
    fs::write(folder.join("site.conf"), site)?;
    around_nginx(folder)
}

/// nginx with `site.conf` of this folder and nothing else.
pub(crate) fn around_nginx(folder: &Path) -> Result<Command> {
    // The system's own file around it writes below /var.
    let temporary: Vec<String> = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|what| format!("{what}_temp_path {};", path(folder, what)))
        .collect();
    let around = format!(
        "daemon off; pid {}; error_log stderr; events {{ }}\nhttp {{ access_log off; {} include {}; }}\n",
        path(folder, "pid"),
        temporary.join(" "),
        path(folder, "site.conf")
    );
    // What only root may say, and needs to: without it the workers could not enter a test's folder.
    let user = if fs::metadata("/proc/self")?.uid() == 0 { "user root; " } else { "" };
    fs::write(folder.join("nginx.conf"), format!("{user}{around}"))?;
    let mut command = system("nginx");
    command.args(["-e", "stderr", "-c", &path(folder, "nginx.conf")]);
    Ok(command)
}

fn caddy(folder: &Path, address: &str, server: &str) -> Result<Command> {
    let key = format!("tls {} {}", path(folder, "chain.pem"), path(folder, "key.pem"));
    let site = example(
        "Caddyfile",
        &[
            (&format!("{HOST} {{"), &format!("https://{address} {{\n\t{key}")),
            ("reverse_proxy 127.0.0.1:8080", &format!("reverse_proxy {server}")),
        ],
    )?;
    // No port of its own for orders and for redirects: tests run side by side.
    let around = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n";
    fs::write(folder.join("Caddyfile"), format!("{around}{site}"))?;
    let mut command = system("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config", &path(folder, "Caddyfile")]);
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    Ok(command)
}

fn haproxy(folder: &Path, address: &str, server: &str) -> Result<Command> {
    let site = example(
        "haproxy.cfg",
        &[
            ("bind :443", &format!("bind {address}")),
            ("/etc/haproxy/login.example.com.pem", &path(folder, "both.pem")),
            ("10.0.0.11:8080", server),
            // Nobody listens there: the check keeps it out.
            ("10.0.0.12:8080", "127.0.0.1:9"),
        ],
    )?;
    fs::write(folder.join("haproxy.cfg"), site)?;
    let mut command = system("haproxy");
    command.args(["-f", &path(folder, "haproxy.cfg")]);
    Ok(command)
}

/// A file of `deploy/`, with these words replaced; each has to be in it.
pub(crate) fn example(name: &str, replaced: &[(&str, &str)]) -> Result<String> {
    let file = programs::repo().join("deploy").join(name);
    let mut text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    for (word, other) in replaced {
        ensure!(text.contains(word), "{} does not say {word:?}", file.display());
        text = text.replace(word, other);
    }
    Ok(text)
}

fn certificate(folder: &Path) -> Result<()> {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned(), "127.0.0.1".to_owned()])?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    fs::write(folder.join("both.pem"), format!("{chain}{key}"))?;
    fs::write(folder.join("chain.pem"), chain)?;
    Ok(fs::write(folder.join("key.pem"), key)?)
}

/// A program that may lie where only root's path leads.
pub(crate) fn system(name: &str) -> Command {
    let found = ["/usr/sbin", "/usr/local/sbin"].map(|folder| Path::new(folder).join(name));
    Command::new(found.into_iter().find(|program| program.is_file()).unwrap_or_else(|| name.into()))
}

pub(crate) fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}
