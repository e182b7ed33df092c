use std::io::{self, BufRead, IsTerminal};
use std::sync::Arc;

use clap::Subcommand;
use protocol::id::{AccountId, DeviceId};
use protocol::time::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::error::CliError;
use super::opened::Opened;
use super::output::{Output, moment, print};
use crate::clock::Clock;
use crate::config::Settings;
use crate::operator::{MadeLink, Profile};
use crate::store::{Account, AccountState, By};
use crate::terminal_qr::{self, Paint};

#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// Make an account and print the link that adds it to an authenticator.
    Add {
        /// Its name, as in ada.
        name: String,
        /// Name for people, as in "Ada Lovelace".
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// Read a password from the first line of standard input; without it, links are the only way to enrol.
        #[arg(long)]
        password_stdin: bool,
        /// E-mail address, for sites that ask for it.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// A group, for sites that ask for it; can be repeated.
        #[arg(long, value_name = "NAME", num_args = 1..)]
        group: Vec<String>,
    },
    /// Set what sites are told of an account that ask for it; what is not named stays.
    Set {
        /// The account.
        name: String,
        /// E-mail address.
        #[arg(long, value_name = "ADDRESS", required_unless_present_any = ["no_email", "group", "no_groups"])]
        email: Option<String>,
        /// Take the e-mail address away.
        #[arg(long, conflicts_with = "email")]
        no_email: bool,
        /// A group; can be repeated. These replace all groups of before.
        #[arg(long, value_name = "NAME", num_args = 1..)]
        group: Vec<String>,
        /// Take all groups away.
        #[arg(long, conflicts_with = "group")]
        no_groups: bool,
    },
    /// Print another link for an account, for one more device.
    Enrol {
        /// The account.
        name: String,
    },
    /// Show all accounts.
    List,
    /// Refuse an account everywhere and sign it out; nothing is removed.
    Disable {
        /// The account.
        name: String,
    },
    /// Let a disabled account in again.
    Enable {
        /// The account.
        name: String,
    },
    /// Remove an account with its devices and sessions. What happened stays in the audit log.
    Remove {
        /// The account.
        name: String,
    },
    /// Set the password of an account; asks for it in a terminal.
    Password {
        /// The account.
        name: String,
        /// Read it from the first line of standard input instead.
        #[arg(long)]
        password_stdin: bool,
        /// Take the password away, so that links are the only way to enrol.
        #[arg(long, conflicts_with = "password_stdin")]
        none: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum DevicesCommand {
    /// Show the trusted devices of one account or of all.
    List {
        /// The account.
        name: Option<String>,
    },
    /// End the trust in a device, and with it the sessions that it approved.
    Remove {
        /// Its account.
        name: String,
        /// Its id, as `devices list` shows it.
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

#[derive(Serialize)]
struct UserRow {
    id: AccountId,
    username: String,
    display_name: String,
    state: &'static str,
    has_password: bool,
    email: Option<String>,
    groups: Vec<String>,
    devices: usize,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct DeviceRow {
    id: DeviceId,
    username: String,
    name: String,
    kind: protocol::wire::DeviceKind,
    created_at: Timestamp,
    last_seen_at: Timestamp,
}

pub(super) async fn users(
    command: UsersCommand,
    settings: &Settings,
    clock: Arc<dyn Clock>,
    output: Output,
) -> Result<(), CliError> {
    let creates = matches!(command, UsersCommand::Add { .. });
    let opened = Opened::open(settings, clock, creates).await?;
    match command {
        UsersCommand::Add { name, display_name, password_stdin, email, group } => {
            let password = if password_stdin { Some(password_from_stdin()?) } else { None };
            let profile = Profile { email, groups: group };
            let account =
                opened.operator.add(&name, display_name.as_deref(), password.as_ref(), profile).await?;
            print_link(&account, &opened.link(&account).await?, true, output)
        }
        UsersCommand::Set { name, email, no_email, group, no_groups } => {
            let account = opened.account(&name).await?;
            let keeps_groups = group.is_empty() && !no_groups;
            let profile = Profile {
                email: email.or_else(|| account.email.clone()).filter(|_| !no_email),
                groups: if keeps_groups { account.groups.clone() } else { group },
            };
            set_profile(&opened, &account, &profile, output).await
        }
        UsersCommand::Enrol { name } => {
            let account = opened.account(&name).await?;
            print_link(&account, &opened.link(&account).await?, false, output)
        }
        UsersCommand::List => list(&opened, output).await,
        UsersCommand::Disable { name } => set_state(&opened, &name, AccountState::Disabled, output).await,
        UsersCommand::Enable { name } => set_state(&opened, &name, AccountState::Active, output).await,
        UsersCommand::Remove { name } => remove(&opened, &name, output).await,
        UsersCommand::Password { name, password_stdin, none } => {
            let account = opened.account(&name).await?;
            let password = match (none, password_stdin) {
                (true, _) => None,
                (false, true) => Some(password_from_stdin()?),
                (false, false) => Some(password_from_terminal()?),
            };
            set_password(&opened, &account, password, output).await
        }
    }
}

fn print_link(account: &Account, made: &MadeLink, created: bool, output: Output) -> Result<(), CliError> {
    let link = made.link.to_string();
    if output.is_json() {
        return output.done(
            "",
            &serde_json::json!({
                "username": account.username,
                "display_name": account.display_name,
                "link": link,
                "expires_at": made.expires_at,
                "expires_in_s": made.life_s,
            }),
        );
    }
    let paint = if output.is_terminal() { Paint::Colours } else { Paint::Blocks };
    let picture = terminal_qr::draw(&link, paint)
        .map_err(|_| CliError::Usage(format!("The link is too long for a QR code: {link}")))?;
    let first = if created { format!("{} can be signed in.\n", account.username) } else { String::new() };
    let reach =
        if made.link.origin.is_loopback() { "It names this machine, so it works only here.\n" } else { "" };
    print(&format!(
        "{first}Open this link with Countersign on the computer that should approve. It works once, for {}.\n{reach}\n\
         {link}\n\n{picture}",
        span(made.life_s)
    ))
}

async fn list(opened: &Opened<'_>, output: Output) -> Result<(), CliError> {
    let mut rows = Vec::new();
    for account in opened.store().accounts().await? {
        let devices = opened.store().devices(account.id).await?.len();
        rows.push(UserRow {
            id: account.id,
            username: account.username,
            display_name: account.display_name,
            state: account.state.as_str(),
            has_password: account.password_hash.is_some(),
            email: account.email,
            groups: account.groups,
            devices,
            created_at: account.created_at,
        });
    }
    let head = ["NAME", "DISPLAY NAME", "STATE", "PASSWORD", "DEVICES", "CREATED (UTC)", "E-MAIL", "GROUPS"];
    output.table("There are no accounts. Make one with: users add NAME", head, &rows, |row| {
        [
            row.username.clone(),
            row.display_name.clone(),
            row.state.to_owned(),
            if row.has_password { "yes" } else { "no" }.to_owned(),
            row.devices.to_string(),
            moment(row.created_at),
            row.email.clone().unwrap_or_default(),
            row.groups.join(", "),
        ]
    })
}

async fn set_state(
    opened: &Opened<'_>,
    name: &str,
    state: AccountState,
    output: Output,
) -> Result<(), CliError> {
    let account = opened.account(name).await?;
    let ended = opened
        .store()
        .set_account_state(account.id, state, &By::operator(), opened.now())
        .await?
        .ok_or_else(|| gone(&account))?
        .len();
    let sentence = match state {
        AccountState::Active => format!("{} is active.", account.username),
        AccountState::Disabled => format!("{} is disabled. {}", account.username, ended_sentence(ended)),
    };
    let value =
        serde_json::json!({ "username": account.username, "state": state.as_str(), "ended_sessions": ended });
    output.done(&sentence, &value)
}

async fn remove(opened: &Opened<'_>, name: &str, output: Output) -> Result<(), CliError> {
    let account = opened.account(name).await?;
    let ended = opened
        .store()
        .remove_account(account.id, &By::operator(), opened.now())
        .await?
        .ok_or_else(|| gone(&account))?
        .len();
    let sentence = format!("{} is removed. {}", account.username, ended_sentence(ended));
    let value = serde_json::json!({ "username": account.username, "removed": true, "ended_sessions": ended });
    output.done(&sentence, &value)
}

async fn set_password(
    opened: &Opened<'_>,
    account: &Account,
    password: Option<Zeroizing<String>>,
    output: Output,
) -> Result<(), CliError> {
    opened.operator.set_password(account, password.as_ref()).await?;
    let name = &account.username;
    let sentence = match &password {
        Some(_) => format!("{name} has the new password."),
        None => format!("{name} has no password; links are the only way to enrol."),
    };
    output.done(&sentence, &serde_json::json!({ "username": name, "has_password": password.is_some() }))
}

async fn set_profile(
    opened: &Opened<'_>,
    account: &Account,
    profile: &Profile,
    output: Output,
) -> Result<(), CliError> {
    opened.operator.set_profile(account, profile).await?;
    let name = &account.username;
    let email = profile.email.as_deref().unwrap_or("no e-mail address");
    let groups = if profile.groups.is_empty() { "none".to_owned() } else { profile.groups.join(", ") };
    let value = serde_json::json!({ "username": name, "email": profile.email, "groups": profile.groups });
    output.done(&format!("{name}: {email}. Groups: {groups}."), &value)
}

pub(super) async fn devices(
    command: DevicesCommand,
    settings: &Settings,
    clock: Arc<dyn Clock>,
    output: Output,
) -> Result<(), CliError> {
    let opened = Opened::open(settings, clock, false).await?;
    match command {
        DevicesCommand::List { name } => {
            let accounts = match name {
                Some(name) => vec![opened.account(&name).await?],
                None => opened.store().accounts().await?,
            };
            let mut rows = Vec::new();
            for account in accounts {
                for device in opened.store().devices(account.id).await? {
                    rows.push(DeviceRow {
                        id: device.id,
                        username: account.username.clone(),
                        name: device.name,
                        kind: device.kind,
                        created_at: device.created_at,
                        last_seen_at: device.last_seen_at,
                    });
                }
            }
            let head = ["ID", "ACCOUNT", "NAME", "SYSTEM", "ADDED (UTC)", "LAST SEEN (UTC)"];
            output.table("There are no trusted devices.", head, &rows, |row| {
                [
                    row.id.to_string(),
                    row.username.clone(),
                    row.name.clone(),
                    format!("{:?}", row.kind).to_lowercase(),
                    moment(row.created_at),
                    moment(row.last_seen_at),
                ]
            })
        }
        DevicesCommand::Remove { name, id } => {
            let account = opened.account(&name).await?;
            let missing = || {
                let name = &account.username;
                CliError::Missing(format!(
                    "{name} has no trusted device {id}. `devices list {name}` shows all."
                ))
            };
            let device = DeviceId::parse(&id).ok_or_else(missing)?;
            let ended = opened
                .store()
                .revoke_device(account.id, device, &By::operator(), opened.now())
                .await?
                .ok_or_else(missing)?
                .len();
            let sentence = format!("The device is not trusted any more. {}", ended_sentence(ended));
            output.done(
                &sentence,
                &serde_json::json!({ "id": device, "removed": true, "ended_sessions": ended }),
            )
        }
    }
}

fn password_from_stdin() -> Result<Zeroizing<String>, CliError> {
    let mut line = Zeroizing::new(String::new());
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|source| CliError::failed("could not read the password from standard input", source))?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn password_from_terminal() -> Result<Zeroizing<String>, CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::Usage(
            "There is no terminal to ask for the password. Give it on standard input with --password-stdin."
                .to_owned(),
        ));
    }
    let ask = |prompt| {
        rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(|source| CliError::failed("could not read the password", source))
    };
    let first = ask("New password: ")?;
    if first == ask("Once more: ")? {
        Ok(first)
    } else {
        Err(CliError::Usage("The two passwords differ. Nothing was changed.".to_owned()))
    }
}

/// Somebody else removed it between two calls.
fn gone(account: &Account) -> CliError {
    CliError::Missing(format!("There is no account {} any more.", account.username))
}

pub(super) fn ended_sentence(ended: usize) -> String {
    match ended {
        0 => "No browser was signed in.".to_owned(),
        1 => "One browser was signed out.".to_owned(),
        many => format!("{many} browsers were signed out."),
    }
}

fn span(seconds: u32) -> String {
    match seconds {
        60 => "1 minute".to_owned(),
        whole if whole % 60 == 0 => format!("{} minutes", whole / 60),
        1 => "1 second".to_owned(),
        other => format!("{other} seconds"),
    }
}
