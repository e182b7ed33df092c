//! What a script does that somebody smuggled into the window: it has every call of the program and no person.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::{patience, programs};

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The program did it, or took it.
    Done,
    /// The program refused; its words.
    Refused(String),
    /// No answer in ten seconds.
    Silent,
}

/// Runs the body of an asynchronous function in the window; its arguments are in `given`.
///
/// # Errors
/// When the script fails or gives another shape.
pub async fn run<T: DeserializeOwned>(window: &Driver, body: &str, given: Value) -> Result<T> {
    let script = format!(
        "const given = arguments[0]; const done = arguments[arguments.length - 1]; \
         const invoke = (name, with_) => window.__TAURI_INTERNALS__.invoke(name, with_); \
         const within = (promise, ms, late) => Promise.race([promise, new Promise((go) => setTimeout(() => go(late), ms))]); \
         (async () => {{ {body} }})().then((value) => done({{ value }}), (error) => done({{ error: String(error) }}))"
    );
    // The driver gives up after half a minute by itself.
    window.window().set_script_timeout(patience::limit()).await?;
    let mut answer: Value =
        window.window().execute_async(script, vec![given]).await.context("the script failed")?.convert()?;
    anyhow::ensure!(answer.get("error").is_none(), "the script failed: {}", answer["error"]);
    Ok(serde_json::from_value(answer["value"].take())?)
}

/// Makes these calls, one after the other, and tells how each ended.
///
/// # Errors
/// When the window is gone.
pub async fn calls(window: &Driver, calls: &[(String, Value)]) -> Result<Vec<Ended>> {
    let body = "const ended = []; \
        for (const [name, with_] of given) { \
          const call = invoke(name, with_).then(() => 'done', (error) => ({ refused: typeof error === 'string' ? error : JSON.stringify(error) })); \
          ended.push(await within(call, 10000, 'silent')); \
        } return ended;";
    run(window, body, json!(calls)).await
}

/// Hands acts to the controller, as the window's own page does, and tells how each ended.
///
/// # Errors
/// When the window is gone.
pub async fn acts(window: &Driver, acts: Vec<Value>) -> Result<Vec<Ended>> {
    let acts: Vec<(String, Value)> =
        acts.into_iter().map(|act| ("send".to_owned(), json!({ "command": act }))).collect();
    calls(window, &acts).await
}

/// The view state that the program has pushed last.
///
/// # Errors
/// When the window is gone.
pub async fn view(window: &Driver) -> Result<Value> {
    run(window, "return await invoke('view')", Value::Null).await
}

/// Every command that a plugin of this build has, by the lists that its build wrote: `plugin:NAME|COMMAND`.
///
/// # Errors
/// When the app was not built here.
pub fn plugin_commands() -> Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Manifest {
        permissions: std::collections::HashMap<String, Permission>,
    }
    #[derive(Deserialize)]
    struct Permission {
        commands: Commands,
    }
    #[derive(Deserialize)]
    struct Commands {
        allow: Vec<String>,
    }
    let path = programs::repo().join("gen/schemas/acl-manifests.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let manifests: std::collections::HashMap<String, Manifest> = serde_json::from_str(&text)?;
    let plugins = manifests.iter().filter(|(name, _)| !name.starts_with("__"));
    Ok(plugins
        .flat_map(|(name, manifest)| {
            let plugin = name.strip_prefix("core:").unwrap_or(name);
            let commands = manifest.permissions.values().flat_map(|permission| &permission.commands.allow);
            commands.map(move |command| format!("plugin:{plugin}|{command}")).collect::<Vec<_>>()
        })
        .collect())
}
