//! Cookies: their names by origin, reading them, setting them, dropping them.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use protocol::id::{RequestId, SessionId};
use protocol::origin::Origin;
use protocol::secret::Secret;

use crate::service::SessionCookies;

/// Life of the cookie of a sign-in at a guarded host, in seconds.
const FORWARD_START_S: u32 = 3_600;

/// The names of this server's cookies.
#[derive(Clone, Debug)]
pub(super) struct CookieNames {
    prefix: String,
    secure: bool,
}

#[derive(Clone, Copy)]
enum SameSite {
    Lax,
    Strict,
}

impl CookieNames {
    /// Over https `__Host-countersign-`; on plain-http loopback, where browsers refuse that prefix and where all ports
    /// share one jar, `countersign-{port}-`.
    pub(super) fn of(origin: &Origin) -> Self {
        if origin.is_https() {
            Self { prefix: "__Host-countersign-".to_owned(), secure: true }
        } else {
            Self { prefix: format!("countersign-{}-", origin.port()), secure: false }
        }
    }

    /// The secret of the page that started `request`.
    pub(super) fn page_secret(&self, headers: &HeaderMap, request: RequestId) -> Option<Secret> {
        Secret::parse(read(headers, &format!("{}request-{request}", self.prefix))?)
    }

    /// The public id and the token of the browser's session.
    pub(super) fn session(&self, headers: &HeaderMap) -> SessionCookies {
        SessionCookies {
            id: read(headers, &format!("{}sid", self.prefix)).and_then(SessionId::parse),
            token: read(headers, &format!("{}session", self.prefix)).and_then(Secret::parse),
        }
    }

    /// What lets a browser pass at a guarded host.
    pub(super) fn forward<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        read(headers, &format!("{}forward", self.prefix))
    }

    /// What ties a browser to the sign-ins that it has started at a guarded host.
    pub(super) fn forward_start(&self, headers: &HeaderMap) -> Option<Secret> {
        read(headers, &format!("{}forward-start", self.prefix)).and_then(Secret::parse)
    }

    /// `sealed` is base64url.
    pub(super) fn set_forward(&self, to: &mut HeaderMap, sealed: &str, life_s: u32) {
        self.set(to, "forward", sealed, SameSite::Lax, life_s);
    }

    /// Kept a while longer than one sign-in takes, so that several at once agree.
    pub(super) fn set_forward_start(&self, to: &mut HeaderMap, secret: &Secret) {
        self.set(to, "forward-start", &secret.expose(), SameSite::Lax, FORWARD_START_S);
    }

    pub(super) fn set_page_secret(
        &self,
        to: &mut HeaderMap,
        request: RequestId,
        secret: &Secret,
        life_s: u32,
    ) {
        let name = format!("request-{request}");
        self.set(to, &name, &secret.expose(), SameSite::Strict, life_s);
    }

    /// Sets both cookies of a session; the lives are those of session and token, in seconds.
    pub(super) fn set_session(
        &self,
        to: &mut HeaderMap,
        (id, life_s): (SessionId, u32),
        (token, token_life_s): (&Secret, u32),
    ) {
        self.set(to, "sid", &id.to_string(), SameSite::Lax, life_s);
        self.set(to, "session", &token.expose(), SameSite::Lax, token_life_s);
    }

    /// Tells the browser to drop both cookies of the session.
    pub(super) fn drop_session(&self, to: &mut HeaderMap) {
        self.set(to, "sid", "", SameSite::Lax, 0);
        self.set(to, "session", "", SameSite::Lax, 0);
    }

    fn set(&self, to: &mut HeaderMap, name: &str, value: &str, same_site: SameSite, life_s: u32) {
        let secure = if self.secure { "; Secure" } else { "" };
        let same_site = match same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
        };
        let cookie = format!(
            "{}{name}={value}; Path=/; Max-Age={life_s}; HttpOnly{secure}; SameSite={same_site}",
            self.prefix
        );
        let cookie = HeaderValue::try_from(cookie).expect("names and values here are base64url");
        to.append(SET_COOKIE, cookie);
    }
}

/// The value of a cookie. One that was set twice (by a neighbour host, say) is none: which one is ours cannot be told.
fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let value = found.next()?;
    found.all(|other| other == value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_host_bound_over_https_and_port_bound_on_loopback() {
        let secret = Secret::new([1; 32]);
        let id = RequestId::from_random([0; 16]);
        let sid = SessionId::from_random([0; 16]);
        let set = |origin: &str| {
            let names = CookieNames::of(&Origin::parse(origin).unwrap());
            let mut headers = HeaderMap::new();
            names.set_page_secret(&mut headers, id, &secret, 780);
            names.set_session(&mut headers, (sid, 60), (&secret, 600));
            let lines: Vec<String> =
                headers.get_all(SET_COOKIE).iter().map(|h| h.to_str().unwrap().to_owned()).collect();
            lines
        };
        let value = secret.expose();
        assert_eq!(
            set("https://login.example.com"),
            [
                format!(
                    "__Host-countersign-request-{id}={value}; Path=/; Max-Age=780; HttpOnly; Secure; SameSite=Strict"
                ),
                format!("__Host-countersign-sid={sid}; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"),
                format!(
                    "__Host-countersign-session={value}; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax"
                ),
            ]
        );
        let loopback = set("http://127.0.0.1:8080");
        assert_eq!(
            loopback[1],
            format!("countersign-8080-sid={sid}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax")
        );
    }

    #[test]
    fn a_cookie_that_came_twice_with_other_values_is_none() {
        let names = CookieNames::of(&Origin::parse("http://127.0.0.1:8080").unwrap());
        let (a, b) = (SessionId::from_random([1; 16]), SessionId::from_random([2; 16]));
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, format!("x=1; countersign-8080-sid={a}").parse().unwrap());
        assert_eq!(names.session(&headers).id, Some(a));
        headers.append(COOKIE, format!("countersign-8080-sid={b}").parse().unwrap());
        assert_eq!(names.session(&headers).id, None);
    }
}
