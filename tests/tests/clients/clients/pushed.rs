//! The npm package openid-client as a site that pushes its authorization requests (tests/peers/openid-client/pushed.js).

use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use e2e::process::Program;
use e2e::stage::play;
use e2e::{patience, programs};
use serde_json::{Value, json};

use super::browser::Browser;
use super::site::Site;

/// What it says when a browser has signed in, with a client that was added by these arguments.
async fn signed_in(story: &str, arguments: &[&str]) -> Result<Value> {
    let mut done = Value::Null;
    play(story, async |stage| {
        let site = Site::start(stage).await?;
        let arguments = [&["--require-par", "--redirect", "http://127.0.0.1/cb"], arguments].concat();
        let registered = site.client(&arguments)?;
        let folder = programs::repo().join("tests/peers/openid-client");
        ensure!(folder.join("node_modules").is_dir(), "its packages are missing: run cargo xtask setup");
        let mut command = Command::new(programs::installed(&["node"])?);
        command.current_dir(folder).args(["pushed.js", site.server.origin(), &registered.id]);
        command.args(&registered.secret);
        let mut client = Program::start("client", &mut command, &stage.logs())?;
        let open = says(&mut client, "open").await?;
        let mut browser = Browser::new(&site);
        let back = browser.go(open.as_str().context("open is no text")?).await?;
        browser.come_to(&back).await?;
        done = says(&mut client, "done").await?;
        Ok(())
    })
    .await?;
    Ok(done)
}

/// What the program says under this name.
async fn says(client: &mut Program, name: &str) -> Result<Value> {
    patience::until(&format!("{name} of the client"), async || {
        // Asked before its words are read: they are all of them then.
        let runs = client.runs()?;
        let output = client.output()?;
        let mut lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        match lines.find_map(|said| said.get(name).cloned()) {
            Some(said) => Ok(Some(Ok(said))),
            None if runs => Ok(None),
            None => Ok(Some(Err(anyhow!("the client ended early: {output}")))),
        }
    })
    .await?
}

/// The browser brings nothing but the reference.
#[tokio::test]
async fn a_site_pushes_its_request() -> Result<()> {
    let done = signed_in("openid_client_pushed", &[]).await?;
    ensure!(
        done == json!({"name": "ada", "type": "bearer", "brought": ["client_id", "request_uri"]}),
        "{done}"
    );
    Ok(())
}

#[tokio::test]
async fn a_public_client_pushes_its_request_with_its_key() -> Result<()> {
    let done = signed_in("openid_client_pushed_dpop", &["--public"]).await?;
    ensure!(
        done == json!({"name": "ada", "type": "dpop", "brought": ["client_id", "request_uri"]}),
        "{done}"
    );
    Ok(())
}
