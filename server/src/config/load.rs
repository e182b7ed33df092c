//! Merges flags, environment, file and defaults into [`Settings`].

use std::path::{Path, PathBuf};

use confique::{Config, Layer};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::database::DatabaseText;
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

/// Leaves out what looks like a key or a password: a parser quotes the line that it cannot read, and that may be the one
/// with `server_key` or with the address of a database.
fn without_secrets(message: &str) -> String {
    without_passwords(&without_keys(&without_client_secrets(message)))
}

/// Leaves out what follows `secret =`, and lines of the file that go on from one before.
fn without_client_secrets(message: &str) -> String {
    let cut = |line: &str| {
        let quoted = line.split_once(" | ").filter(|(number, _)| number.trim().parse::<u32>().is_ok());
        let is_rest = quoted.is_some_and(|(_, text)| !text.contains(['=', '[']));
        let secret = line.find("secret").filter(|at| line[*at..].contains('='));
        match (quoted, secret) {
            (_, Some(at)) => format!("{}secret = ...", &line[..at]),
            (Some((number, _)), None) if is_rest => format!("{number} | ..."),
            (Some(_) | None, None) => line.to_owned(),
        }
    };
    message.split('\n').map(cut).collect::<Vec<_>>().join("\n")
}

/// Leaves out what stands between the scheme of an address and its host, and queries.
fn without_passwords(message: &str) -> String {
    let mut told = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(":/") {
        let (before, from) = rest.split_at(start + 2);
        let end = from.find(|c: char| c.is_whitespace() || c == '"' || c == '\'').unwrap_or(from.len());
        let (address, after) = from.split_at(end);
        let (address, query) =
            address.split_once('?').map_or((address, ""), |(address, _)| (address, "?..."));
        told.push_str(before);
        match address.rsplit_once('@') {
            Some((_, host)) => told.extend(["/...@", host]),
            None => told.push_str(address),
        }
        told.push_str(query);
        rest = after;
    }
    told.push_str(rest);
    told
}

fn without_keys(message: &str) -> String {
    const KEY_LIKE: usize = 16;
    let mut told = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(from.len()));
        told.push_str(before);
        told.push_str(if run.len() < KEY_LIKE { run } else { "..." });
        rest = after;
    }
    told.push_str(rest);
    told
}

fn as_toml(text: &str) -> Option<toml::Value> {
    toml::from_str::<toml::Table>(&format!("value = {text}")).ok()?.remove("value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(flags: &[&str]) -> Result<Settings, ConfigError> {
        let overrides: Vec<Override> = flags.iter().map(|flag| flag.parse().unwrap()).collect();
        load(None, &overrides)
    }

    fn refused(flags: &[&str]) -> String {
        with(flags).expect_err("these settings are wrong").to_string()
    }

    fn with_file(text: &str) -> Result<Settings, ConfigError> {
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
    fn a_key_that_cannot_be_read_is_not_told() {
        let key = "a7".repeat(32);
        for line in
            [format!("server_key = \"{key}"), format!("server_key = 0x{key}"), format!("server_key = {key}")]
        {
            let said = with_file(&line).expect_err("this is no key").to_string();
            assert!(said.contains("server.toml") && said.contains("server_key = "), "{said}");
            assert!(!said.contains("a7a7"), "{said}");
        }
        for flag in [format!("{key}=listen"), format!("listen={key}"), format!("relay.guard={key}")] {
            let said = refused(&[&flag]);
            assert!(said.contains("...") && !said.contains("a7a7"), "{said}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_told() {
        for line in [
            "redis = redis://ada:hunter2@localhost",
            "redis = \"redis://:hunter2@localhost",
            "redis = unix:/run/redis.sock?pass=hunter2",
        ] {
            let said = with_file(line).expect_err("this is no TOML").to_string();
            assert!(said.contains("server.toml") && !said.contains("hunter2"), "{said}");
        }
        for wrong in ["http://:hunter2@localhost", "redis://:hunter2@localhost/x"] {
            let said =
                with_file(&format!("redis = \"{wrong}\"")).expect_err("this is no address").to_string();
            assert!(said.contains("redis is") && said.contains("allowed: redis://HOST"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        let shown = refused(&["redis=redis://:hunter2@localhost"]);
        assert!(shown.contains("COUNTERSIGN_REDIS") && !shown.contains("hunter2"), "{shown}");
        let settings = with_file("redis = \"rediss://ada:hunter2@localhost:7000/1\"").unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.redis.unwrap().to_string(), "rediss://localhost:7000/1");
    }

    const SECRET: &str = "Zm9vYmFyIHNlc2FtZSBvcGVuIHVwIHBsZWFzZQ";

    #[test]
    fn a_client_is_a_table_of_the_file() {
        let file = format!(
            "[[clients]]\nid = \"grafana\"\nname = \"Grafana\"\nsecret = \"{SECRET}\"\n\
             redirect_uris = [\"https://grafana.example.com/cb\"]\nscopes = [\"repo\"]\nsession_days = 2\n\
             step_up = true\nid_token_alg = \"RS256\"\n\n\
             [[clients]]\nid = \"tool\"\npublic = true\ndevice_grant = true\n"
        );
        let settings = with_file(&file).unwrap();
        assert!(!format!("{settings:?}").contains(SECRET));
        let [grafana, tool] = &settings.clients[..] else { panic!("{settings:?}") };
        let grafana = grafana.to_client().unwrap();
        assert_eq!(grafana.secret, Some(protocol::secret::SecretHash::of(SECRET)));
        assert_eq!((grafana.name.as_str(), grafana.policy.session_s), ("Grafana", Some(172_800)));
        let tool = tool.to_client().unwrap();
        assert_eq!((tool.name.as_str(), tool.secret, tool.device_grant), ("tool", None, true));
    }

    #[test]
    fn what_is_wrong_with_a_client_is_named() {
        for (lines, said) in [
            ("id = \"a b\"\npublic = true\ndevice_grant = true", "clients.id is \"a b\"; allowed: 1 to 128"),
            ("id = \"forward:x\"\npublic = true\ndevice_grant = true", "clients.id is \"forward:x\""),
            (
                "id = \"a\"\ndevice_grant = true",
                "clients.secret is missing (client \"a\"); allowed: secret or",
            ),
            ("id = \"a\"\nsecret = \"sesame\"\ndevice_grant = true", "clients.secret is too short"),
            ("id = \"a\"\npublic = true", "clients.redirect_uris is empty (client \"a\")"),
            (
                "id = \"a\"\npublic = true\nredirect_uris = [\"http://x.example\"]",
                "clients.redirect_uris is \"http://x.example\" (client \"a\"); allowed: https://HOST/PATH",
            ),
            (
                "id = \"a\"\npublic = true\ndevice_grant = true\nscopes = [\"a b\"]",
                "clients.scopes is \"a b\"",
            ),
            ("id = \"a\"\npublic = true\ndevice_grant = true\nsession_days = 0", "clients.session_days is 0"),
            ("id = \"a\"\npublic = true\ndevice_grant = true\nredirect_uri = \"x\"", "redirect_uris"),
            ("id = \"a\"\nsecret_file = \"/nowhere/s\"", "secret_file of the client \"a\": /nowhere/s"),
        ] {
            let error = with_file(&format!("[[clients]]\n{lines}\n")).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("sesame"), "{error}");
        }
        let one = "[[clients]]\nid = \"a\"\npublic = true\ndevice_grant = true\n";
        let twice = with_file(&format!("{one}{one}")).unwrap_err().to_string();
        assert!(twice.contains("clients.id is \"a\" twice"), "{twice}");
    }

    #[test]
    fn the_secret_of_a_client_is_not_told() {
        for line in [
            format!("secret = \"{SECRET}"),
            format!("secret = {SECRET}"),
            format!("secret = [\"{SECRET}\"]"),
            format!("secret = \"\"\"\n{SECRET}"),
            format!("secret=\"{SECRET}\" x"),
            format!("secrets = \"{SECRET}\""),
            "secret = 4711471147114711".to_owned(),
        ] {
            let said = with_file(&format!("[[clients]]\nid = \"a\"\n{line}\n")).unwrap_err().to_string();
            assert!(said.contains("server.toml"), "{said}");
            assert!(!said.contains(&SECRET[..12]) && !said.contains("47114711"), "{said}");
        }
        let flag = refused(&[&format!("clients=[{{id=\"a\", secret=\"{SECRET}\"}}]")]);
        assert!(flag.contains("clients add") && !flag.contains(SECRET), "{flag}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_a_secret_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        let text =
            format!("[[clients]]\nid = \"a\"\ndevice_grant = true\nsecret_file = \"{}\"\n", file.display());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let open = with_file(&text).unwrap_err().to_string();
        assert!(open.contains("mode 640") && open.contains("chmod 600"), "{open}");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let settings = with_file(&text).unwrap();
        let hash = settings.clients[0].to_client().unwrap().secret;
        assert_eq!(hash, Some(protocol::secret::SecretHash::of(SECRET)));
        let both = with_file(&format!("{text}secret = \"{SECRET}\"\n")).unwrap_err().to_string();
        assert!(both.contains("leave one of them out") && !both.contains(SECRET), "{both}");
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
