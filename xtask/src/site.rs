//! `cargo xtask run --site NAME`: one of the sites of `examples/` beside the server, registered there.

use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Deserialize;
use tokio::process::{Child, Command};

use crate::command::{built, output, repo};
use crate::setup;

/// Which site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Site {
    /// Pages behind Apache with `mod_auth_openidc`.
    Apache,
    /// Node.js with openid-client.
    Node,
    /// Python with Authlib.
    Python,
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
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Apache => "examples/apache",
            Self::Node => "examples/node",
            Self::Python => "examples/python",
        }
    }

    /// Where it is.
    pub(crate) const fn url(self) -> &'static str {
        match self {
            Self::Apache => "http://127.0.0.1:8090",
            Self::Node => "http://127.0.0.1:8091",
            Self::Python => "http://127.0.0.1:8092",
        }
    }

    /// Installs what it needs.
    ///
    /// # Errors
    /// Names what could not be installed.
    pub(crate) fn set_up(self) -> Result<()> {
        match self {
            Self::Apache => setup::system_packages(&["apache2", "libapache2-mod-auth-openidc"]),
            Self::Node => setup::npm_packages(self.folder()),
            Self::Python => setup::system_packages(&["python3-authlib", "python3-requests"]),
        }
    }

    /// Registers it anew and starts it.
    ///
    /// # Errors
    /// When the server does not take it, or it does not start.
    pub(crate) fn start(self, data: &Path, origin: &str) -> Result<Child> {
        let id = self.name().to_lowercase();
        let operate = |args: &[&str]| {
            let mut command = std::process::Command::new(built("countersign-server"));
            output(command.args(args).arg("--data").arg(data).args(["--origin", origin, "--json"]))
        };
        // Of a run before, whose secret nobody kept.
        let _gone = operate(&["clients", "remove", &id]);
        let at = |path: &str| format!("{}{path}", self.url());
        let text = operate(&[
            "clients",
            "add",
            self.name(),
            "--id",
            &id,
            "--redirect",
            &at("/signed-in"),
            "--post-logout-redirect",
            &at("/goodbye"),
            "--back-channel-logout",
            &at("/signed-in?logout=backchannel"),
        ])?;
        let registered: Registered =
            serde_json::from_str(&text).context("the server's answer holds no secret")?;
        Command::new(repo().join(self.folder()).join("start"))
            .env("ISSUER", origin)
            .env("SITE", self.url())
            .env("FOLDER", data.join("site"))
            .env("CLIENT_ID", &id)
            .env("CLIENT_SECRET", registered.client_secret)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}/start", self.folder()))
    }
}
