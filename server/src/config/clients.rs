//! Clients of the standard front doors that are in the settings, one table each.

use std::fmt;
use std::path::{Path, PathBuf};

use protocol::secret::SecretHash;
use protocol::text::{NAME_LENGTH_MAX, clean};
use protocol::time::Timestamp;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::{ConfigError, Settings, WrongSetting};
use crate::oauth::{is_scope, redirect_uris};
use crate::store::{Alg, ClientId, ClientPolicy, StoredClient};

const DAY_S: u32 = 86_400;
/// Shortest secret, in characters.
const SECRET_LENGTH_MIN: usize = 32;

/// A client: `[[clients]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// `client_id`.
    pub id: String,
    /// Its name for people; the id when absent.
    pub name: Option<String>,
    /// Without a secret.
    #[serde(default)]
    pub public: bool,
    /// Its secret.
    pub secret: Option<ClientSecret>,
    /// File that holds its secret and nothing else, for its owner alone.
    pub secret_file: Option<PathBuf>,
    /// Where a browser may come back to.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after a sign-out.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Whether it may ask by RFC 8628.
    #[serde(default)]
    pub device_grant: bool,
    /// Where it is told that a session is over.
    pub back_channel_logout: Option<String>,
    /// Scopes beside those of OpenID Connect.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Longest life of a grant; as long as its session when absent.
    pub session_days: Option<u32>,
    /// Whether the person has to be verified.
    #[serde(default)]
    pub step_up: bool,
    /// Whether its devices show the code as well, so that their address may hold it.
    #[serde(default)]
    pub shows_user_code: bool,
    /// What its ID tokens are signed with.
    #[serde(default)]
    pub id_token_alg: Alg,
    /// Whether it has to push its authorization requests (RFC 9126).
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// Whether pages of its redirect addresses' origins may show the login page in a frame.
    #[serde(default)]
    pub embed: bool,
}

/// A secret as it was written; only what a store would keep of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientSecret {
    hash: SecretHash,
    is_long_enough: bool,
}

impl ClientSecret {
    fn new(text: &str) -> Self {
        let text = text.trim();
        Self { hash: SecretHash::of(text), is_long_enough: text.chars().count() >= SECRET_LENGTH_MIN }
    }
}

impl<'de> Deserialize<'de> for ClientSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Of a value of another type, serde would tell the value.
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self::new(&Zeroizing::new(text))),
            _ => Err(serde::de::Error::custom("the secret of a client is a text in quotes")),
        }
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

impl ClientSettings {
    /// As the store would have it; `None` for what the check refuses.
    pub fn to_client(&self) -> Option<StoredClient> {
        Some(StoredClient {
            id: ClientId::parse(&self.id).filter(|id| id.forward_host().is_none())?,
            name: clean(self.name.as_deref().unwrap_or(&self.id), NAME_LENGTH_MAX),
            secret: self.secret.filter(|_| !self.public).map(|secret| secret.hash),
            previous_secret: None,
            redirect_uris: self.redirect_uris.clone(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone(),
            device_grant: self.device_grant,
            policy: ClientPolicy {
                scopes: self.scopes.clone(),
                session_s: self.session_days.map(|days| days.saturating_mul(DAY_S)),
                step_up: self.step_up,
                shows_user_code: self.shows_user_code,
                id_token_alg: self.id_token_alg,
                back_channel_logout: self.back_channel_logout.clone(),
                require_pushed: self.require_pushed_authorization_requests,
                embed: self.embed,
            },
            created_at: Timestamp(0),
        })
    }
}

/// Reads the files that hold secrets.
pub(super) fn read_secrets(settings: &mut Settings) -> Result<(), ConfigError> {
    for client in &mut settings.clients {
        let Some(file) = &client.secret_file else { continue };
        let id = &client.id;
        if client.secret.is_some() {
            return Err(ConfigError::Source(format!(
                "secret and secret_file of the client {id:?} are both set; leave one of them out"
            )));
        }
        let text = private_text(file).map_err(|why| {
            ConfigError::Source(format!("secret_file of the client {id:?}: {}: {why}", file.display()))
        })?;
        client.secret = Some(ClientSecret::new(&text));
    }
    Ok(())
}

fn private_text(file: &Path) -> Result<Zeroizing<String>, String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).map_err(|error| error.to_string())?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!(
                "it can be read by others (mode {mode:03o}); allow its owner alone: chmod 600 {}",
                file.display()
            ));
        }
    }
    std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| error.to_string())
}

/// What a client of the settings may not be.
pub(super) fn check(settings: &Settings, wrong: &mut Vec<WrongSetting>) {
    for (place, client) in settings.clients.iter().enumerate() {
        let of = |value: String| Some(format!("{value} (client {:?})", client.id));
        let mut refuse = |name, value: Option<String>, allowed: &str| {
            wrong.push(WrongSetting { name, value, allowed: allowed.to_owned() });
        };
        if client.to_client().is_none() {
            refuse("clients.id", Some(format!("{:?}", client.id)), "1 to 128 of A-Z a-z 0-9 - . _ ~");
        }
        if settings.clients[..place].iter().any(|other| other.id == client.id) {
            refuse("clients.id", Some(format!("{:?} twice", client.id)), "an id of its own for each client");
        }
        if client.to_client().is_some_and(|client| client.name.is_empty()) {
            refuse("clients.name", of("empty".to_owned()), "a name with a visible character, or none at all");
        }
        match (client.public, client.secret) {
            (true, Some(_)) => {
                refuse("clients.public", of("true".to_owned()), "false, because it has a secret");
            }
            (false, None) => refuse(
                "clients.secret",
                of("missing".to_owned()),
                "secret or secret_file; public = true for a client that cannot keep one",
            ),
            (false, Some(secret)) if !secret.is_long_enough => {
                refuse("clients.secret", of("too short".to_owned()), "32 characters or more");
            }
            (false, Some(_)) | (true, None) => {}
        }
        if client.redirect_uris.is_empty() && !client.device_grant {
            refuse(
                "clients.redirect_uris",
                of("empty".to_owned()),
                "one address or more, or device_grant = true",
            );
        }
        for (name, uris) in [
            ("clients.redirect_uris", &client.redirect_uris),
            ("clients.post_logout_redirect_uris", &client.post_logout_redirect_uris),
        ] {
            for uri in uris.iter().filter(|uri| !redirect_uris::may_be_registered(uri)) {
                refuse(name, of(format!("{uri:?}")), redirect_uris::ALLOWED);
            }
        }
        if let Some(uri) = client.back_channel_logout.iter().find(|uri| !redirect_uris::may_be_called(uri)) {
            refuse("clients.back_channel_logout", of(format!("{uri:?}")), redirect_uris::CALLABLE);
        }
        for scope in client.scopes.iter().filter(|scope| !is_scope(scope)) {
            refuse("clients.scopes", of(format!("{scope:?}")), "visible ASCII characters without \" and \\");
        }
        if let Some(days) = client.session_days.filter(|days| !(1..=3_650).contains(days)) {
            refuse("clients.session_days", of(days.to_string()), "1 to 3650");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load::tests::with_file;

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
}
