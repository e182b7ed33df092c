//! The real server: a process, a port and a data folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::process::{Program, output};
use crate::stage::Stage;
use crate::{ports, programs};

/// A running server.
#[derive(Debug)]
pub struct Server {
    name: String,
    program: Option<Program>,
    listen: String,
    origin: String,
    data: PathBuf,
    logs: PathBuf,
    settings: Vec<(String, String)>,
}

/// What differs from the defaults.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Environment variables, `COUNTERSIGN_...`.
    pub variables: Vec<(String, String)>,
    /// The public origin when something stands in front of the server.
    pub origin: Option<String>,
    /// HTTPS with a certificate of its own, as in a trial in a local network.
    pub self_signed: bool,
}

impl Settings {
    /// One more environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }
}

#[derive(Deserialize)]
struct Enrolment {
    link: String,
}

impl Server {
    /// Starts one with every limit at its default.
    ///
    /// # Errors
    /// When it does not come up; the message has its output.
    pub async fn start(stage: &Stage, name: &str) -> Result<Self> {
        Self::with_settings(stage, name, Settings::default()).await
    }

    /// Starts one with these settings.
    ///
    /// # Errors
    /// When it does not come up; the message has its output.
    pub async fn with_settings(stage: &Stage, name: &str, settings: Settings) -> Result<Self> {
        let listen = format!("127.0.0.1:{}", ports::free()?);
        let scheme = if settings.self_signed { "https" } else { "http" };
        let mut server = Self {
            name: name.to_owned(),
            program: None,
            origin: settings.origin.unwrap_or_else(|| format!("{scheme}://{listen}")),
            listen,
            data: stage.folder(name)?,
            logs: stage.logs(),
            settings: settings.variables,
        };
        if settings.self_signed {
            server.settings.push(("COUNTERSIGN_TLS_SELF_SIGNED".to_owned(), "true".to_owned()));
        }
        server.start_again().await?;
        Ok(server)
    }

    /// Starts it at the same address with the same data.
    ///
    /// # Errors
    /// When it does not come up; the message has its output.
    pub async fn start_again(&mut self) -> Result<()> {
        let mut command = self.command()?;
        command
            .arg("serve")
            .args(["--listen", &self.listen, "--origin", &self.origin])
            .arg("--data")
            .arg(&self.data);
        let mut program = Program::start(&self.name, &mut command, &self.logs)?;
        program.line(|line| line.contains("listening on ").then_some(())).await?;
        self.program = Some(program);
        Ok(())
    }

    /// Ends it without a word, as a power cut does.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.program.take().context("the server does not run")?.kill()
    }

    /// Ends it as an operator does, with a word to everybody who waits.
    ///
    /// # Errors
    /// When it does not run, does not end within the limit or ends with a failure.
    pub async fn stop(&mut self) -> Result<()> {
        let status = self.program.take().context("the server does not run")?.terminate().await?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// The public origin.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The login page.
    pub fn login_url(&self) -> String {
        format!("{}/login", self.origin)
    }

    /// `ADDRESS:PORT` that it listens on.
    pub fn listen(&self) -> &str {
        &self.listen
    }

    /// Process id, for what the system says about it.
    pub fn id(&self) -> Option<u32> {
        self.program.as_ref().map(Program::id)
    }

    /// Adds an account, as the operator does, and returns its enrolment link.
    ///
    /// # Errors
    /// When the command fails.
    pub fn add_account(&self, username: &str) -> Result<String> {
        self.link(&["users", "add", username])
    }

    /// Adds an account with a name for people.
    ///
    /// # Errors
    /// When the command fails.
    pub fn add_named_account(&self, username: &str, display_name: &str) -> Result<String> {
        self.link(&["users", "add", username, "--display-name", display_name])
    }

    /// Another enrolment link for an account.
    ///
    /// # Errors
    /// When the command fails.
    pub fn enrolment_link(&self, username: &str) -> Result<String> {
        self.link(&["users", "enrol", username])
    }

    fn link(&self, args: &[&str]) -> Result<String> {
        let text = self.operate(args)?;
        let enrolment: Enrolment =
            serde_json::from_str(&text).with_context(|| format!("no link in {}: {text}", args.join(" ")))?;
        Ok(enrolment.link)
    }

    /// Where a site sends its visitor (OpenID Connect Core §3.1.2.1): client `client`, back to `redirect_uri`.
    pub fn authorize_url(&self, client: &str, redirect_uri: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", client)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "openid profile")
            .append_pair("state", "anything")
            // RFC 7636, appendix B.
            .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
            .append_pair("code_challenge_method", "S256")
            .finish();
        format!("{}/oauth/authorize?{query}", self.origin)
    }

    /// `countersign-server ARGS --json` on this server's data.
    ///
    /// # Errors
    /// When the command fails; the message has its standard error.
    pub fn operate(&self, args: &[&str]) -> Result<String> {
        let mut command = self.command()?;
        command.args(args).args(["--origin", &self.origin, "--json"]).arg("--data").arg(&self.data);
        output(&mut command)
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(programs::built("countersign-server")?);
        command.env("COUNTERSIGN_LOG", "info");
        for (name, value) in &self.settings {
            command.env(name, value);
        }
        command.current_dir(Path::new("/"));
        Ok(command)
    }
}
