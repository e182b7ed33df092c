//! Merges flags, environment, file and defaults into [`Settings`].

use std::path::{Path, PathBuf};

use confique::{Config, Layer};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::database::DatabaseText;
use super::redact::without_secrets;
use super::{Settings, WrongSetting, check, clients};
use crate::store::redis::RedisAddress;

type SettingsLayer = <Settings as Config>::Layer;

/// One setting given on the command line: `--listen ADDR` or `--set NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Its full name, as in `lives.waiting_s`.
    pub name: String,
    /// As typed. A number, `true`, `false` or a list is read as TOML, anything else as text.
    pub value: String,
}

impl std::str::FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            format!("\"{text}\" is no setting; allowed is NAME=VALUE, as in lives.waiting_s=60")
        })?;
        Ok(Self { name: name.trim().to_owned(), value: value.trim().to_owned() })
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file or environment variable could not be read or understood: the place and what is allowed, without keys.
    #[error("{0}")]
    Source(String),
    /// A flag has a name or value that is not allowed.
    #[error("{name}={value} on the command line: {problem}")]
    Flag {
        /// The setting.
        name: String,
        /// As typed, or `...` for a secret.
        value: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// The file named by `--config` is not there.
    #[error("there is no file {}; write one with: countersign-server config example", .0.display())]
    NoFile(PathBuf),
    /// Settings that make no sense, each named.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<WrongSetting>),
}

/// Loads the settings: `overrides` first, then the environment (`COUNTERSIGN_*`), then `file`, then the defaults.
///
/// # Errors
/// [`ConfigError`]; what is wrong is named with its place and with what is allowed.
pub fn load(file: Option<&Path>, overrides: &[Override]) -> Result<Settings, ConfigError> {
    let mut flags = SettingsLayer::empty();
    for one in overrides {
        // The last one of the same name wins, as everywhere on a command line.
        flags = layer_of(one)?.with_fallback(flags);
    }
    let mut builder = Settings::builder().preloaded(flags).env();
    if let Some(file) = file {
        if !file.exists() {
            return Err(ConfigError::NoFile(file.to_owned()));
        }
        builder = builder.file(file);
    }
    let mut settings =
        builder.load().map_err(|error| ConfigError::Source(without_secrets(&format!("{error:#}"))))?;
    read_database(&mut settings)?;
    clients::read_secrets(&mut settings)?;
    let standard = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let telemetry = &mut settings.telemetry;
    telemetry.otlp_endpoint =
        telemetry.otlp_endpoint.take().or_else(|| standard("OTEL_EXPORTER_OTLP_ENDPOINT"));
    telemetry.service_name = telemetry.service_name.take().or_else(|| standard("OTEL_SERVICE_NAME"));
    let wrong = check(&settings);
    if wrong.is_empty() { Ok(settings) } else { Err(ConfigError::Wrong(wrong)) }
}

/// Reads the file that holds the setting `database`.
fn read_database(settings: &mut Settings) -> Result<(), ConfigError> {
    let Some(file) = &settings.database_file else { return Ok(()) };
    if settings.database.is_some() {
        return Err(ConfigError::Source(
            "database and database_file are both set; leave one of them out".to_owned(),
        ));
    }
    let text = std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| {
        ConfigError::Source(format!("could not read {} (setting database_file): {error}", file.display()))
    })?;
    settings.database = Some(DatabaseText::new(&text));
    Ok(())
}

/// The commented example file with every setting, its default and its environment variable.
pub fn example() -> String {
    confique::toml::template::<Settings>(confique::toml::FormatOptions::default())
}

fn layer_of(one: &Override) -> Result<SettingsLayer, ConfigError> {
    if one.name == "database" && DatabaseText::new(&one.value).has_password() {
        return Err(ConfigError::Flag {
            name: one.name.clone(),
            value: "...".to_owned(),
            problem:
                "a password on the command line is shown to everybody on this machine; put the URL into the \
                      environment variable COUNTERSIGN_DATABASE or a file named by database_file"
                    .to_owned(),
        });
    }
    if one.name == "redis" && RedisAddress::new(&one.value).has_password() {
        return Err(ConfigError::Flag {
            name: one.name.clone(),
            value: "...".to_owned(),
            problem:
                "a password on the command line is shown to everybody on this machine; put the URL into the \
                      environment variable COUNTERSIGN_REDIS or the settings file"
                    .to_owned(),
        });
    }
    if one.name == "clients" || one.name.starts_with("clients.") {
        return Err(ConfigError::Flag {
            name: "clients".to_owned(),
            value: "...".to_owned(),
            problem: "clients are in the settings file, or made by: clients add".to_owned(),
        });
    }
    let read = |value: toml::Value| {
        let nested = one.name.rsplit('.').fold(value, |inner, part| {
            toml::Value::Table(toml::Table::from_iter([(part.to_owned(), inner)]))
        });
        SettingsLayer::deserialize(nested)
    };
    let as_text = read(toml::Value::String(one.value.clone()));
    let as_toml = as_toml(&one.value).map(read);
    let error = match (as_text, as_toml) {
        (Ok(layer), _) | (Err(_), Some(Ok(layer))) => return Ok(layer),
        // Where text is no answer at all, the other reading knows better what is wrong.
        (Err(text), Some(Err(toml))) if text.message().starts_with("invalid type") => toml,
        (Err(text), _) => text,
    };
    let secret = ["server_key", "database", "redis"].contains(&one.name.as_str());
    // A key that was typed where another word belongs is a key all the same.
    Err(ConfigError::Flag {
        name: without_secrets(&one.name),
        value: if secret { "...".to_owned() } else { without_secrets(&one.value) },
        problem: without_secrets(error.message()),
    })
}

fn as_toml(text: &str) -> Option<toml::Value> {
    toml::from_str::<toml::Table>(&format!("value = {text}")).ok()?.remove("value")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn with(flags: &[&str]) -> Result<Settings, ConfigError> {
        let overrides: Vec<Override> = flags.iter().map(|flag| flag.parse().unwrap()).collect();
        load(None, &overrides)
    }

    pub(in crate::config) fn refused(flags: &[&str]) -> String {
        with(flags).expect_err("these settings are wrong").to_string()
    }

    pub(in crate::config) fn with_file(text: &str) -> Result<Settings, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("server.toml");
        std::fs::write(&file, text).unwrap();
        load(Some(&file), &[])
    }

    #[test]
    fn the_defaults_are_the_figures_of_the_protocol() {
        let settings = with(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        let lives = &settings.lives;
        assert_eq!(
            (
                lives.waiting_s,
                lives.scanned_s,
                lives.approved_s,
                lives.frame_s,
                lives.frame_step_s,
                lives.final_s
            ),
            (300, 120, 60, 60, 15, 300)
        );
        assert_eq!(
            (settings.session.token_s, settings.session.idle_days, settings.session.max_days),
            (600, 14, 90)
        );
        assert_eq!(settings.limits.body_bytes, 16 * 1024);
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_last_flag_over_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("server.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\n[lives]\nwaiting_s = 10\nscanned_s = 11\n").unwrap();
        let flags = ["lives.waiting_s=20".parse().unwrap(), "lives.waiting_s=30".parse().unwrap()];
        let settings = load(Some(&file), &flags).unwrap();
        assert_eq!((settings.lives.waiting_s, settings.lives.scanned_s), (30, 11));
        assert_eq!(settings.listen.port(), 1);
    }

    #[test]
    fn text_numbers_switches_and_lists_can_be_flags() {
        let settings = with(&[
            "name=1984",
            "relay.guard=refuse",
            "tls.self_signed=true",
            "proxies.trusted=[\"10.0.0.0/8\", \"::1\"]",
        ])
        .unwrap();
        assert_eq!(settings.name.as_deref(), Some("1984"));
        assert_eq!(settings.proxies.trusted.len(), 2);
        assert!(settings.tls.self_signed);
    }

    #[test]
    fn a_wrong_flag_is_named_with_what_is_allowed() {
        let unknown = refused(&["lives.wating_s=3"]);
        assert!(unknown.contains("wating_s") && unknown.contains("waiting_s"), "{unknown}");
        let word = refused(&["relay.guard=maybe"]);
        assert!(word.contains("relay.guard=maybe") && word.contains("`warn` or `refuse`"), "{word}");
        let number = refused(&["lives.waiting_s=soon"]);
        assert!(number.contains("lives.waiting_s=soon") && number.contains("u32"), "{number}");
        let origin = refused(&["origin=https://Example.com/"]);
        let address = refused(&["listen=8080"]);
        assert!(address.contains("listen=8080") && address.contains("as in 127.0.0.1:8080"), "{address}");
        assert!(origin.contains("did you mean \"https://example.com\""), "{origin}");
    }

    #[test]
    fn a_wrong_line_of_the_file_is_shown_with_what_is_allowed() {
        let unknown = with_file("[limits]\nsocket = 3\n").unwrap_err().to_string();
        assert!(unknown.contains("line 2") && unknown.contains("sockets_per_request"), "{unknown}");
        let address = with_file("listen = \"8080\"\n").unwrap_err().to_string();
        assert!(address.contains("line 1") && address.contains("listen"), "{address}");
        let network = with_file("[proxies]\ntrusted = [\"10.0.0.0/99\"]\n").unwrap_err().to_string();
        assert!(network.contains("as in \"10.0.0.5\""), "{network}");
    }

    #[test]
    fn a_range_is_named_with_its_ends() {
        let all = refused(&["lives.waiting_s=0", "session.idle_days=100", "limits.body_bytes=1"]);
        assert!(all.contains("lives.waiting_s is 0; allowed: 1 to 3600"), "{all}");
        assert!(all.contains("session.idle_days is 100; allowed: 1 to 90"), "{all}");
        assert!(all.contains("limits.body_bytes is 1; allowed: 4096 to 1048576"), "{all}");
    }

    #[test]
    fn the_frame_counter_never_overflows() {
        let long = refused(&["lives.waiting_s=3000", "lives.frame_step_s=10"]);
        assert!(long.contains("at most 255 times lives.frame_step_s, which is 2550"), "{long}");
        let short = refused(&["lives.frame_s=10"]);
        assert!(short.contains("lives.frame_s is 10; allowed: at least"), "{short}");
    }

    #[test]
    fn an_origin_is_needed_beyond_loopback() {
        let text = refused(&["listen=0.0.0.0:443"]);
        assert!(text.contains("origin is missing"), "{text}");
        assert!(with(&["listen=[::1]:0"]).is_ok());
        let plain = refused(&["listen=0.0.0.0:80", "origin=http://login.example.com"]);
        assert!(plain.contains("origin=http://login.example.com") && plain.contains("use https"), "{plain}");
    }

    #[test]
    fn tls_settings_come_in_pairs_and_need_https() {
        assert!(refused(&["tls.certificate=a.pem"]).contains("tls.key is missing"));
        assert!(refused(&["tls.key=a.pem"]).contains("tls.certificate is missing"));
        let both = refused(&["tls.certificate=a.pem", "tls.key=b.pem", "tls.self_signed=true"]);
        assert!(both.contains("tls.self_signed is true"), "{both}");
        let plain = refused(&["tls.self_signed=true", "origin=http://127.0.0.1:8080"]);
        assert!(plain.contains("because tls is set"), "{plain}");
    }

    #[test]
    fn words_are_checked_and_a_wrong_key_is_not_repeated() {
        let all = refused(&[
            "name= ",
            "proxies.header=a b",
            "app.download=ftp://x",
            "log.filter=in=fo=",
            "server_key=cafe",
            "telemetry.otlp_endpoint=collector:4317",
        ]);
        for name in [
            "telemetry.otlp_endpoint is",
            "name is",
            "proxies.header is",
            "app.download is",
            "log.filter is",
            "server_key is",
        ] {
            assert!(all.contains(name), "{name} in {all}");
        }
        assert!(!all.contains("cafe"), "{all}");
    }

    #[test]
    fn a_database_is_named_by_flag_or_file_without_telling_its_password() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("url");
        std::fs::write(&file, "postgres://ada:sesame@db/countersign\n").unwrap();
        let by_file = format!("database_file={}", file.display());
        let settings = with(&[&by_file]).unwrap();
        let database = settings.database.as_ref().and_then(DatabaseText::parse).unwrap();
        assert!(matches!(database, crate::config::Database::Postgres(_)));
        assert!(!format!("{settings:?} {database:?}").contains("sesame"));
        let both = refused(&[&by_file, "database=postgres://ada@db/countersign"]);
        assert!(both.contains("leave one of them out"), "{both}");
        let missing = refused(&["database_file=/nowhere/url"]);
        assert!(missing.contains("/nowhere/url (setting database_file)"), "{missing}");
        let shown = refused(&["database=postgres://ada:sesame@db/countersign"]);
        assert!(shown.contains("COUNTERSIGN_DATABASE") && !shown.contains("sesame"), "{shown}");
        let wrong = refused(&["database=mysql://ada@db/countersign"]);
        assert!(wrong.contains("database is no such address; allowed: postgres://USER@HOST"), "{wrong}");
        let cut = with_file("database = \"postgres://ada:sesame@db/x").unwrap_err().to_string();
        assert!(cut.contains("server.toml") && !cut.contains("sesame"), "{cut}");
        assert!(with(&["database=sqlite:/srv/countersign.sqlite"]).is_ok());
    }

    #[test]
    fn a_missing_file_is_said() {
        let error = load(Some(Path::new("/nowhere/server.toml")), &[]).unwrap_err();
        assert!(error.to_string().contains("/nowhere/server.toml"), "{error}");
    }

    #[test]
    fn the_example_has_every_setting_and_is_itself_allowed() {
        let example = example();
        for part in ["#listen = ", "[lives]", "#waiting_s = 300", "COUNTERSIGN_LIVES_WAITING_S"] {
            assert!(example.contains(part), "{part}");
        }
        let uncommented: String = example
            .lines()
            .filter(|line| !line.starts_with("# ") && *line != "#" && !line.ends_with('='))
            .flat_map(|line| [line.trim_start_matches('#'), "\n"])
            .collect();
        with_file(&uncommented).unwrap();
    }
}
