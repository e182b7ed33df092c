use std::sync::Arc;

use clap::Subcommand;
use protocol::id::{RequestId, SessionId};
use protocol::time::Timestamp;
use serde::Serialize;

use super::accounts::ended_sentence;
use super::error::CliError;
use super::opened::Opened;
use super::output::{Output, moment};
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::{By, EndReason};

#[derive(Debug, Subcommand)]
pub(super) enum SessionsCommand {
    /// Show the browsers that are signed in, of one account or of all.
    List {
        /// The account.
        name: Option<String>,
    },
    /// Sign a browser out, or all browsers of an account.
    End {
        /// The account.
        name: String,
        /// The session's id, as `sessions list` shows it.
        #[arg(required_unless_present = "all", allow_hyphen_values = true)]
        id: Option<String>,
        /// All sessions of the account.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

#[derive(Serialize)]
struct SessionRow {
    id: SessionId,
    request: RequestId,
    username: String,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    address: String,
    browser: String,
    system: String,
    device: String,
}

pub(super) async fn run(
    command: SessionsCommand,
    settings: &Settings,
    clock: Arc<dyn Clock>,
    output: Output,
) -> Result<(), CliError> {
    let opened = Opened::open(settings, clock, false).await?;
    match command {
        SessionsCommand::List { name } => list(&opened, name.as_deref(), output).await,
        SessionsCommand::End { name, id: Some(id), .. } => end_one(&opened, &name, &id, output).await,
        SessionsCommand::End { name, id: None, .. } => end_all(&opened, &name, output).await,
    }
}

async fn list(opened: &Opened<'_>, name: Option<&str>, output: Output) -> Result<(), CliError> {
    let accounts = match name {
        Some(name) => vec![opened.account(name).await?],
        None => opened.store().accounts().await?,
    };
    let mut rows = Vec::new();
    for account in accounts {
        for view in
            opened.store().sessions(account.id, &opened.settings.session_lives(), opened.now()).await?
        {
            rows.push(SessionRow {
                id: view.session.id,
                request: view.session.request,
                username: account.username.clone(),
                created_at: view.session.created_at,
                last_seen_at: view.session.last_seen_at,
                address: view.session.address,
                browser: view.session.browser,
                system: view.session.system,
                device: view.device_name,
            });
        }
    }
    let head = ["ID", "ACCOUNT", "BROWSER", "ADDRESS", "APPROVED BY", "SINCE (UTC)", "LAST SEEN (UTC)"];
    output.table("No browser is signed in.", head, &rows, |row| {
        [
            row.id.to_string(),
            row.username.clone(),
            browser_and_system(row),
            row.address.clone(),
            row.device.clone(),
            moment(row.created_at),
            moment(row.last_seen_at),
        ]
    })
}

fn browser_and_system(row: &SessionRow) -> String {
    match (row.browser.as_str(), row.system.as_str()) {
        ("", "") => "unknown".to_owned(),
        (one, "") | ("", one) => one.to_owned(),
        (browser, system) => format!("{browser} on {system}"),
    }
}

async fn end_one(opened: &Opened<'_>, name: &str, id: &str, output: Output) -> Result<(), CliError> {
    let account = opened.account(name).await?;
    let missing = || {
        let name = &account.username;
        CliError::Missing(format!("{name} has no session {id}. `sessions list {name}` shows all."))
    };
    let session = SessionId::parse(id).ok_or_else(missing)?;
    if !opened
        .store()
        .end_session(account.id, session, EndReason::Ended, &By::operator(), opened.now())
        .await?
    {
        return Err(missing());
    }
    output.done("The browser is signed out.", &serde_json::json!({ "id": session, "ended": true }))
}

async fn end_all(opened: &Opened<'_>, name: &str, output: Output) -> Result<(), CliError> {
    let account = opened.account(name).await?;
    let ended = opened.store().end_sessions(account.id, &By::operator(), opened.now()).await?.len();
    let value = serde_json::json!({ "username": account.username, "ended_sessions": ended });
    output.done(&ended_sentence(ended), &value)
}
