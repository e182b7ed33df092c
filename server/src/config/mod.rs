//! Settings of the server: one plain struct, filled from flags, environment, file and defaults, in that order.
//!
//! 1. [`load`] merges the layers.
//! 2. [`check`] names every setting that makes no sense.
//! 3. `serve` fixes the public origin once the port is known.
//!
//! Below this module nobody reads an environment variable or a settings file.

mod check;
mod clients;
mod database;
mod forward_auth;
mod load;
mod redact;
mod secrets;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use confique::Config;
use protocol::origin::Origin;
use protocol::request::Lives;

use crate::store::SessionLives;
use crate::store::redis::RedisAddress;

pub use check::{WrongSetting, check};
pub use clients::{ClientSecret, ClientSettings};
pub use database::{Database, DatabaseText, PostgresUrl};
pub use forward_auth::{NotAHost, ProtectedHost};
pub use load::{ConfigError, Override, example, load};
pub use secrets::{KeyError, KeyText, fresh_key, keys_in, replace_keys, server_keys};
pub(crate) use secrets::{data_folder, private_file};
pub use values::{Data, LogFormat, Network, PasswordEnrolment, RelayGuard, SessionKind, VerificationRule};

const DAY_S: i64 = 86_400;

/// All settings of one server node.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct Settings {
    /// Address and port to listen on. Port 0 lets the system choose.
    #[config(
        env = "COUNTERSIGN_LISTEN",
        default = "127.0.0.1:8080",
        deserialize_with = values::address_from_text
    )]
    pub listen: SocketAddr,

    /// The one public origin, as browsers and authenticators see it: scheme, host and port, in lower case,
    /// default port and path left out, as in `https://login.example.com`. Needed unless `listen` is a loopback
    /// address; then it is "http://" and that address.
    #[config(env = "COUNTERSIGN_ORIGIN", deserialize_with = values::origin_from_text)]
    pub origin: Option<Origin>,

    /// Folder for accounts, sessions, the audit log and the server's own keys; "memory" keeps all of it until the
    /// process ends.
    #[config(env = "COUNTERSIGN_DATA", default = "countersign-data")]
    pub data: Data,

    /// The database for accounts, sessions and the audit log: `postgres://USER@HOST/DATABASE?sslmode=verify-full`, the same
    /// for every node, or `sqlite:PATH`. A file in the data folder when absent. One with a password is better given by
    /// environment or by `database_file` than written here.
    #[config(env = "COUNTERSIGN_DATABASE")]
    pub database: Option<DatabaseText>,

    /// File that holds the setting `database` and nothing else, for its owner alone.
    #[config(env = "COUNTERSIGN_DATABASE_FILE")]
    pub database_file: Option<PathBuf>,

    /// Name of the site, shown on the login page and in the authenticator. The host of the origin when absent.
    #[config(env = "COUNTERSIGN_NAME")]
    pub name: Option<String>,

    /// 32 bytes as 64 hexadecimal digits, the same on every node. While it is changed, two or three with commas between
    /// them: the first is used, all are accepted. When absent, the file server.key in the data folder has it; that file
    /// is read again on SIGHUP. Better given by environment than written here.
    #[config(env = "COUNTERSIGN_SERVER_KEY")]
    pub server_key: Option<KeyText>,

    /// Redis or Valkey for what lives for minutes, shared by several nodes: `redis://HOST[:PORT][/DATABASE]`, `rediss://`
    /// for TLS, or `unix:/PATH`. When absent, this process keeps it and is the only node. With a password better given
    /// by environment than written here.
    #[config(env = "COUNTERSIGN_REDIS")]
    pub redis: Option<RedisAddress>,

    /// Sites and programs that people sign in to here, a table `[[clients]]` each, with `id`, `name`, `redirect_uris`, and
    /// `secret_file`, `secret` or `public = true`; see docs/operations.md, "Clients". Those of `clients add` need no table.
    #[config(default = [])]
    pub clients: Vec<ClientSettings>,

    /// HTTPS without a proxy in front.
    #[config(nested)]
    pub tls: TlsSettings,

    /// Proxies in front of the server, whose word about client addresses counts.
    #[config(nested)]
    pub proxies: ProxySettings,

    /// How often and how much: of all nodes on one Redis together, else of this node.
    #[config(nested)]
    pub limits: LimitSettings,

    /// How long a login request stays in each state.
    #[config(nested)]
    pub lives: LifeSettings,

    /// Sessions of signed-in browsers.
    #[config(nested)]
    pub session: SessionSettings,

    /// Defence against codes that are shown to somebody far away.
    #[config(nested)]
    pub relay: RelaySettings,

    /// What an approval has to show.
    #[config(nested)]
    pub policy: PolicySettings,

    /// Sites that know nothing of signing in, behind a proxy that asks this server who comes.
    #[config(nested)]
    pub forward_auth: ForwardAuthSettings,

    /// How an authenticator becomes trusted.
    #[config(nested)]
    pub enrolment: EnrolmentSettings,

    /// What goes away by itself, and when.
    #[config(nested)]
    pub retention: RetentionSettings,

    /// The app that people need.
    #[config(nested)]
    pub app: AppSettings,

    /// What the server says about itself.
    #[config(nested)]
    pub log: LogSettings,

    /// Figures for Prometheus.
    #[config(nested)]
    pub metrics: MetricsSettings,

    /// Spans of calls for an OpenTelemetry collector.
    #[config(nested)]
    pub telemetry: TelemetrySettings,
}

/// HTTPS without a proxy in front.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct TlsSettings {
    /// Certificate chain, PEM. Read again on SIGHUP.
    #[config(env = "COUNTERSIGN_TLS_CERTIFICATE")]
    pub certificate: Option<PathBuf>,

    /// Private key of the certificate, PEM.
    #[config(env = "COUNTERSIGN_TLS_KEY")]
    pub key: Option<PathBuf>,

    /// For trials in a local network: make a certificate, keep it in the data folder and put its pin into enrolment
    /// links.
    #[config(env = "COUNTERSIGN_TLS_SELF_SIGNED", default = false)]
    pub self_signed: bool,
}

/// Proxies in front of the server, whose word about client addresses counts.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct ProxySettings {
    /// Addresses or networks of the proxies, as in `["10.0.0.5", "2001:db8::/32"]`.
    #[config(
        env = "COUNTERSIGN_PROXIES_TRUSTED",
        parse_env = confique::env::parse::list_by_comma,
        default = []
    )]
    pub trusted: Vec<Network>,

    /// The one header they put the client's address into.
    #[config(env = "COUNTERSIGN_PROXIES_HEADER", default = "x-forwarded-for")]
    pub header: String,
}

/// How often and how much: of all nodes on one Redis together, else of this node.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct LimitSettings {
    /// Login requests of one address (IPv6: one /64) that are not over.
    #[config(env = "COUNTERSIGN_LIMITS_LIVE_REQUESTS_PER_ADDRESS", default = 100)]
    pub live_requests_per_address: u32,

    /// Login requests that are not over, in all.
    #[config(env = "COUNTERSIGN_LIMITS_LIVE_REQUESTS", default = 100_000)]
    pub live_requests: u32,

    /// Login requests that one address may start in a window.
    #[config(env = "COUNTERSIGN_LIMITS_STARTS_PER_ADDRESS", default = 200)]
    pub starts_per_address: u32,

    /// Proofs and tokens of one address that may fail in a window.
    #[config(env = "COUNTERSIGN_LIMITS_FAILED_PROOFS_PER_ADDRESS", default = 100)]
    pub failed_proofs_per_address: u32,

    /// Enrolments by password of one address that may be refused in a window.
    #[config(env = "COUNTERSIGN_LIMITS_WRONG_PASSWORDS_PER_ADDRESS", default = 30)]
    pub wrong_passwords_per_address: u32,

    /// Passwords that may be tried on one account in a window, right ones too.
    #[config(env = "COUNTERSIGN_LIMITS_WRONG_PASSWORDS_PER_ACCOUNT", default = 10)]
    pub wrong_passwords_per_account: u32,

    /// Typed codes that one device may get wrong in a window.
    #[config(env = "COUNTERSIGN_LIMITS_WRONG_USER_CODES_PER_DEVICE", default = 5)]
    pub wrong_user_codes_per_device: u32,

    /// The window of the limits above, in seconds.
    #[config(env = "COUNTERSIGN_LIMITS_WINDOW_S", default = 600)]
    pub window_s: u32,

    /// Typed codes that one account may get wrong in an hour.
    #[config(env = "COUNTERSIGN_LIMITS_USER_CODES_PER_ACCOUNT_AND_HOUR", default = 20)]
    pub user_codes_per_account_and_hour: u32,

    /// Open WebSockets of one login request at one node; one more closes the oldest.
    #[config(env = "COUNTERSIGN_LIMITS_SOCKETS_PER_REQUEST", default = 4)]
    pub sockets_per_request: u32,

    /// Connections of this node to a PostgreSQL database.
    #[config(env = "COUNTERSIGN_LIMITS_DATABASE_CONNECTIONS", default = 8)]
    pub database_connections: u32,

    /// Trusted devices of one account.
    #[config(env = "COUNTERSIGN_LIMITS_DEVICES_PER_ACCOUNT", default = 50)]
    pub devices_per_account: u32,

    /// Largest body of a call, in bytes.
    #[config(env = "COUNTERSIGN_LIMITS_BODY_BYTES", default = 16384)]
    pub body_bytes: u32,

    /// Longest time that a call may take, in seconds. WebSockets are not calls.
    #[config(env = "COUNTERSIGN_LIMITS_CALL_S", default = 30)]
    pub call_s: u32,

    /// How long a node that is told to stop goes on as before while /health/ready says 503, in seconds: until a load
    /// balancer has noticed.
    #[config(env = "COUNTERSIGN_LIMITS_LEAVE_S", default = 0)]
    pub leave_s: u32,

    /// Longest time that a shutdown waits for open calls, in seconds.
    #[config(env = "COUNTERSIGN_LIMITS_DRAIN_S", default = 10)]
    pub drain_s: u32,
}

/// How long a login request stays in each state, in whole seconds.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct LifeSettings {
    /// From the start to the first scan.
    #[config(env = "COUNTERSIGN_LIVES_WAITING_S", default = 300)]
    pub waiting_s: u32,

    /// From the scan to the decision.
    #[config(env = "COUNTERSIGN_LIVES_SCANNED_S", default = 120)]
    pub scanned_s: u32,

    /// From the approval until the page must have redeemed it.
    #[config(env = "COUNTERSIGN_LIVES_APPROVED_S", default = 60)]
    pub approved_s: u32,

    /// How long a QR picture may be scanned after it was made.
    #[config(env = "COUNTERSIGN_LIVES_FRAME_S", default = 60)]
    pub frame_s: u32,

    /// How often the page gets another QR picture.
    #[config(env = "COUNTERSIGN_LIVES_FRAME_STEP_S", default = 15)]
    pub frame_step_s: u32,

    /// How long the page may still read how it ended.
    #[config(env = "COUNTERSIGN_LIVES_FINAL_S", default = 300)]
    pub final_s: u32,
}

/// Sessions of signed-in browsers.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct SessionSettings {
    /// Life of one session token, in seconds; the page renews it at half of that.
    #[config(env = "COUNTERSIGN_SESSION_TOKEN_S", default = 600)]
    pub token_s: u32,

    /// How long the token before the newest one still works, in seconds, so that parallel tabs agree again.
    #[config(env = "COUNTERSIGN_SESSION_PREVIOUS_TOKEN_S", default = 60)]
    pub previous_token_s: u32,

    /// Days without use after which a session ends.
    #[config(env = "COUNTERSIGN_SESSION_IDLE_DAYS", default = 14)]
    pub idle_days: u32,

    /// Days after which a session ends in any case.
    #[config(env = "COUNTERSIGN_SESSION_MAX_DAYS", default = 90)]
    pub max_days: u32,

    /// "linked": a session ends with the device that approved it. "independent": it does not.
    #[config(env = "COUNTERSIGN_SESSION_KIND", default = "linked")]
    pub kind: SessionKind,
}

/// Defence against codes that are shown to somebody far away.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct RelaySettings {
    /// "warn": the authenticator warns when page and authenticator are not known to share a network. "refuse": the
    /// login ends there.
    #[config(env = "COUNTERSIGN_RELAY_GUARD", default = "warn")]
    pub guard: RelayGuard,

    /// Accept a code read off the authenticator's own screen when both are not known to share a network.
    #[config(env = "COUNTERSIGN_RELAY_ALLOW_SCREEN", default = false)]
    pub allow_screen: bool,

    /// Accept a code that came as a link when both are not known to share a network.
    #[config(env = "COUNTERSIGN_RELAY_ALLOW_LINK", default = false)]
    pub allow_link: bool,
}

/// What an approval has to show.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct PolicySettings {
    /// "discouraged": whoever sits at a trusted computer approves there. "required": the authenticator asks for its PIN
    /// first and signs that it did; an approval without that is refused.
    #[config(env = "COUNTERSIGN_POLICY_USER_VERIFICATION", default = "discouraged")]
    pub user_verification: VerificationRule,
}

/// Sites that know nothing of signing in, behind a proxy that asks this server who comes.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct ForwardAuthSettings {
    /// Their hosts as browsers write them, with the port unless it is 443, as in `["files.example.com",
    /// "wiki.example.com:8443"]`. deploy/ has the proxy's part.
    #[config(
        env = "COUNTERSIGN_FORWARD_AUTH_HOSTS",
        parse_env = confique::env::parse::list_by_comma,
        default = []
    )]
    pub hosts: Vec<ProtectedHost>,
}

/// How an authenticator becomes trusted.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct EnrolmentSettings {
    /// "first": a password enrols only an account that has never had a device. "always" and "never" say themselves.
    #[config(env = "COUNTERSIGN_ENROL_BY_PASSWORD", default = "first")]
    pub by_password: PasswordEnrolment,

    /// Life of an enrolment link, in seconds.
    #[config(env = "COUNTERSIGN_ENROLMENT_LINK_S", default = 600)]
    pub link_s: u32,
}

/// What goes away by itself, and when.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct RetentionSettings {
    /// Days that activity (the audit log) is kept.
    #[config(env = "COUNTERSIGN_RETENTION_ACTIVITY_DAYS", default = 400)]
    pub activity_days: u32,

    /// Days that an ended session is kept.
    #[config(env = "COUNTERSIGN_RETENTION_SESSIONS_DAYS", default = 30)]
    pub sessions_days: u32,

    /// Seconds between two sweeps; the audit log is anchored with them, once a minute.
    #[config(env = "COUNTERSIGN_RETENTION_SWEEP_S", default = 60)]
    pub sweep_s: u32,
}

/// The app that people need.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct AppSettings {
    /// Where to get the authenticator: a https address, linked on the pages that open when a phone reads a code.
    #[config(env = "COUNTERSIGN_APP_DOWNLOAD")]
    pub download: Option<String>,
}

/// What the server says about itself.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct LogSettings {
    /// "human" or "json", one line each, on standard error.
    #[config(env = "COUNTERSIGN_LOG_FORMAT", default = "human")]
    pub format: LogFormat,

    /// What to log, as in `info` or `info,countersign_server=debug`.
    #[config(env = "COUNTERSIGN_LOG", default = "info")]
    pub filter: String,
}

/// Figures for Prometheus.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct MetricsSettings {
    /// Address for /metrics, as in "127.0.0.1:9464". Nothing listens when absent. It asks for no password, so a
    /// loopback address is the right one unless the network in between is yours.
    #[config(env = "COUNTERSIGN_METRICS_LISTEN", deserialize_with = values::address_from_text)]
    pub listen: Option<SocketAddr>,
}

/// Spans of calls for an OpenTelemetry collector.
#[derive(Debug, Clone, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct TelemetrySettings {
    /// Where spans go by OTLP over HTTP, as in `http://127.0.0.1:4318`; `/v1/traces` is added. Nothing is sent when absent.
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` counts as well, and so do the other variables of OpenTelemetry, as
    /// `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER` and `OTEL_BSP_MAX_QUEUE_SIZE`.
    #[config(env = "COUNTERSIGN_TELEMETRY_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,

    /// What the collector calls this server. `OTEL_SERVICE_NAME` when absent, else "countersign-server".
    #[config(env = "COUNTERSIGN_TELEMETRY_SERVICE_NAME")]
    pub service_name: Option<String>,
}

impl Settings {
    /// Every setting at its default, and data in memory.
    ///
    /// Source: the defaults in this file, which are the figures of docs/protocol.md.
    pub fn in_memory() -> Self {
        let mut settings = Self::builder().load().expect("every required setting has a default");
        settings.data = Data::Memory;
        settings
    }

    /// The name that people see: the setting, or the host of `origin`.
    pub fn site_name<'a>(&'a self, origin: &'a Origin) -> &'a str {
        self.name.as_deref().unwrap_or_else(|| origin.host_and_port())
    }

    /// The lives of a login request, as crate `protocol` reads them.
    pub fn lives(&self) -> Lives {
        let LifeSettings { waiting_s, scanned_s, approved_s, frame_s, frame_step_s, final_s } = self.lives;
        Lives {
            waiting_s: waiting_s.into(),
            scanned_s: scanned_s.into(),
            approved_s: approved_s.into(),
            frame_s: frame_s.into(),
            frame_step_s: frame_step_s.into(),
            final_s: final_s.into(),
        }
    }

    /// The lives of sessions, as the store reads them.
    pub fn session_lives(&self) -> SessionLives {
        SessionLives {
            token_s: self.session.token_s.into(),
            previous_token_s: self.session.previous_token_s.into(),
            idle_s: i64::from(self.session.idle_days) * DAY_S,
            max_s: i64::from(self.session.max_days) * DAY_S,
        }
    }

    /// Whether the server itself speaks TLS.
    pub fn serves_tls(&self) -> bool {
        self.tls.self_signed || self.tls.certificate.is_some()
    }
}
