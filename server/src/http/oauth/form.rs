//! Bodies of clients: forms (RFC 6749, appendix B).

use std::collections::BTreeMap;
use std::fmt;

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use protocol::wire::ProblemName;

use crate::http::App;
use crate::http::json::read;
use crate::oauth::{ErrorCode, OAuthError};

const FORM: &str = "application/x-www-form-urlencoded";

/// A form in which every parameter comes once. One without a value counts as left out (RFC 6749 §3.2).
///
/// As the last argument of a handler it is read after the proof was judged.
pub(in crate::http) struct Form(BTreeMap<String, String>);

const fn invalid(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, description)
}

impl Form {
    /// The value, if there is one.
    pub(in crate::http) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value.
    ///
    /// # Errors
    /// `invalid_request` with `missing` when there is none.
    pub(in crate::http) fn required(&self, name: &str, missing: &'static str) -> Result<&str, OAuthError> {
        self.get(name).ok_or(invalid(missing))
    }

    fn parse(bytes: &[u8]) -> Result<Self, OAuthError> {
        let mut found = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            if found.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(invalid("Send each parameter once"));
            }
        }
        found.retain(|_, value: &mut String| !value.is_empty());
        Ok(Self(found))
    }
}

/// The bytes of a form that the handler reads itself.
pub(in crate::http) struct RawForm(pub(in crate::http) axum::body::Bytes);

impl FromRequest<App> for Form {
    type Rejection = OAuthError;

    async fn from_request(request: Request, app: &App) -> Result<Self, OAuthError> {
        let RawForm(bytes) = RawForm::from_request(request, app).await?;
        Self::parse(&bytes)
    }
}

impl FromRequest<App> for RawForm {
    type Rejection = OAuthError;

    async fn from_request(request: Request, app: &App) -> Result<Self, OAuthError> {
        let mut types = request.headers().get_all(CONTENT_TYPE).iter();
        let is_form = types.next().and_then(|one| one.to_str().ok()).is_some_and(|one| {
            let name = one.split_once(';').map_or(one, |(name, _)| name);
            name.trim().eq_ignore_ascii_case(FORM)
        });
        if !is_form || types.next().is_some() {
            return Err(invalid("Send the parameters as application/x-www-form-urlencoded"));
        }
        let bytes = read(request, app.body_length_max()).await.map_err(|problem| {
            if problem.name == ProblemName::TooLarge {
                OAuthError { status: 413, ..invalid("Send a smaller body") }
            } else {
                invalid("The body ended early")
            }
        })?;
        Ok(Self(bytes))
    }
}

/// Names alone: values are codes, tokens and secrets.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_comes_once_and_an_empty_one_not_at_all() {
        let form = Form::parse(b"grant_type=refresh_token&scope=&state=a%20b+c").unwrap();
        assert_eq!(form.get("grant_type"), Some("refresh_token"));
        assert_eq!(form.get("scope"), None);
        assert_eq!(form.get("state"), Some("a b c"));
        assert_eq!(form.required("code", "Send code").unwrap_err().description, "Send code");
        for twice in ["a=1&a=1", "a=1&a=", "%61=1&a=2"] {
            assert_eq!(Form::parse(twice.as_bytes()).unwrap_err().code, ErrorCode::InvalidRequest, "{twice}");
        }
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(format!("{:?}", Form::parse(b"code=secret").unwrap()), "{\"code\"}");
    }
}
