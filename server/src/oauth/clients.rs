//! Who may ask at the standard front doors.

use protocol::hole;
use protocol::origin::Origin;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use url::Url;

use super::redirect_uris;
use crate::config::ClientSettings;
use crate::config::ProtectedHost;
use crate::service::{Failure, Service};
use crate::store::{ClientId, ClientPolicy, StoredClient};

/// Scopes that any client may have: those of OpenID Connect, and `groups`.
pub const SCOPES: [&str; 5] = ["openid", "profile", "email", "groups", "offline_access"];

/// A client, wherever it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// Its name for people.
    pub name: String,
    /// Where a browser may go after a sign-out, compared byte for byte.
    pub post_logout_redirect_uris: Vec<String>,
    /// Whether it may ask by RFC 8628.
    pub device_grant: bool,
    /// What it may ask for and how.
    pub policy: ClientPolicy,
    redirect_uris: Vec<String>,
    secret: Option<SecretHash>,
    previous_secret: Option<(SecretHash, Timestamp)>,
}

impl Client {
    /// Whether it has no secret (RFC 6749 §2.1).
    pub const fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    /// Whether this is a secret of it: the newest, or the one before while that is good. Takes the same time whatever is
    /// shown. Never for a public client.
    pub fn judge_secret(&self, shown: &str, now: Timestamp) -> bool {
        let shown = SecretHash::of(shown);
        let newest = self.secret.is_some_and(|secret| secret.is_same(&shown));
        let previous =
            self.previous_secret.is_some_and(|(secret, ends_at)| secret.is_same(&shown) && now < ends_at);
        newest | (previous & self.secret.is_some())
    }

    /// Whether a browser may come back to this address: one of those registered, byte for byte but for the port of a
    /// loopback address (RFC 9700 §2.1, RFC 8252 §7.3); a guarded host has its own port.
    pub fn may_redirect_to(&self, asked: &str) -> bool {
        hole!("redirect_uri")
            || self.redirect_uris.iter().any(|registered| match self.id.forward_host() {
                Some(_) => registered == asked,
                None => redirect_uris::is_match(registered, asked),
            })
    }

    /// Whether another program could ask in this client's name and be answered: it has no secret, and its address is no
    /// site's. Then nobody is answered for without being asked (RFC 8252 §8.6).
    pub fn is_anybody_at(&self, redirect_uri: &str) -> bool {
        let is_assured = !self.is_public() || redirect_uri.starts_with("https://");
        !is_assured && self.id.forward_host().is_none() && !hole!("native_client")
    }

    /// Whose pages may show the login page in a frame when somebody signs in to this client: the origins that it comes back
    /// to, if the operator allowed that. No others, so that nobody is shown a login under a foreign page (RFC 9700 §4.16).
    pub fn embedders(&self) -> Vec<Origin> {
        let mut origins = Vec::new();
        for uri in self.redirect_uris.iter().filter(|_| self.policy.embed || hole!("embedders")) {
            let origin = Url::parse(uri).ok().and_then(|url| Origin::of(&url).ok());
            origins.extend(origin.filter(|origin| !origins.contains(origin)));
        }
        origins
    }

    /// What the client registered; a request without `redirect_uri` means the only one (RFC 6749 §3.1.2.3).
    pub fn redirect_uris(&self) -> &[String] {
        &self.redirect_uris
    }

    /// Those of the asked scopes that the client may have, each once, in the order that was asked.
    pub fn scopes_of(&self, asked: &[String]) -> Vec<String> {
        let mut given = Vec::new();
        for scope in asked {
            let is_allowed = SCOPES.contains(&scope.as_str())
                || self.policy.scopes.contains(scope)
                || hole!("client_scopes");
            if is_allowed && !given.contains(scope) {
                given.push(scope.clone());
            }
        }
        given
    }
}

impl From<StoredClient> for Client {
    fn from(stored: StoredClient) -> Self {
        Self {
            id: stored.id,
            name: stored.name,
            post_logout_redirect_uris: stored.post_logout_redirect_uris,
            device_grant: stored.device_grant,
            policy: stored.policy,
            redirect_uris: stored.redirect_uris,
            secret: stored.secret,
            previous_secret: stored.previous_secret,
        }
    }
}

impl Service {
    /// The client with this id: of the settings, else of the store.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, Failure> {
        if let Some(host) = id.forward_host() {
            return Ok(self.protected_host(host).and_then(ProtectedHost::client));
        }
        let of_settings = self.settings.clients.iter().find(|client| client.id == id.as_str());
        if let Some(client) = of_settings.and_then(ClientSettings::to_client) {
            return Ok(Some(client.into()));
        }
        Ok(self.durable.client(id).await?.map(Client::from))
    }
}

/// Whether this can be a scope (RFC 6749 §3.3).
pub fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ClientPolicy;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn client(secret: Option<&str>, previous: Option<(&str, Timestamp)>) -> Client {
        Client::from(StoredClient {
            id: ClientId::parse("grafana").unwrap(),
            name: "Grafana".to_owned(),
            secret: secret.map(SecretHash::of),
            previous_secret: previous.map(|(text, ends_at)| (SecretHash::of(text), ends_at)),
            redirect_uris: vec![
                "https://grafana.example.com/cb".to_owned(),
                "http://127.0.0.1/cb".to_owned(),
            ],
            post_logout_redirect_uris: Vec::new(),
            device_grant: false,
            policy: ClientPolicy { scopes: vec!["repo:read".to_owned()], ..ClientPolicy::default() },
            created_at: NOW,
        })
    }

    #[test]
    fn a_secret_is_good_until_a_while_after_it_was_rotated() {
        let client = client(Some("second"), Some(("first", NOW)));
        assert!(client.judge_secret("second", NOW));
        assert!(client.judge_secret("first", NOW.plus_s(-1)));
        assert!(!client.judge_secret("first", NOW));
        assert!(!client.judge_secret("third", NOW.plus_s(-1)) && !client.judge_secret("", NOW));
    }

    #[test]
    fn a_public_client_has_no_good_secret() {
        let client = client(None, None);
        assert!(client.is_public());
        assert!(!client.judge_secret("", NOW) && !client.judge_secret("second", NOW));
    }

    #[test]
    fn scopes_that_a_client_may_not_have_are_left_out() {
        let asked = ["email", "repo:read", "admin", "openid", "email", ""].map(str::to_owned);
        assert_eq!(client(None, None).scopes_of(&asked), ["email", "repo:read", "openid"]);
        assert!(["repo:read", "a/b", "!"].into_iter().all(is_scope));
        assert!(["", "a b", "a\"", "a\\", "\u{e4}"].into_iter().all(|text| !is_scope(text)));
    }

    #[test]
    fn a_browser_comes_back_to_registered_addresses_alone() {
        let client = client(None, None);
        assert!(client.may_redirect_to("https://grafana.example.com/cb"));
        assert!(client.may_redirect_to("http://127.0.0.1:4711/cb"));
        assert!(!client.may_redirect_to("https://grafana.example.com/cb/"));
        assert!(!client.may_redirect_to(""));
    }

    #[test]
    fn a_program_that_could_be_another_one_is_asked_about_each_time() {
        let (public, confidential) = (client(None, None), client(Some("second"), None));
        for native in ["http://127.0.0.1:4711/cb", "com.example.app:/cb"] {
            assert!(public.is_anybody_at(native) && !confidential.is_anybody_at(native), "{native}");
        }
        assert!(!public.is_anybody_at("https://grafana.example.com/cb"));
    }

    #[test]
    fn pages_of_its_own_may_hold_the_login_page_where_that_is_allowed() {
        let mut client = client(None, None);
        client.redirect_uris.extend(
            ["https://grafana.example.com/other", "https://a.example.com:8443/cb", "com.example.app:/cb"]
                .map(str::to_owned),
        );
        assert_eq!(client.embedders(), []);
        client.policy.embed = true;
        let origins: Vec<String> = client.embedders().iter().map(Origin::to_string).collect();
        let own = ["https://grafana.example.com", "http://127.0.0.1", "https://a.example.com:8443"];
        assert_eq!(origins, own);
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", client(Some("sesame"), None)).contains("sesame"));
    }
}
