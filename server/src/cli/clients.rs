use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use protocol::time::Timestamp;
use serde::Serialize;

use super::error::CliError;
use super::opened::Opened;
use super::output::{Output, moment};
use crate::clock::Clock;
use crate::config::{ClientSettings, Settings};
use crate::operator::{MadeClient, NewClient, PREVIOUS_SECRET_S};
use crate::store::{Alg, ClientPolicy, StoredClient};

#[derive(Debug, Subcommand)]
pub(super) enum ClientsCommand {
    /// Make a client and print its id and secret. The secret is shown this once.
    #[command(override_usage = "countersign-server clients add <NAME> [--redirect <URI>...] [OPTIONS]")]
    Add(AddArgs),
    /// Show all clients, those of the settings file as well.
    List,
    /// Give a client another secret; the one before stays good for an hour.
    Rotate {
        /// Its id, as `clients list` shows it.
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// Refuse the secret before at once: for one that leaked.
        #[arg(long)]
        at_once: bool,
    },
    /// Remove a client; its sign-ins end.
    Remove {
        /// Its id, as `clients list` shows it.
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Name for people, as in Grafana.
    name: String,
    /// Where browsers come back to, exactly; can be repeated.
    #[arg(long, value_name = "URI", num_args = 1..)]
    redirect: Vec<String>,
    /// Its id (`client_id`); a random one when absent.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// For what cannot keep a secret: apps, command line tools, pages.
    #[arg(long)]
    public: bool,
    /// Let it ask with a code that people type or scan (RFC 8628), for tools without a browser.
    #[arg(long)]
    device_grant: bool,
    /// Where browsers may go after a sign-out, exactly; can be repeated.
    #[arg(long, value_name = "URI", num_args = 1..)]
    post_logout_redirect: Vec<String>,
    /// Where it is told that a session is over (back-channel logout).
    #[arg(long, value_name = "URI")]
    back_channel_logout: Option<String>,
    /// A scope that it may have beside openid, profile, email, groups and `offline_access`; can be repeated.
    #[arg(long, value_name = "SCOPE", num_args = 1..)]
    scope: Vec<String>,
    /// End what it was given after so many days, however long the browser stays signed in.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    session_days: Option<u32>,
    /// Ask for the PIN of the authenticator with each approval for it.
    #[arg(long)]
    step_up: bool,
    /// Its devices show the code as well, so their address may hold it (`verification_uri_complete`).
    #[arg(long)]
    shows_user_code: bool,
    /// Take its authorization requests by `/oauth/par` alone (RFC 9126).
    #[arg(long)]
    require_par: bool,
    /// Let pages of its own (the origins of --redirect) show the login page inside them.
    #[arg(long)]
    embed: bool,
    /// What its ID tokens are signed with.
    #[arg(long, value_name = "ALG", value_enum, default_value_t = AlgArg::Es256)]
    id_token_alg: AlgArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AlgArg {
    #[value(name = "ES256")]
    Es256,
    #[value(name = "RS256")]
    Rs256,
}

/// A client as it is shown; members are called as in RFC 7591 where that has a name.
#[derive(Serialize)]
struct ClientRow {
    client_id: String,
    client_name: String,
    public: bool,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_logout_uri: Option<String>,
    device_grant: bool,
    scopes: Vec<String>,
    session_days: Option<u32>,
    step_up: bool,
    shows_user_code: bool,
    require_pushed_authorization_requests: bool,
    embed: bool,
    id_token_signed_response_alg: Alg,
    /// `store`, or `settings`.
    kept_in: &'static str,
    created_at: Option<Timestamp>,
}

/// A client with its secret, once.
#[derive(Serialize)]
struct MadeRow {
    #[serde(flatten)]
    client: ClientRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

pub(super) async fn run(
    command: ClientsCommand,
    settings: &Settings,
    clock: Arc<dyn Clock>,
    output: Output,
) -> Result<(), CliError> {
    // A client in a folder that no server uses would be registered nowhere.
    let opened = Opened::open(settings, clock, false).await?;
    match command {
        ClientsCommand::Add(args) => add(&opened, args, output).await,
        ClientsCommand::List => list(&opened, output).await,
        ClientsCommand::Rotate { id, at_once } => {
            not_of_settings(settings, &id)?;
            let made = opened.operator.rotate_client(&id, at_once).await?;
            let before = if at_once {
                "The one before is refused.".to_owned()
            } else {
                format!("The one before is good for {} minutes more.", PREVIOUS_SECRET_S / 60)
            };
            show(&made, &format!("{} has another secret. {before}", made.client.name), output)
        }
        ClientsCommand::Remove { id } => {
            not_of_settings(settings, &id)?;
            let client = opened.operator.remove_client(&id).await?;
            let value = serde_json::json!({ "client_id": client.id.as_str(), "removed": true });
            output.done(&format!("{} is removed, and its sign-ins have ended.", client.name), &value)
        }
    }
}

async fn add(opened: &Opened<'_>, args: AddArgs, output: Output) -> Result<(), CliError> {
    if let Some(id) = &args.id
        && is_of_settings(opened.settings, id)
    {
        return Err(CliError::Exists(format!(
            "The settings file has a client {id} already. Give another --id."
        )));
    }
    let asked = NewClient {
        name: args.name,
        id: args.id,
        public: args.public,
        redirect_uris: args.redirect,
        post_logout_redirect_uris: args.post_logout_redirect,
        device_grant: args.device_grant,
        policy: ClientPolicy {
            scopes: args.scope,
            session_s: args.session_days.map(|days| days * 86_400),
            step_up: args.step_up,
            shows_user_code: args.shows_user_code,
            back_channel_logout: args.back_channel_logout,
            require_pushed: args.require_par,
            embed: args.embed,
            id_token_alg: match args.id_token_alg {
                AlgArg::Es256 => Alg::Es256,
                AlgArg::Rs256 => Alg::Rs256,
            },
        },
    };
    let made = opened.operator.add_client(asked).await?;
    show(&made, &format!("People can sign in to {} here.", made.client.name), output)
}

fn show(made: &MadeClient, first: &str, output: Output) -> Result<(), CliError> {
    let secret = made.secret.as_ref().map(protocol::secret::Secret::expose);
    let rest = match &secret {
        Some(secret) => {
            format!("client_secret  {secret}\n\nThe secret is not kept here and is not shown again.")
        }
        None => "\nIt has no secret: each sign-in proves itself by PKCE.".to_owned(),
    };
    let sentence = format!("{first}\n\nclient_id      {}\n{rest}", made.client.id);
    output.done(&sentence, &MadeRow { client: row(made.client.clone(), "store"), client_secret: secret })
}

async fn list(opened: &Opened<'_>, output: Output) -> Result<(), CliError> {
    let of_settings = opened.settings.clients.iter().filter_map(ClientSettings::to_client);
    let mut rows: Vec<_> = of_settings.map(|client| row(client, "settings")).collect();
    let stored = opened.store().clients().await?.into_iter();
    // The settings win.
    let stored = stored.filter(|client| !is_of_settings(opened.settings, client.id.as_str()));
    rows.extend(stored.map(|client| row(client, "store")));
    let head = ["ID", "NAME", "KIND", "KEPT IN", "MADE (UTC)", "BROWSERS COME BACK TO"];
    output.table("There are no clients. Make one with: clients add NAME --redirect URI", head, &rows, |row| {
        [
            row.client_id.clone(),
            row.client_name.clone(),
            if row.public { "public" } else { "with secret" }.to_owned(),
            row.kept_in.to_owned(),
            row.created_at.map(moment).unwrap_or_default(),
            match (row.redirect_uris.join(" "), row.device_grant) {
                (none, true) if none.is_empty() => "(device grant)".to_owned(),
                (uris, true) => format!("{uris} (device grant)"),
                (uris, false) => uris,
            },
        ]
    })
}

fn row(client: StoredClient, kept_in: &'static str) -> ClientRow {
    ClientRow {
        client_id: client.id.to_string(),
        client_name: client.name,
        public: client.secret.is_none(),
        redirect_uris: client.redirect_uris,
        post_logout_redirect_uris: client.post_logout_redirect_uris,
        backchannel_logout_uri: client.policy.back_channel_logout,
        device_grant: client.device_grant,
        scopes: client.policy.scopes,
        session_days: client.policy.session_s.map(|seconds| seconds / 86_400),
        step_up: client.policy.step_up,
        shows_user_code: client.policy.shows_user_code,
        require_pushed_authorization_requests: client.policy.require_pushed,
        embed: client.policy.embed,
        id_token_signed_response_alg: client.policy.id_token_alg,
        kept_in,
        created_at: Some(client.created_at).filter(|_| kept_in == "store"),
    }
}

fn is_of_settings(settings: &Settings, id: &str) -> bool {
    settings.clients.iter().any(|client| client.id == id)
}

fn not_of_settings(settings: &Settings, id: &str) -> Result<(), CliError> {
    if is_of_settings(settings, id) {
        return Err(CliError::Usage(format!("The settings file has the client {id}. Change it there.")));
    }
    Ok(())
}
