//! What the types cannot say: ranges, and settings that need or exclude each other.

use std::fmt;

use protocol::origin::Origin;

use super::{Settings, clients, database};
use crate::store::redis::ALLOWED_ADDRESSES;

/// One setting that cannot be used, with what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongSetting {
    /// Its full name, as in `lives.waiting_s`.
    pub name: &'static str,
    /// What it was, when it was given; never a secret.
    pub value: Option<String>,
    /// What is allowed, as a phrase.
    pub allowed: String,
}

impl fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} is {value}; allowed: {}", self.name, self.allowed),
            None => write!(f, "{} is missing; needed: {}", self.name, self.allowed),
        }
    }
}

/// Every setting that cannot be used, in the order of the example file; empty when all is well.
pub fn check(settings: &Settings) -> Vec<WrongSetting> {
    let mut wrong = Vec::new();
    check_public_face(settings, &mut wrong);
    check_database(settings, &mut wrong);
    check_tls(settings, &mut wrong);
    check_ranges(settings, &mut wrong);
    check_frames(settings, &mut wrong);
    check_words(settings, &mut wrong);
    clients::check(settings, &mut wrong);
    check_forward_auth(settings, &mut wrong);
    wrong
}

fn check_public_face(settings: &Settings, wrong: &mut Vec<WrongSetting>) {
    let Some(origin) = &settings.origin else {
        if !settings.listen.ip().is_loopback() {
            wrong.push(WrongSetting {
                name: "origin",
                value: None,
                allowed: format!(
                    "the address that browsers use, as in https://login.example.com, because listen ({}) is no loopback \
                     address",
                    settings.listen
                ),
            });
        }
        return;
    };
    if settings.serves_tls() && !origin.is_https() {
        wrong.push(WrongSetting {
            name: "origin",
            value: Some(origin.to_string()),
            allowed: "an https:// address, because tls is set".to_owned(),
        });
    }
}

fn check_database(settings: &Settings, wrong: &mut Vec<WrongSetting>) {
    if let Some(text) = &settings.database
        && text.parse().is_none()
    {
        wrong.push(WrongSetting {
            name: "database",
            value: Some("no such address".to_owned()),
            allowed: database::ALLOWED.to_owned(),
        });
    }
}

fn check_tls(settings: &Settings, wrong: &mut Vec<WrongSetting>) {
    let tls = &settings.tls;
    match (&tls.certificate, &tls.key) {
        (Some(_), None) => wrong.push(WrongSetting {
            name: "tls.key",
            value: None,
            allowed: "the private key file of tls.certificate".to_owned(),
        }),
        (None, Some(_)) => wrong.push(WrongSetting {
            name: "tls.certificate",
            value: None,
            allowed: "the certificate file that belongs to tls.key".to_owned(),
        }),
        (Some(_), Some(_)) if tls.self_signed => wrong.push(WrongSetting {
            name: "tls.self_signed",
            value: Some("true".to_owned()),
            allowed: "false, because tls.certificate is set".to_owned(),
        }),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

fn check_ranges(settings: &Settings, wrong: &mut Vec<WrongSetting>) {
    const DAY_S: u32 = 86_400;
    let limits = &settings.limits;
    let lives = &settings.lives;
    let session = &settings.session;
    let retention = &settings.retention;
    let ranges: [(&'static str, u32, u32, u32); 31] = [
        ("limits.live_requests_per_address", limits.live_requests_per_address, 1, 10_000_000),
        ("limits.live_requests", limits.live_requests, 1, 10_000_000),
        ("limits.starts_per_address", limits.starts_per_address, 1, 1_000_000_000),
        ("limits.failed_proofs_per_address", limits.failed_proofs_per_address, 1, 1_000_000_000),
        ("limits.wrong_passwords_per_address", limits.wrong_passwords_per_address, 1, 1_000_000),
        ("limits.wrong_passwords_per_account", limits.wrong_passwords_per_account, 1, 1_000_000),
        ("limits.wrong_user_codes_per_device", limits.wrong_user_codes_per_device, 1, 1_000),
        ("limits.window_s", limits.window_s, 1, DAY_S),
        ("limits.user_codes_per_account_and_hour", limits.user_codes_per_account_and_hour, 1, 10_000),
        ("limits.sockets_per_request", limits.sockets_per_request, 1, 100),
        ("limits.database_connections", limits.database_connections, 1, 1_000),
        ("limits.devices_per_account", limits.devices_per_account, 1, 10_000),
        ("limits.body_bytes", limits.body_bytes, 4_096, 1_048_576),
        ("limits.call_s", limits.call_s, 1, 600),
        ("limits.leave_s", limits.leave_s, 0, 600),
        ("limits.drain_s", limits.drain_s, 0, 600),
        ("lives.waiting_s", lives.waiting_s, 1, 3_600),
        ("lives.scanned_s", lives.scanned_s, 1, 3_600),
        ("lives.approved_s", lives.approved_s, 1, 3_600),
        ("lives.frame_s", lives.frame_s, 1, 3_600),
        ("lives.frame_step_s", lives.frame_step_s, 1, 3_600),
        ("lives.final_s", lives.final_s, 1, DAY_S),
        ("session.token_s", session.token_s, 2, DAY_S),
        ("session.previous_token_s", session.previous_token_s, 0, 600),
        ("session.idle_days", session.idle_days, 1, 3_650),
        ("session.max_days", session.max_days, 1, 3_650),
        ("enrolment.link_s", settings.enrolment.link_s, 1, 7 * DAY_S),
        ("retention.activity_days", retention.activity_days, 1, 36_500),
        ("retention.sessions_days", retention.sessions_days, 1, 36_500),
        ("retention.sweep_s", retention.sweep_s, 1, 60),
        ("session.idle_days", session.idle_days, 1, session.max_days),
    ];
    for (name, value, least, most) in ranges {
        if !(least..=most).contains(&value) && !wrong.iter().any(|earlier| earlier.name == name) {
            wrong.push(WrongSetting {
                name,
                value: Some(value.to_string()),
                allowed: format!("{least} to {most}"),
            });
        }
    }
}

/// A host is guarded by another one, and once.
fn check_forward_auth(settings: &Settings, wrong: &mut Vec<WrongSetting>) {
    let hosts = &settings.forward_auth.hosts;
    let own = settings.origin.as_ref();
    for (place, host) in hosts.iter().enumerate() {
        // Cookies know no ports: what a browser gives one of two it gives the other. On loopback their names have it.
        let is_same = |other: &Origin| {
            let both_https = other.is_https() && host.origin().is_https();
            other == host.origin() || (both_https && other.host() == host.origin().host())
        };
        if own.is_some_and(is_same) || hosts[..place].iter().any(|other| is_same(other.origin())) {
            wrong.push(WrongSetting {
                name: "forward_auth.hosts",
                value: Some(host.to_string()),
                allowed: "hosts other than this server's, each once whatever its port".to_owned(),
            });
        }
    }
}

/// The frame counter is one byte, and a frame must outlive the step to the next.
fn check_frames(settings: &Settings, wrong: &mut Vec<WrongSetting>) {
    let lives = &settings.lives;
    let most_waiting_s = lives.frame_step_s.saturating_mul(255);
    if lives.waiting_s > most_waiting_s {
        wrong.push(WrongSetting {
            name: "lives.waiting_s",
            value: Some(lives.waiting_s.to_string()),
            allowed: format!("at most 255 times lives.frame_step_s, which is {most_waiting_s}"),
        });
    }
    if lives.frame_s < lives.frame_step_s {
        wrong.push(WrongSetting {
            name: "lives.frame_s",
            value: Some(lives.frame_s.to_string()),
            allowed: format!("at least lives.frame_step_s, which is {}", lives.frame_step_s),
        });
    }
}

fn check_words(settings: &Settings, wrong: &mut Vec<WrongSetting>) {
    if let Some(name) = &settings.name
        && (name.trim().is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control))
    {
        wrong.push(WrongSetting {
            name: "name",
            value: Some(format!("{name:?}")),
            allowed: "1 to 64 characters without control characters".to_owned(),
        });
    }
    if let Some(key) = &settings.server_key
        && key.parse().is_none()
    {
        wrong.push(WrongSetting {
            name: "server_key",
            value: Some("not such a key".to_owned()),
            allowed: "64 hexadecimal digits; up to three different keys, with commas between them".to_owned(),
        });
    }
    if let Some(redis) = &settings.redis
        && !redis.is_allowed()
    {
        wrong.push(WrongSetting {
            name: "redis",
            value: Some("no such address".to_owned()),
            allowed: ALLOWED_ADDRESSES.to_owned(),
        });
    }
    let header = &settings.proxies.header;
    if http::HeaderName::from_bytes(header.as_bytes()).is_err() {
        wrong.push(WrongSetting {
            name: "proxies.header",
            value: Some(format!("{header:?}")),
            allowed: "the name of a header, as in x-forwarded-for".to_owned(),
        });
    }
    if let Some(link) = &settings.app.download
        && !url::Url::parse(link).is_ok_and(|url| url.scheme() == "https")
    {
        wrong.push(WrongSetting {
            name: "app.download",
            value: Some(format!("{link:?}")),
            allowed: "a https:// address".to_owned(),
        });
    }
    if let Some(endpoint) = &settings.telemetry.otlp_endpoint
        && crate::telemetry::endpoint(endpoint).is_none()
    {
        wrong.push(WrongSetting {
            name: "telemetry.otlp_endpoint",
            // It may hold a password.
            value: Some("no such address".to_owned()),
            allowed:
                "an address as in http://127.0.0.1:4318; a password goes into OTEL_EXPORTER_OTLP_HEADERS"
                    .to_owned(),
        });
    }
    if let Err(error) = settings.log.filter.parse::<tracing_subscriber::filter::Targets>() {
        wrong.push(WrongSetting {
            name: "log.filter",
            value: Some(format!("{:?} ({error})", settings.log.filter)),
            allowed:
                "a level (error, warn, info, debug, trace, off) or a list as in info,countersign_server=debug"
                    .to_owned(),
        });
    }
}
