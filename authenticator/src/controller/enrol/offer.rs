//! With what to enrol, and the two forms it is typed into.

use protocol::link::{EnrolCode, EnrolLink, Pin};
use protocol::origin::{Origin, OriginError};
use protocol::recovery::RecoveryCode;
use protocol::wire::{EnrolBody, EnrolDevice};
use url::Url;
use zeroize::Zeroizing;

use crate::error_code::ErrorCode;

/// A chance to enrol.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::controller) struct Offer {
    /// The server.
    pub(in crate::controller) origin: Origin,
    /// The one key to trust it by.
    pub(in crate::controller) pin: Option<Pin>,
    with: With,
}

/// With what to enrol.
#[derive(Clone, PartialEq, Eq)]
enum With {
    Link(EnrolCode),
    Password { username: String, password: Zeroizing<String> },
    Recovery { username: String, code: Zeroizing<String> },
}

impl Offer {
    /// By a link, which names the server.
    pub(super) fn by_link(link: EnrolLink) -> Self {
        Self { origin: link.origin, pin: link.pin, with: With::Link(link.code) }
    }

    /// By what was typed: a server's address, a name, a password.
    ///
    /// # Errors
    /// The field that is missing, or what is wrong with the address.
    pub(super) fn by_password(address: &str, username: &str, password: String) -> Result<Self, ErrorCode> {
        let password = Zeroizing::new(password);
        let fields = [("address", address), ("username", username), ("password", password.as_str())];
        let origin = read_form(&fields, address)?;
        let with = With::Password { username: username.trim().to_owned(), password };
        Ok(Self { origin, pin: None, with })
    }

    /// By what was typed: a server's address, a name, a recovery code.
    ///
    /// # Errors
    /// As [`Offer::by_password`]; [`ErrorCode::RecoveryCodeMalformed`].
    pub(super) fn by_recovery(address: &str, username: &str, code: String) -> Result<Self, ErrorCode> {
        let typed = Zeroizing::new(code);
        let fields = [("address", address), ("username", username), ("recovery_code", typed.as_str())];
        let origin = read_form(&fields, address)?;
        let code = RecoveryCode::parse(&typed).ok_or(ErrorCode::RecoveryCodeMalformed)?;
        let code = Zeroizing::new(code.expose());
        Ok(Self { origin, pin: None, with: With::Recovery { username: username.trim().to_owned(), code } })
    }

    /// It takes the place of a lost device.
    pub(super) fn recovering(&self) -> bool {
        matches!(self.with, With::Recovery { .. })
    }

    /// What the key of its enrolment belongs to, beside the server.
    pub(super) fn what(&self) -> Zeroizing<String> {
        match &self.with {
            With::Link(code) => Zeroizing::new(code.expose()),
            With::Password { username, .. } => Zeroizing::new(username.clone()),
            With::Recovery { code, .. } => code.clone(),
        }
    }

    /// Whether both enrol with the same key: the server then gives both the same device.
    pub(super) fn shares_key(&self, other: &Self) -> bool {
        self.origin == other.origin && self.what() == other.what()
    }

    /// What is sent.
    pub(super) fn body(&self, device: EnrolDevice) -> EnrolBody {
        match &self.with {
            With::Link(code) => EnrolBody::Code { enrolment: code.expose(), device },
            With::Password { username, password } => {
                EnrolBody::Password { username: username.clone(), password: password.to_string(), device }
            }
            With::Recovery { username, code } => {
                EnrolBody::Recovery { username: username.clone(), recovery_code: code.to_string(), device }
            }
        }
    }
}

/// The address of a form whose fields are all filled.
fn read_form(fields: &[(&str, &str)], address: &str) -> Result<Origin, ErrorCode> {
    match fields.iter().find(|(_, value)| value.trim().is_empty()) {
        Some((field, _)) => Err(ErrorCode::FieldMissing { field: (*field).to_owned() }),
        None => read_address(address),
    }
}

/// Reads what a person types as an address: with or without scheme, a path is dropped. Without a scheme it is https, on
/// loopback http.
fn read_address(typed: &str) -> Result<Origin, ErrorCode> {
    let typed = typed.trim();
    let given = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    let url = Url::parse(&given).map_err(|_| ErrorCode::AddressUnreadable)?;
    let origin = Origin::of(&url).map_err(|error| match error {
        OriginError::Form => ErrorCode::AddressUnreadable,
        OriginError::PlainHttp => {
            ErrorCode::NeedsHttps { host: url.host_str().unwrap_or_default().to_owned() }
        }
    })?;
    if !typed.contains("://") && origin.is_loopback() {
        let plain = Url::parse(&format!("http://{typed}")).map_err(|_| ErrorCode::AddressUnreadable)?;
        return Origin::of(&plain).map_err(|_| ErrorCode::AddressUnreadable);
    }
    Ok(origin)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn addresses_are_read_as_people_type_them() {
        for (typed, origin) in [
            ("login.example.com", "https://login.example.com"),
            (" https://Login.Example.com/some/path ", "https://login.example.com"),
            ("login.example.com:8443", "https://login.example.com:8443"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("localhost:8080", "http://localhost:8080"),
            ("https://localhost:8443", "https://localhost:8443"),
            ("bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(read_address(typed).unwrap().as_str(), origin, "{typed}");
        }
    }

    #[test]
    fn plain_http_beyond_loopback_and_nonsense_are_refused() {
        assert_eq!(
            read_address("http://login.example.com"),
            Err(ErrorCode::NeedsHttps { host: "login.example.com".to_owned() })
        );
        for typed in ["", "two words", "ftp://login.example.com", "https://user@login.example.com"] {
            assert_eq!(read_address(typed), Err(ErrorCode::AddressUnreadable), "{typed}");
        }
    }
}
