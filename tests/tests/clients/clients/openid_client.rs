//! The npm package openid-client (tests/peers/openid-client): a site with a secret, and tools without.

use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use e2e::process::Program;
use e2e::stage::{Stage, play};
use e2e::{patience, programs};
use serde_json::Value;
use url::Url;

use super::browser::Browser;
use super::site::{Registered, Site};

/// A running flow of client.js.
struct Client {
    program: Program,
}

impl Client {
    fn start(stage: &Stage, site: &Site, flow: &str, registered: &Registered) -> Result<Self> {
        let folder = programs::repo().join("tests/peers/openid-client");
        ensure!(folder.join("node_modules").is_dir(), "its packages are missing: run cargo xtask setup");
        let mut command = Command::new(programs::installed(&["node"])?);
        command.current_dir(folder).args(["client.js", flow, site.server.origin(), &registered.id]);
        command.args(&registered.secret);
        Ok(Self { program: Program::start("client", &mut command, &stage.logs())? })
    }

    /// What it says under this name, the `at`th time.
    async fn says(&mut self, name: &str, at: usize) -> Result<Value> {
        let what = format!("{name} of the client");
        let found = patience::until(&what, async || {
            let runs = self.program.runs()?;
            let output = self.program.output()?;
            let lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            match lines.filter_map(|said| said.get(name).cloned()).nth(at) {
                Some(said) => Ok(Some(Ok(said))),
                None if runs => Ok(None),
                None => Ok(Some(Err(anyhow!("the client ended early: {output}")))),
            }
        });
        found.await?
    }

    async fn says_text(&mut self, name: &str, at: usize) -> Result<String> {
        Ok(self.says(name, at).await?.as_str().with_context(|| format!("{name} is no text"))?.to_owned())
    }
}

/// Code with PKCE and a secret, ID token verified by the published keys, userinfo, refresh, logout.
#[tokio::test]
async fn a_site_signs_in_refreshes_and_signs_out() -> Result<()> {
    play("openid_client_code", async |stage| {
        let site = Site::start(stage).await?;
        let registered = site.client(&[
            "--redirect",
            "http://127.0.0.1/cb",
            "--post-logout-redirect",
            "https://app.example.com/bye",
        ])?;
        ensure!(registered.secret.is_some(), "a client has a secret unless it is public");
        let mut client = Client::start(stage, &site, "code", &registered)?;
        let mut browser = Browser::new(&site);
        let back = browser.go(&client.says_text("open", 0).await?).await?;
        browser.come_to(&back).await?;
        let left = browser.go(&client.says_text("open", 1).await?).await?;
        ensure!(left.as_str() == "https://app.example.com/bye?state=bye", "the browser is sent to {left}");
        browser.come_to(&back.join("/left")?).await?;
        let done = client.says("done", 0).await?;
        ensure!(done["name"] == "ada" && done["type"] == "bearer", "{done}");
        ensure!(done["after"] == "invalid_grant", "after the logout: {done}");
        Ok(())
    })
    .await
}

/// A public client binds its tokens to a key: without it the refresh token is worth nothing.
#[tokio::test]
async fn a_public_client_gets_tokens_bound_to_its_key() -> Result<()> {
    play("openid_client_dpop", async |stage| {
        let site = Site::start(stage).await?;
        let registered = site.client(&["--public", "--redirect", "http://127.0.0.1/cb"])?;
        let mut client = Client::start(stage, &site, "dpop", &registered)?;
        let mut browser = Browser::new(&site);
        let to: Url = browser.go(&client.says_text("open", 0).await?).await?;
        browser.come_to(&to).await?;
        let done = client.says("done", 0).await?;
        ensure!(
            done["name"] == "ada" && done["type"] == "dpop" && done["after"] == "invalid_grant",
            "{done}"
        );
        Ok(())
    })
    .await
}

async fn device_flow(flow: &str, decision: &str) -> Result<Value> {
    let mut done = Value::Null;
    play(&format!("openid_client_{flow}"), async |stage| {
        let site = Site::start(stage).await?;
        let registered = site.client(&["--public", "--device-grant"])?;
        let mut client = Client::start(stage, &site, flow, &registered)?;
        site.type_and_decide(&client.says_text("type", 0).await?, decision).await?;
        done = client.says("done", 0).await?;
        let sessions = site.sessions().await?;
        let wanted: &[&str] = if decision == "approve" { &["A client"] } else { &[] };
        ensure!(sessions == wanted, "the app lists {sessions:?}");
        Ok(())
    })
    .await?;
    Ok(done)
}

/// RFC 8628, userinfo, refresh, and the token given back (RFC 7009).
#[tokio::test]
async fn a_tool_signs_in_by_the_device_grant() -> Result<()> {
    let done = device_flow("device", "approve").await?;
    ensure!(done["name"] == "ada" && done["after"] == "invalid_grant", "{done}");
    Ok(())
}

#[tokio::test]
async fn a_tool_signs_in_by_the_device_grant_with_a_key() -> Result<()> {
    let done = device_flow("device-dpop", "approve").await?;
    ensure!(done["name"] == "ada" && done["type"] == "dpop" && done["after"] == "invalid_grant", "{done}");
    Ok(())
}

#[tokio::test]
async fn a_tool_hears_that_the_person_said_no() -> Result<()> {
    let done = device_flow("denied", "deny").await?;
    ensure!(done["after"] == "access_denied", "{done}");
    Ok(())
}
