//! The command line. Commands other than `serve` act on the store itself, also while a server runs on the same data.

mod accounts;
mod audit;
mod clients;
mod database;
mod error;
mod keys;
mod opened;
mod output;
mod sessions;
mod signing_keys;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use crate::clock::Clock;
use crate::config::{self, Data, Override, Settings};
use crate::serve::{self, Ready};

pub use error::{CliError, Exit};
use output::{Output, print};

/// Shows login codes, hears what authenticators decide, and signs browsers in.
#[derive(Debug, Parser)]
#[command(
    name = "countersign-server",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done; 1 it could not be done; 2 wrong usage or settings; 3 there is no such account, \
                  device, session or client; 4 it is there already; 5 an audit file does not verify."
)]
pub struct Cli {
    #[command(flatten)]
    settings: SettingsArgs,

    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

/// Where settings come from; what is not given comes from the environment (`COUNTERSIGN_*`), the file, the defaults.
#[derive(Debug, Args)]
struct SettingsArgs {
    /// Settings file, TOML; see `config example`.
    #[arg(long, global = true, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: Option<PathBuf>,

    /// Folder for all data, or "memory".
    #[arg(long, global = true, value_name = "DIR|memory")]
    data: Option<String>,

    /// Database: `postgres://USER@HOST/DATABASE` or `sqlite:PATH`; a file in the folder of --data when absent. One with a
    /// password goes into the environment (`COUNTERSIGN_DATABASE`) or a file (`--set database_file=FILE`).
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,

    /// The one public origin, as in `https://login.example.com`.
    #[arg(long, global = true, value_name = "URL")]
    origin: Option<String>,

    /// Any setting by its name in the file, as in `lives.waiting_s=60`; can be repeated.
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    set: Vec<Override>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGINT or SIGTERM.
    Serve(ServeArgs),
    /// Accounts: who can be signed in.
    #[command(subcommand)]
    Users(accounts::UsersCommand),
    /// Trusted devices: what can approve.
    #[command(subcommand)]
    Devices(accounts::DevicesCommand),
    /// Browsers that are signed in.
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// Sites and programs that people sign in to here (OpenID Connect, RFC 8628).
    #[command(subcommand)]
    Clients(clients::ClientsCommand),
    /// The log of what happened, chained by hashes.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The server key: change it while servers run.
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// The keys that sign tokens for clients of OpenID Connect.
    #[command(subcommand)]
    SigningKeys(signing_keys::SigningKeysCommand),
    /// Bring the database's tables to this version, as a server does when it starts.
    Migrate,
    /// Copy the database and the server's keys into a folder, while the server runs.
    Backup(database::BackupArgs),
    /// Move all data of a SQLite file into an empty PostgreSQL database; sessions live on.
    Import(database::ImportArgs),
    /// Settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the description of the HTTP interface (OpenAPI, JSON).
    Openapi,
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// Address and port to listen on; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,

    /// Name of the site for people.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,

    /// Redis or Valkey, shared by several nodes; with a password by the environment (`COUNTERSIGN_REDIS`) or the settings file.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,

    /// Certificate chain, PEM.
    #[arg(long, value_name = "FILE")]
    certificate: Option<String>,

    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "FILE")]
    key: Option<String>,

    /// Make and keep a certificate, for trials in a local network.
    #[arg(long)]
    self_signed: bool,

    /// Serve figures for Prometheus on this address.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:9464")]
    metrics: Option<String>,

    /// How log lines are written: human or json.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,

    /// What to log, as in `info` or `info,countersign_server=debug`.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,

    /// With --data memory: make this account and print its enrolment link; can be repeated.
    #[arg(long, value_name = "NAME")]
    user: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say whether the settings can be used, and what is wrong with them.
    Check,
    /// Print a settings file with every setting, its meaning and its default.
    Example,
}

/// Does what the command line says, by `clock`.
///
/// # Errors
/// [`CliError`] with its sentence and exit code.
pub async fn run(cli: Cli, clock: Arc<dyn Clock>) -> Result<(), CliError> {
    let output = Output::new(cli.json);
    let settings = || cli.settings.load(&[]);
    match cli.command {
        Command::Serve(ref args) => {
            serve_until_stopped(&cli.settings.load(&args.overrides())?, &args.user, clock, output).await
        }
        Command::Users(command) => accounts::users(command, &settings()?, clock, output).await,
        Command::Devices(command) => accounts::devices(command, &settings()?, clock, output).await,
        Command::Sessions(command) => sessions::run(command, &settings()?, clock, output).await,
        Command::Clients(command) => clients::run(command, &settings()?, clock, output).await,
        Command::Audit(audit::AuditCommand::Verify { ref file }) => audit::verify(file, output),
        Command::Audit(audit::AuditCommand::Export { ref out }) => {
            audit::export(out.as_deref(), &settings()?, clock, output).await
        }
        Command::Key(ref command) => keys::run(command, &settings()?, output),
        Command::SigningKeys(command) => signing_keys::run(command, &settings()?, clock, output).await,
        Command::Migrate => database::migrate(&settings()?, output).await,
        Command::Backup(ref args) => database::backup(args, &settings()?, output).await,
        Command::Import(ref args) => database::import(args, &settings()?, output).await,
        Command::Config(ConfigCommand::Check) => {
            check_certificate(&settings()?).await?;
            output.done("The settings can be used.", &serde_json::json!({ "ok": true }))
        }
        Command::Config(ConfigCommand::Example) => print(&config::example()),
        Command::Openapi => print(&format!("{}\n", crate::http::openapi())),
    }
}

/// What only a look at the files can tell.
async fn check_certificate(settings: &Settings) -> Result<(), CliError> {
    if settings.tls.certificate.is_none() {
        return Ok(());
    }
    let origin = settings.origin.clone().unwrap_or_else(|| serve::loopback_origin(settings, settings.listen));
    crate::tls::install_provider();
    let loaded = crate::tls::load(settings, &origin).await;
    loaded.map(drop).map_err(|source| CliError::failed("could not use the settings", source))
}

async fn serve_until_stopped(
    settings: &Settings,
    users: &[String],
    clock: Arc<dyn Clock>,
    output: Output,
) -> Result<(), CliError> {
    if !users.is_empty() && settings.data != Data::Memory {
        return Err(CliError::Usage("--user is for --data memory; with a folder: users add NAME".to_owned()));
    }
    crate::logging::start(&settings.log).map_err(|source| CliError::failed("could not start", source))?;
    let ready = |ready: &Ready| {
        for (name, made) in &ready.links {
            let link = made.link.to_string();
            let value = serde_json::json!({ "username": name, "link": link, "expires_at": made.expires_at });
            let _ = output.done(&format!("enrolment link of {name}: {link}"), &value);
        }
        let value = serde_json::json!({
            "listening": ready.url,
            "address": ready.address,
            "origin": ready.origin,
            "pin": ready.pin.map(|pin| pin.to_string()),
        });
        // Whoever waits for this line has closed its pipe when this fails, and needs it no more.
        let _ = output.done(&format!("listening on {}", ready.url), &value);
    };
    serve::run(settings, users, clock, ready)
        .await
        .map_err(|source| CliError::failed("could not serve", source))
}

impl SettingsArgs {
    fn load(&self, more: &[Override]) -> Result<Settings, CliError> {
        let mut overrides = self.set.clone();
        overrides.extend(named("data", self.data.as_deref()));
        overrides.extend(named("database", self.database.as_deref()));
        overrides.extend(named("origin", self.origin.as_deref()));
        overrides.extend_from_slice(more);
        config::load(self.config.as_deref(), &overrides).map_err(CliError::Settings)
    }
}

impl ServeArgs {
    fn overrides(&self) -> Vec<Override> {
        [
            named("listen", self.listen.as_deref()),
            named("name", self.name.as_deref()),
            named("redis", self.redis.as_deref()),
            named("tls.certificate", self.certificate.as_deref()),
            named("tls.key", self.key.as_deref()),
            named("tls.self_signed", self.self_signed.then_some("true")),
            named("metrics.listen", self.metrics.as_deref()),
            named("log.format", self.log_format.as_deref()),
            named("log.filter", self.log.as_deref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn named(name: &str, value: Option<&str>) -> Option<Override> {
    value.map(|value| Override { name: name.to_owned(), value: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_for_all_commands_stand_on_either_side() {
        for line in [
            ["countersign-server", "--data", "memory", "users", "list"],
            ["countersign-server", "users", "list", "--data", "memory"],
        ] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!(cli.settings.load(&[]).unwrap().data, config::Data::Memory);
        }
    }

    #[test]
    fn the_commands_of_the_operators_pages_are_understood() {
        let pages = include_str!("../../../docs/operations.md");
        let mut understood = 0;
        for line in pages.lines() {
            for rest in line.split("countersign-server ").skip(1) {
                let command = rest.split(['`', '#', '&', '|', ')', ';']).next().unwrap();
                let mut words = vec!["countersign-server"];
                for (i, part) in command.split('"').enumerate() {
                    // Between quotes is one word.
                    if i % 2 == 1 { words.push(part) } else { words.extend(part.split_whitespace()) }
                }
                let parsed = Cli::try_parse_from(words);
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                understood += 1;
            }
        }
        assert!(understood > 20, "{understood} commands were found");
    }
}
