//! Addresses that a browser takes an answer to a client with.

use protocol::origin::Origin;
use url::Url;

use crate::oauth::OAuthError;

/// An answer on its way back (RFC 6749 §4.1.2). Every one says who it is from (RFC 9207).
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// One of the client's own.
    pub redirect_uri: &'a str,
    /// As it came.
    pub state: Option<&'a str>,
    /// The issuer.
    pub issuer: &'a Origin,
}

impl Answer<'_> {
    /// With a code; `None` for a `redirect_uri` that is no address.
    pub fn code(&self, code: &str) -> Option<String> {
        self.with(&[("code", code)])
    }

    /// With an error (RFC 6749 §4.1.2.1).
    pub fn error(&self, error: &OAuthError) -> Option<String> {
        self.with(&[("error", error.code.as_str()), ("error_description", error.description)])
    }

    fn with(&self, said: &[(&str, &str)]) -> Option<String> {
        let mut url = Url::parse(self.redirect_uri).ok()?;
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(said);
            if let Some(state) = self.state {
                query.append_pair("state", state);
            }
            query.append_pair("iss", self.issuer.as_str());
        }
        Some(url.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;

    fn code(redirect_uri: &str, state: Option<&str>) -> Option<String> {
        let issuer = Origin::parse("https://login.example.com").unwrap();
        Answer { redirect_uri, state, issuer: &issuer }.code("c0de")
    }

    #[test]
    fn parameters_are_added_to_what_the_client_registered() {
        let iss = "iss=https%3A%2F%2Flogin.example.com";
        for (uri, answer) in [
            ("https://site.example/cb", format!("https://site.example/cb?code=c0de&{iss}")),
            ("https://site.example/cb?a=b%20c", format!("https://site.example/cb?a=b%20c&code=c0de&{iss}")),
            ("http://127.0.0.1:4711/", format!("http://127.0.0.1:4711/?code=c0de&{iss}")),
            ("com.example.app:/cb", format!("com.example.app:/cb?code=c0de&{iss}")),
        ] {
            assert_eq!(code(uri, None), Some(answer));
        }
        assert_eq!(code("no address", None), None);
    }

    #[test]
    fn a_state_adds_no_parameter_of_its_own() {
        let answer = code("https://site.example/cb", Some("x&iss=evil#y z%00")).unwrap();
        assert!(answer.contains("&state=x%26iss%3Devil%23y+z%2500&iss=https"), "{answer}");
        assert!(!answer.contains('#'));
    }

    #[test]
    fn an_error_says_what_to_do_and_who_says_so() {
        let issuer = Origin::parse("https://login.example.com").unwrap();
        let answer = Answer { redirect_uri: "https://site.example/cb", state: Some("s"), issuer: &issuer };
        assert_eq!(
            answer.error(&OAuthError::new(ErrorCode::InvalidScope, "Ask for less")).unwrap(),
            "https://site.example/cb?error=invalid_scope&error_description=Ask+for+less&state=s&iss=https%3A%2F%2Flogin.example.com"
        );
    }
}
