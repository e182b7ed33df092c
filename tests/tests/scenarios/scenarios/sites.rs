//! The sites of `examples/`, started as their readers start them.

use std::process::Command;

use anyhow::{Context, Result, anyhow};
use e2e::process::Program;
use e2e::server::Server;
use e2e::stage::Stage;
use e2e::{patience, ports, programs};
use serde::Deserialize;

/// A site that runs; its programs end with it.
pub(crate) struct Site {
    _program: Program,
    origin: String,
    /// What its programs write; those of Apache and nginx have not our rights, so it lies where everybody may go.
    _folder: tempfile::TempDir,
}

/// What `clients add --json` prints.
#[derive(Deserialize)]
struct Added {
    client_secret: String,
}

impl Site {
    /// Registers the site `examples/EXAMPLE` at the server, by this name for people, and starts it.
    pub(crate) async fn start(stage: &Stage, server: &Server, example: &str, name: &str) -> Result<Self> {
        let origin = format!("http://127.0.0.1:{}", ports::free()?);
        let id = name.to_lowercase();
        let secret = register(server, name, &id, &origin)?;
        let registered = [("CLIENT_ID", id.as_str()), ("CLIENT_SECRET", &secret)];
        Self::serve(stage, server, example, origin, &registered).await
    }

    /// Starts `examples/EXAMPLE` at `HOST:PORT`, which the server guards by its settings: nothing is registered.
    pub(crate) async fn start_guarded(
        stage: &Stage,
        server: &Server,
        example: &str,
        host: &str,
    ) -> Result<Self> {
        Self::serve(stage, server, example, format!("http://{host}"), &[]).await
    }

    async fn serve(
        stage: &Stage,
        server: &Server,
        example: &str,
        origin: String,
        registered: &[(&str, &str)],
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cssite").tempdir()?;
        let mut command = Command::new(programs::repo().join("examples").join(example).join("start"));
        command.env("ISSUER", server.origin()).env("SITE", &origin).env("FOLDER", folder.path());
        command.envs(registered.iter().copied());
        let mut program = Program::start(example, &mut command, &stage.logs())?;
        let client = reqwest::Client::new();
        patience::until(&format!("{example} to serve pages"), async || {
            if !program.runs()? {
                return Ok(Some(Err(anyhow!("{example} ended: {}", program.output()?))));
            }
            client.get(format!("{origin}/nowhere")).send().await?;
            Ok(Some(Ok(())))
        })
        .await??;
        Ok(Self { _program: program, origin, _folder: folder })
    }

    /// A page of the site.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// Makes a client with the addresses that all examples have, and gives its secret.
fn register(server: &Server, name: &str, id: &str, origin: &str) -> Result<String> {
    let at = |path: &str| format!("{origin}{path}");
    let text = server.operate(&[
        "clients",
        "add",
        name,
        "--id",
        id,
        "--redirect",
        &at("/signed-in"),
        "--post-logout-redirect",
        &at("/goodbye"),
        // Where Apache hears of it; the other sites ask by refresh token.
        "--back-channel-logout",
        &at("/signed-in?logout=backchannel"),
    ])?;
    let added: Added = serde_json::from_str(&text).with_context(|| format!("no secret in {text}"))?;
    Ok(added.client_secret)
}
