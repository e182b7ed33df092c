//! An independent client of the protocol, written from its text (docs/protocol.md) alone: nothing of the server's or
//! the authenticator's code is used, so that a shared mistake cannot hide.

mod answer;
mod chance;
mod device;
mod hand;
mod http;
mod jws;
mod key;
mod page;
mod raw;
pub(crate) mod site;
mod socket;
mod stopwatch;

use anyhow::{Context, Result};
use data_encoding::BASE64URL_NOPAD;

pub(crate) use answer::{Answer, SetCookie};
pub(crate) use chance::{bytes as random_bytes, name as random_name, system as random_source};
pub(crate) use device::{Device, Scan, enrolment_in, send_statement};
pub(crate) use hand::Hand;
pub(crate) use http::{Call, Http};
pub(crate) use jws::Jws;
pub(crate) use key::Key;
pub(crate) use page::{Jar, Page};
pub(crate) use raw::Raw;
pub(crate) use site::Site;
pub(crate) use socket::{Event, Socket};
pub(crate) use stopwatch::measured;

/// Binary on the wire.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// Binary from the wire.
///
/// # Errors
/// When it is not base64url without padding.
pub(crate) fn from_base64url(text: &str) -> Result<Vec<u8>> {
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .with_context(|| format!("{text} is not base64url without padding"))
}
