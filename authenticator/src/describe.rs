//! What a code holds, for the command line: told as text, never acted upon.

use std::fmt;

use protocol::link::{Kind, Payload};
use scanner::Read;

use crate::foreign::Foreign;
use crate::view::ForeignKind;

/// One code of a picture, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// What it is, for example `Login code of https://login.example.com`.
    pub heading: String,
    /// Its text, with control and bidirectional characters made visible; none where it would be a secret on a screen.
    pub text: Option<String>,
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.heading)?;
        self.text.as_ref().map_or(Ok(()), |text| write!(f, "\n{text}"))
    }
}

/// Tells what `read` holds.
pub fn describe(read: &Read) -> Description {
    let Some(raw) = read.text.as_deref() else {
        return Description { heading: "Bytes".to_owned(), text: Some(Foreign::binary(&read.bytes).text) };
    };
    match Payload::parse(raw) {
        Payload::Login(link) => Description {
            heading: format!("Login code of {}", link.origin),
            text: Some(Foreign::text(raw, Kind::WebAddress).text),
        },
        // Its code enrols whoever has it; a terminal keeps what it prints.
        Payload::Enrol(link) => {
            Description { heading: format!("Enrolment code of {}", link.origin), text: None }
        }
        Payload::Other(kind) => {
            let foreign = Foreign::text(raw, kind);
            Description { heading: heading(foreign.kind).to_owned(), text: Some(foreign.text) }
        }
    }
}

fn heading(kind: ForeignKind) -> &'static str {
    match kind {
        ForeignKind::LoginCode => "Damaged login code",
        ForeignKind::WebAddress => "Web address",
        ForeignKind::Wifi => "Wi-Fi network",
        ForeignKind::Contact => "Contact",
        ForeignKind::Email => "E-mail address",
        ForeignKind::Phone => "Telephone",
        ForeignKind::Place => "Place",
        ForeignKind::OneTimePassword => "One-time password secret",
        ForeignKind::OtherScheme => "Address for another program",
        ForeignKind::Text => "Text",
        ForeignKind::Binary => "Bytes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> Description {
        describe(&Read {
            bytes: text.as_bytes().to_vec(),
            text: Some(text.to_owned()),
            corners: [(0.0, 0.0); 4],
            reader: scanner::Reader::Quirc,
        })
    }

    #[test]
    fn an_enrolment_code_is_named_and_not_printed() {
        let told = described("HTTPS://LOGIN.EXAMPLE.COM/E/AAAAAAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(told.to_string(), "Enrolment code of https://login.example.com");
    }

    #[test]
    fn a_foreign_text_is_printed_inert() {
        let told = described("javascript:alert(1)\u{202e}");
        assert_eq!(told.to_string(), "Address for another program\njavascript:alert(1)\\u{202e}");
    }
}
