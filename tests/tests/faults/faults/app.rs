//! The authenticator without its window, as a process that can be killed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use e2e::programs;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;

/// Ends a test that would wait for ever; nothing is expected to come near it.
const LIMIT: Duration = Duration::from_mins(5);

/// A running app.
pub(crate) struct App {
    child: Child,
    says: ChildStdin,
    view: watch::Receiver<Value>,
}

impl App {
    /// Starts it with what an earlier run left in `folder`, and waits until it has read that.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let program = programs::built("examples/headless")?;
        let mut command = Command::new(program);
        command.arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("cannot start the app")?;
        let says = child.stdin.take().context("standard input")?;
        let mut lines = BufReader::new(child.stdout.take().context("standard output")?).lines();
        let (shows, view) = watch::channel(Value::Null);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                shows.send_replace(serde_json::from_str(&line).unwrap_or_default());
            }
        });
        let mut app = Self { child, says, view };
        app.until("to have started", |state| !["", "loading"].contains(&screen(state))).await?;
        Ok(app)
    }

    /// An act of the person.
    pub(crate) async fn act(&mut self, command: Value) -> Result<()> {
        self.says.write_all(format!("{command}\n").as_bytes()).await.context("the app ended")
    }

    /// Waits for a state.
    pub(crate) async fn until(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
        let waited = tokio::time::timeout(LIMIT, self.view.wait_for(|state| is_it(state))).await;
        if let Ok(Ok(state)) = waited.map(|came| came.map(|state| state.clone())) {
            return Ok(state);
        }
        bail!("waited for the app {what}; it shows {}", *self.view.borrow())
    }

    /// Waits for a screen.
    pub(crate) async fn screen(&mut self, name: &str) -> Result<Value> {
        Ok(self.until(&format!("to show {name}"), |state| screen(state) == name).await?["screen"].clone())
    }

    /// Goes to a place and waits until it is shown.
    pub(crate) async fn go(&mut self, place: &str) -> Result<Value> {
        self.act(json!({"command": "go", "to": place})).await?;
        self.screen(place).await
    }

    /// Takes an enrolment link up to where it is sent.
    pub(crate) async fn add_account(&mut self, link: &str) -> Result<()> {
        self.act(json!({"command": "add_by_link", "link": link})).await?;
        self.screen("confirm_contact").await?;
        self.act(json!({"command": "contact_server", "yes": true})).await
    }

    /// Adds an account and keeps it.
    pub(crate) async fn enrol(&mut self, link: &str) -> Result<()> {
        self.add_account(link).await?;
        self.screen("confirm_account").await?;
        self.act(json!({"command": "keep_account", "yes": true})).await?;
        self.until("to have an account", |state| state["accounts"][0].is_object()).await?;
        self.go("scan").await.map(drop)
    }

    /// Takes a login link and waits for the prompt; its id.
    pub(crate) async fn scan(&mut self, link: &str) -> Result<Value> {
        self.act(json!({"command": "scan_text", "text": link})).await?;
        Ok(self.screen("authorize").await?["prompt"]["id"].clone())
    }

    /// Presses Approve.
    pub(crate) async fn approve(&mut self, prompt: &Value, check: &str) -> Result<()> {
        let decision = json!({"decision": "approve", "check": check, "pin": null});
        self.act(json!({"command": "decide", "prompt": prompt, "decision": decision})).await
    }

    /// How many entries of this kind its activity shows.
    pub(crate) async fn activity(&mut self, kind: &str) -> Result<usize> {
        let entries = self.listed("activity", "entries").await?;
        Ok(entries.iter().filter(|entry| entry["kind"] == kind).count())
    }

    /// What a list shows once it is loaded.
    pub(crate) async fn listed(&mut self, place: &str, list: &str) -> Result<Vec<Value>> {
        self.go("accounts").await?;
        self.act(json!({"command": "go", "to": place})).await?;
        let state = self
            .until(&format!("to list {list}"), |state| {
                let listing = &state["screen"][list];
                screen(state) == place && listing["items"].is_array() && listing["loading"] == false
            })
            .await?;
        Ok(state["screen"][list]["items"].as_array().cloned().unwrap_or_default())
    }

    /// Ends it without a word.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("cannot kill the app")
    }
}

fn screen(state: &Value) -> &str {
    state["screen"]["view"].as_str().unwrap_or_default()
}
