//! A site that knows nothing of signing in, behind a proxy out of `deploy/` that asks the server who comes.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, ensure};
use axum::Router;
use axum::http::HeaderMap;
use e2e::process::Program;
use e2e::server::{Server, Settings};
use e2e::stage::Stage;
use e2e::{patience, ports};
use serde_json::json;

use crate::client::{Answer, Device, Http, Jar, Key, Page, Raw};
use crate::front::{Kind, around_nginx, example, path, system};

/// A guarded site on plain http of this machine, and the server that its proxy asks.
struct Guarded {
    _proxy: Program,
    server: Server,
    host: String,
}

/// A browser that follows where it is led, with a jar for each of both hosts.
struct Browser {
    site: Http,
    server: Http,
    at_site: Jar,
    at_server: Jar,
}

pub(crate) async fn a_site_behind(kind: Kind) -> Result<()> {
    e2e::stage::play(&format!("guarded-{kind:?}").to_lowercase(), async |stage| {
        let guarded = Guarded::start(stage, kind).await?;
        let server = Http::new(guarded.server.origin(), guarded.server.origin(), None)?;
        let device = Device::enrol(&server, &guarded.server.add_account("ada")?).await?;
        let site = Http::new(&format!("http://{}", guarded.host), "", None)?;
        let mut browser = Browser { site, server, at_site: Jar::default(), at_server: Jar::default() };

        // A script is refused, a page is led to the login of the server.
        browser.script("/data").await?.is(401)?;
        let login = browser.follow("/report?a=b&c=%2F").await?;
        let transaction = login.split("transaction=").nth(1).context("the login page has a transaction")?;
        let body = json!({ "transaction": transaction });
        let mut page =
            Page::start_with(&browser.server, &Key::fresh(), &browser.at_server, &body, &[]).await?;
        ensure!(page.started.json()?["client"]["name"] == guarded.host.as_str(), "{}", page.started);
        device.approve(&page).await?;
        let redeemed = page.sign_in().await?.json()?;
        browser.at_server = page.jar.clone();
        let resume = redeemed["return_to"].as_str().context("the way on")?;
        let there = browser.follow(&format!("{}{resume}", guarded.server.origin())).await?;
        ensure!(there == format!("http://{}/report?a=b&c=%2F", guarded.host), "it ends at {there}");

        // The site hears who it is from the proxy, whatever the browser says.
        let lies = [
            ("remote-user", "root"),
            ("remote-groups", "admin"),
            ("remote-email", "root@example.com"),
            ("remote_user", "root"),
        ];
        let told = browser.at(&there, &lies).await?.is(200)?.text();
        ensure!(
            told == "remote-user=ada remote-groups= remote-email= remote_user=",
            "the site was told {told:?}"
        );
        browser.script("/data").await?.is(200)?;
        // Which host is judged is the proxy's word as well: a cookie of another guarded host must open nothing here.
        let told = browser.says_another_host("/data", "127.0.0.1:9").await?;
        ensure!(
            told.starts_with("HTTP/1.1 200 ") && told.contains("remote-user=ada"),
            "as another host: {told:?}"
        );

        // Ended in the app, it is over at the next call.
        device.delete("/api/sessions").await?.is(204)?;
        browser.script("/data").await?.is(401)?;
        let again = browser.follow("/report").await?;
        ensure!(again.contains("/login?transaction="), "it ends at {again}");
        Ok(())
    })
    .await
}

impl Guarded {
    async fn start(stage: &Stage, kind: Kind) -> Result<Self> {
        let host = format!("127.0.0.1:{}", ports::free()?);
        let settings = Settings::default()
            .with("COUNTERSIGN_FORWARD_AUTH_HOSTS", &host)
            .with("COUNTERSIGN_PROXIES_TRUSTED", "127.0.0.1");
        let server = Server::with_settings(stage, "server", settings).await?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let site = listener.local_addr()?.to_string();
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(tell)).await });
        let folder = stage.folder("proxy")?;
        let mut command = match kind {
            Kind::Nginx => nginx(&folder, &host, server.listen(), &site)?,
            Kind::Caddy => caddy(&folder, &host, server.listen(), &site)?,
            Kind::Haproxy => return Err(anyhow!("no example guards a site by HAProxy")),
        };
        let mut proxy = Program::start(&format!("{kind:?}"), command.current_dir(&folder), &stage.logs())?;
        let front = Http::new(&format!("http://{host}"), "", None)?;
        patience::until("the proxy to pass calls", async || {
            if !proxy.runs()? {
                return Ok(Some(Err(anyhow!("{kind:?} ended: {}", proxy.output()?))));
            }
            Ok((front.get("/data").await?.status == 401).then_some(Ok(())))
        })
        .await??;
        Ok(Self { _proxy: proxy, server, host })
    }
}

impl Browser {
    /// Follows from a path of the site, or an address, to where it is led no further; the login page is not opened.
    async fn follow(&mut self, from: &str) -> Result<String> {
        let mut address =
            if from.starts_with('/') { format!("{}{from}", self.site.base()) } else { from.to_owned() };
        for _ in 0..10 {
            if address.contains("/login?") {
                return Ok(address);
            }
            let answer = self.at(&address, &[]).await?;
            let next = answer.header("location").to_owned();
            if next.is_empty() {
                return Ok(address);
            }
            let base =
                if address.starts_with(self.site.base()) { self.site.base() } else { self.server.base() };
            address = if next.starts_with('/') { format!("{base}{next}") } else { next };
        }
        Err(anyhow!("it is led round and round, at {address}"))
    }

    /// Opens a page.
    async fn at(&mut self, address: &str, more: &[(&str, &str)]) -> Result<Answer> {
        let (http, jar) = if address.starts_with(self.site.base()) {
            (&self.site, &mut self.at_site)
        } else {
            (&self.server, &mut self.at_server)
        };
        let path = address.strip_prefix(http.base()).context("a page of one of both hosts")?;
        let mut call = http.call("GET", path).header("accept", "text/html").header("cookie", jar.header());
        for (name, value) in more {
            call = call.header(name, value);
        }
        let answer = call.send().await?;
        jar.absorb(&answer);
        Ok(answer)
    }

    /// A call to the site that names another one in its header `Host` (RFC 9112 §3.2.2: the address counts).
    async fn says_another_host(&self, path: &str, other: &str) -> Result<String> {
        let base = self.site.base();
        let to = base.strip_prefix("http://").context("a site on plain http")?.parse()?;
        let mut raw = Raw::connect(to, None).await?;
        let cookie = self.at_site.header();
        let call = format!(
            "GET {base}{path} HTTP/1.1\r\nHost: {other}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        );
        ensure!(raw.send(call.as_bytes()).await, "the proxy took no call");
        Ok(raw.read_to_end(patience::limit()).await.0)
    }

    /// A call of a script on the site.
    async fn script(&self, path: &str) -> Result<Answer> {
        let call = self.site.call("GET", path).header("accept", "application/json");
        call.header("cookie", self.at_site.header()).send().await
    }
}

/// The site: tells what it was told.
async fn tell(headers: HeaderMap) -> String {
    let said =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let all = ["remote-user", "remote-groups", "remote-email", "remote_user"];
    all.map(|name| format!("{name}={}", said(name))).join(" ")
}

fn nginx(folder: &Path, host: &str, server: &str, site: &str) -> Result<Command> {
    let text = example(
        "forward-auth.nginx.conf",
        &[
            ("listen 443 ssl", &format!("listen {host}")),
            ("set $countersign_host files.example.com", &format!("set $countersign_host {host}")),
            ("ssl_certificate     /etc/ssl/files.example.com/chain.pem;", ""),
            ("ssl_certificate_key /etc/ssl/files.example.com/key.pem;", ""),
            ("server 127.0.0.1:8080", &format!("server {server}")),
            ("server 127.0.0.1:9000", &format!("server {site}")),
        ],
    )?;
    fs::write(folder.join("site.conf"), text)?;
    around_nginx(folder)
}

fn caddy(folder: &Path, host: &str, server: &str, site: &str) -> Result<Command> {
    let text = example(
        "forward-auth.Caddyfile",
        &[
            ("files.example.com {", &format!("http://{host} {{")),
            ("127.0.0.1:8080", server),
            ("127.0.0.1:9000", site),
        ],
    )?;
    fs::write(folder.join("Caddyfile"), format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}"))?;
    let mut command = system("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config", &path(folder, "Caddyfile")]);
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    Ok(command)
}
