//! What a QR code, a link or a pasted text means: a login, an enrolment, or something that is only shown.

use std::fmt;

use url::Url;

use crate::encoding;
use crate::frame::FrameCode;
use crate::origin::Origin;

/// The scheme under which the system opens the app.
pub const APP_SCHEME: &str = "countersign:";

/// Longest text that is judged at all, in bytes: the most that a version 40 code holds.
pub const LENGTH_MAX: usize = 4_296;

/// A text, read for what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// `ORIGIN/Q/CODE`
    Login(LoginLink),
    /// `ORIGIN/E/CODE[/PIN]`
    Enrol(EnrolLink),
    /// Anything else: shown as text with its kind, never followed.
    Other(Kind),
}

/// What kind of text a foreign code holds, for the person who looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An `http:` or `https:` address.
    WebAddress,
    /// Something with another scheme: `mailto:`, `WIFI:`, `javascript:`, `otpauth:` ...
    Scheme,
    /// Words.
    Text,
    /// Looks like one of our links, but is damaged or of a form that this version does not read.
    Damaged,
}

/// A frame of a login request at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginLink {
    /// Where the page lives; compared exactly with the enrolled servers.
    pub origin: Origin,
    /// The frame.
    pub code: FrameCode,
}

/// An invitation to trust this device for an account.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolLink {
    /// The server to enrol with.
    pub origin: Origin,
    /// 128 random bits, good once, for ten minutes.
    pub code: EnrolCode,
    /// SHA-256 of the server key's SPKI in DER, for a self-signed trial on a local network.
    pub pin: Option<Pin>,
}

/// The secret part of an enrolment link, 26 base32 characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnrolCode([u8; 16]);

/// SHA-256 of a public key's SPKI in DER (RFC 7469 §2.4), 52 base32 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Payload {
    /// Reads `text`; never fails, since what is not ours is [`Payload::Other`].
    ///
    /// The host is compared by nobody here: the caller looks [`LoginLink::origin`] up among its enrolled servers.
    pub fn parse(text: &str) -> Self {
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        if text.len() > LENGTH_MAX {
            return Self::Other(Kind::Text);
        }
        let inner = strip_prefix_ignore_case(text, APP_SCHEME).unwrap_or(text);
        match parse_ours(inner) {
            Some(payload) => payload,
            None => Self::Other(kind_of(text)),
        }
    }
}

/// Judges the raw text before any URL parser could repair it: only letters, digits and `:/.-[]` occur in our links.
fn parse_ours(text: &str) -> Option<Payload> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'.' | b'-' | b'[' | b']');
    if !text.bytes().all(plain) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    let mut parts = rest.split('/');
    let host = parts.next()?;
    let (path, code) = (parts.next()?, parts.next()?);
    let pin = parts.next();
    if parts.next().is_some() {
        return None;
    }
    let spelled = format!("{}://{}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let origin = Origin::of(&Url::parse(&spelled).ok()?).ok()?;
    // A parser that had to repair the host (octal, decimal, default port) means that it was not written by us.
    if origin.as_str() != spelled {
        return None;
    }
    match (path, pin) {
        ("Q" | "q", None) => Some(Payload::Login(LoginLink { origin, code: FrameCode::parse(code)? })),
        ("E" | "e", pin) => Some(Payload::Enrol(EnrolLink {
            origin,
            code: EnrolCode::parse(code)?,
            pin: match pin {
                None => None,
                Some(pin) => Some(Pin::parse(pin)?),
            },
        })),
        _ => None,
    }
}

fn kind_of(text: &str) -> Kind {
    if strip_prefix_ignore_case(text, APP_SCHEME).is_some() {
        return Kind::Damaged;
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return Kind::Text;
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" if rest.starts_with("//") => {
            let path = rest[2..].split_once('/').map_or("", |(_, path)| path);
            let ours =
                path.get(..2).is_some_and(|p| p.eq_ignore_ascii_case("q/") || p.eq_ignore_ascii_case("e/"));
            let code_like = path.get(2..).is_some_and(|code| {
                code.len() >= 20 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/')
            });
            if ours && code_like { Kind::Damaged } else { Kind::WebAddress }
        }
        _ if is_scheme && !rest.starts_with(' ') => Kind::Scheme,
        _ => Kind::Text,
    }
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

impl fmt::Display for LoginLink {
    /// Upper case throughout, so that a QR code stays in its alphanumeric mode.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/Q/{}", self.origin.as_str().to_ascii_uppercase(), self.code)
    }
}

impl fmt::Display for EnrolLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/E/{}", self.origin.as_str().to_ascii_uppercase(), self.code.expose())?;
        match &self.pin {
            Some(pin) => write!(f, "/{pin}"),
            None => Ok(()),
        }
    }
}

/// Silent about the code: whoever reads it can enrol.
impl fmt::Debug for EnrolLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrolLink({}, ..)", self.origin)
    }
}

impl EnrolCode {
    /// Takes 16 bytes from the operating system's generator.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads exactly 26 base32 characters.
    pub fn parse(text: &str) -> Option<Self> {
        encoding::array_from_base32(text).map(Self)
    }

    /// The text form: 26 base32 characters, upper case.
    pub fn expose(&self) -> String {
        encoding::base32(&self.0)
    }

    /// SHA-256 of the 16 bytes: what a store may keep.
    pub fn hash(&self) -> crate::secret::SecretHash {
        crate::secret::SecretHash::from_bytes(crate::secret::sha256(&self.0))
    }
}

impl fmt::Debug for EnrolCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolCode(..)")
    }
}

impl Pin {
    /// The pin of a public key: hashes its SPKI in DER.
    pub fn of_spki(der: &[u8]) -> Self {
        Self(crate::secret::sha256(der))
    }

    /// Reads exactly 52 base32 characters.
    pub fn parse(text: &str) -> Option<Self> {
        encoding::array_from_base32(text).map(Self)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoding::base32(&self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}
