//! Any header and any payload under a good signature, so that an input gets past it.
//!
//! An input is `HEADER LINE \n PAYLOAD \n REST`. In header and payload `@KEY` stands for the signer's public JWK,
//! `@OTHER` for another one's, and the target may give more such words. REST chooses what is changed afterwards.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::encoding::base64url;
use protocol::key::{PublicKey, SigningKey};
use ring::rand::SystemRandom;

static SIGNER: LazyLock<SigningKey> = LazyLock::new(generate);
static OTHER: LazyLock<SigningKey> = LazyLock::new(generate);

/// The key that everything is signed with.
pub fn signer() -> &'static SigningKey {
    &SIGNER
}

/// A key that nothing is signed with.
pub fn stranger() -> &'static PublicKey {
    OTHER.public()
}

/// The system's generator.
pub fn random() -> SystemRandom {
    SystemRandom::new()
}

fn generate() -> SigningKey {
    SigningKey::generate(&random()).expect("the system has randomness").0
}

/// One input, put together.
pub struct Signed {
    /// The compact JWS.
    pub text: String,
    /// What was written as header, with its words replaced.
    pub header: String,
    /// What was written as payload, likewise.
    pub payload: String,
    rest: Vec<u8>,
}

impl Signed {
    /// Signs what `bytes` say; `words` are replaced in header and payload.
    pub fn read(bytes: &[u8], words: &[(&str, &str)]) -> Option<Self> {
        let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
        let mut part = || {
            let mut text = std::str::from_utf8(lines.next()?).ok()?.to_owned();
            for (word, meaning) in words {
                text = text.replace(word, meaning);
            }
            text = text.replace("@KEY", &signer().public().jwk_text());
            Some(text.replace("@OTHER", &stranger().jwk_text()))
        };
        let (header, payload) = (part()?, part()?);
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()));
        let signature = signer().sign(signed.as_bytes(), &random()).expect("the system has randomness");
        let text = format!("{signed}.{}", base64url(&signature));
        Some(Self { text, header, payload, rest: lines.next().unwrap_or_default().to_vec() })
    }

    /// The same text with one character changed; all of base64url and the dots come up in either place.
    pub fn changed(&self) -> Option<String> {
        let (at, into) = match self.rest.as_slice() {
            [high, low, into, ..] => (usize::from(*high) << 8 | usize::from(*low), *into),
            _ => return None,
        };
        let mut text = self.text.clone().into_bytes();
        let length = text.len();
        let slot = &mut text[at % length];
        let into = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."[usize::from(into) % 65];
        if *slot == into {
            return None;
        }
        *slot = into;
        String::from_utf8(text).ok()
    }

    /// `true` when what was accepted is written in one way only: three parts, each of canonical base64url.
    pub fn is_canonical(&self) -> bool {
        self.text.split('.').count() == 3
            && self.text.split('.').all(|part| {
                URL_SAFE_NO_PAD.decode(part).is_ok_and(|bytes| URL_SAFE_NO_PAD.encode(bytes) == part)
            })
    }
}
