//! The server keys in the data folder: seen by name, and changed while servers run.

use std::path::Path;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::error::CliError;
use super::output::Output;
use crate::config::{self, Data, KeyError, Settings};
use crate::server_keys::{KEYS_MAX, LIFE_S, ServerKeys};

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Show the keys by names that say nothing about them, to compare nodes.
    List,
    /// One server: make a key, use it from now on, accept the one before until the next rotation.
    Rotate(RotateArgs),
    /// Several nodes, step 1: make a key that is accepted and not used yet. Then copy server.key to all nodes.
    Add,
    /// Several nodes, step 2, when all nodes accept the key that came last: use it from now on.
    Use,
    /// Step 3, five minutes after every node uses it: accept no other key than the one in use.
    Drop,
}

#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    /// Accept no other key than the fresh one: for a key that leaked. Logins that are under way begin again.
    #[arg(long)]
    at_once: bool,
}

/// A key as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    key: String,
    used: bool,
}

pub(super) fn run(command: &KeyCommand, settings: &Settings, output: Output) -> Result<(), CliError> {
    let dir = folder(settings)?;
    let found = config::keys_in(dir).map_err(no_keys)?;
    let (keys, sentence) = match command {
        KeyCommand::List => return list(&found, output),
        KeyCommand::Rotate(RotateArgs { at_once: true }) => {
            (ServerKeys::one(config::fresh_key()), "Only a fresh key is accepted.".to_owned())
        }
        KeyCommand::Rotate(RotateArgs { at_once: false }) => {
            let before = ServerKeys::one(found.making().clone());
            let keys = ServerKeys::one(config::fresh_key()).and(&before);
            (
                keys,
                format!(
                    "A fresh key is used. The one before is accepted; drop it after {LIFE_S} seconds: key drop."
                ),
            )
        }
        KeyCommand::Add if found.all().len() >= KEYS_MAX => {
            return Err(CliError::Exists(format!(
                "There are {KEYS_MAX} keys already. Drop those that are not used: key drop"
            )));
        }
        KeyCommand::Add => {
            let keys = found.and(&ServerKeys::one(config::fresh_key()));
            (keys, "A fresh key is accepted and not used yet. Copy server.key to all nodes, reload each, then: key use.".to_owned())
        }
        KeyCommand::Use => match found.all() {
            [] | [_] => {
                return Err(CliError::Missing(
                    "There is one key alone, and it is used. For another one: key add".to_owned(),
                ));
            }
            [before @ .., last] => {
                let before =
                    ServerKeys::of(before.to_vec()).expect("fewer keys than there were, and not none");
                let sentence = format!(
                    "The key that came last is used. Copy server.key to all nodes, reload each, and after {LIFE_S} seconds: key drop."
                );
                (ServerKeys::one(last.clone()).and(&before), sentence)
            }
        },
        KeyCommand::Drop => {
            (ServerKeys::one(found.making().clone()), "Only the key in use is accepted.".to_owned())
        }
    };
    config::replace_keys(dir, &keys)
        .map_err(|source| CliError::failed("could not change the server key", source))?;
    let sentence = format!(
        "{sentence}\nA server that runs goes on as before until it is told: systemctl reload countersign, or kill -HUP."
    );
    output.done(&sentence, &serde_json::json!({ "keys": shown(&keys) }))
}

fn list(keys: &ServerKeys, output: Output) -> Result<(), CliError> {
    output.table("", ["KEY", ""], &shown(keys), |one| {
        [one.key.clone(), if one.used { "used" } else { "accepted" }.to_owned()]
    })
}

fn shown(keys: &ServerKeys) -> Vec<Shown> {
    keys.names().enumerate().map(|(i, key)| Shown { key, used: i == 0 }).collect()
}

/// The folder whose key the server has.
fn folder(settings: &Settings) -> Result<&Path, CliError> {
    if settings.server_key.is_some() {
        return Err(CliError::Usage(
            "The setting server_key (COUNTERSIGN_SERVER_KEY) has the key, so it is changed there: \"OLD,NEW\" on all nodes, \
             then \"NEW,OLD\", then \"NEW\"."
                .to_owned(),
        ));
    }
    match &settings.data {
        Data::Dir(dir) => Ok(dir),
        Data::Memory => Err(CliError::Usage(
            "data is \"memory\", which has no key; name the folder of the server with --data DIR.".to_owned(),
        )),
    }
}

/// The server keys that exist for these settings, wherever they are; a command makes none.
pub(super) fn server_keys(settings: &Settings) -> Result<ServerKeys, CliError> {
    match (&settings.server_key, &settings.data) {
        (Some(_), _) | (None, Data::Memory) => config::server_keys(settings).map_err(no_keys),
        (None, Data::Dir(dir)) => config::keys_in(dir).map_err(no_keys),
    }
}

fn no_keys(error: KeyError) -> CliError {
    match &error {
        KeyError::Io { source, path, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            CliError::Missing(format!(
                "There is no {}. A server makes it when it starts first.",
                path.display()
            ))
        }
        KeyError::Setting | KeyError::Content(_) | KeyError::Mode { .. } | KeyError::Io { .. } => {
            CliError::failed("could not read the server key", error)
        }
    }
}
