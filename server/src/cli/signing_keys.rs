//! The keys that sign tokens for clients of OpenID Connect.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use protocol::time::Timestamp;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Serialize;

use super::error::CliError;
use super::keys::server_keys;
use super::opened::Opened;
use super::output::{Output, moment};
use crate::clock::Clock;
use crate::config::Settings;
use crate::oauth::jose::KeyPair;
use crate::oauth::signing_keys::{Imported, Keyring, Standing};
use crate::store::{Alg, StoredSigningKey};

#[derive(Debug, Subcommand)]
pub(super) enum SigningKeysCommand {
    /// Show the keys that are published, and which of them sign.
    List,
    /// Make the next ES256 key: published from now on, used in 24 hours. Servers do so by themselves every 90 days.
    Rotate(WhenArgs),
    /// Take over an RSA key (PEM, PKCS#8 or PKCS#1), for clients that need RS256. The first one is used from now on, further
    /// ones in 24 hours.
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub(super) struct WhenArgs {
    /// Use it from now on and publish no other of its kind: for a key that leaked. What the others signed is refused.
    #[arg(long)]
    at_once: bool,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The file with the private key.
    file: PathBuf,

    #[command(flatten)]
    when: WhenArgs,
}

#[derive(Debug, Serialize)]
struct Shown {
    kid: String,
    alg: &'static str,
    standing: &'static str,
    used_from: Timestamp,
    created_at: Timestamp,
}

pub(super) async fn run(
    command: SigningKeysCommand,
    settings: &Settings,
    clock: Arc<dyn Clock>,
    output: Output,
) -> Result<(), CliError> {
    let opened = Opened::open(settings, clock, false).await?;
    let keys = server_keys(settings)?;
    let ring = Keyring::new(opened.store(), &keys, &*opened.operator.entropy);
    let now = opened.now();
    match command {
        SigningKeysCommand::List => list(&ring, now, output).await,
        SigningKeysCommand::Rotate(WhenArgs { at_once }) => {
            added(&ring.rotate(at_once, now).await?, now, at_once, output)
        }
        SigningKeysCommand::Import(ImportArgs { file, when: WhenArgs { at_once } }) => {
            let (pair, der) = read(&file)?;
            match ring.import(pair, der.secret_der(), at_once, now).await? {
                Imported::Added(row) => added(&row, now, at_once, output),
                Imported::There(kid) => Err(CliError::Exists(format!(
                    "The key {kid} is there already. `signing-keys list` shows all."
                ))),
            }
        }
    }
}

async fn list(ring: &Keyring<'_>, now: Timestamp, output: Output) -> Result<(), CliError> {
    let keys = ring.list(now).await?;
    let rows: Vec<_> = keys.iter().map(|(row, standing)| shown(row, *standing)).collect();
    let head = ["KEY", "ALGORITHM", "", "USED FROM (UTC)", "MADE (UTC)"];
    output.table("There are no keys. A server makes one when it is needed.", head, &rows, |row| {
        [
            row.kid.clone(),
            row.alg.to_owned(),
            row.standing.to_owned(),
            moment(row.used_from),
            moment(row.created_at),
        ]
    })
}

fn added(row: &StoredSigningKey, now: Timestamp, at_once: bool, output: Output) -> Result<(), CliError> {
    let (kid, alg) = (&row.kid, row.alg.as_str());
    let (sentence, standing) = if row.used_from > now {
        let from = moment(row.used_from);
        (format!("The {alg} key {kid} is published, and signs from {from} UTC on."), Standing::Next)
    } else if at_once {
        let sentence = format!(
            "The {alg} key {kid} signs, and no other {alg} key is published. Servers that run follow within a minute."
        );
        (sentence, Standing::Signs)
    } else {
        (format!("The {alg} key {kid} signs. Servers that run follow within a minute."), Standing::Signs)
    };
    output.done(&sentence, &shown(row, standing))
}

fn shown(row: &StoredSigningKey, standing: Standing) -> Shown {
    Shown {
        kid: row.kid.clone(),
        alg: row.alg.as_str(),
        standing: match standing {
            Standing::Next => "next",
            Standing::Signs => "signs",
            Standing::Before => "before",
            Standing::Lost => "lost",
        },
        used_from: row.used_from,
        created_at: row.created_at,
    }
}

fn read(file: &std::path::Path) -> Result<(KeyPair, PrivateKeyDer<'static>), CliError> {
    let failed = format!("could not read the key in {}", file.display());
    let der =
        PrivateKeyDer::from_pem_file(file).map_err(|source| CliError::failed(failed.clone(), source))?;
    let pair =
        KeyPair::read(Alg::Rs256, der.secret_der()).map_err(|source| CliError::failed(failed, source))?;
    Ok((pair, der))
}
