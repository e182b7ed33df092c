//! The server keys of a node: 256 bits each that frames, nonces and session tokens follow from.
//!
//! The first one makes, all of them are accepted. That is what lets a site change its key while people sign in: every node
//! learns the next key before any node makes something with it, and forgets the last one when nothing made with it is good
//! any more ([`LIFE_S`]).

use std::fmt;
use std::sync::Arc;

use protocol::encoding::base64url;
use protocol::frame::{FrameCode, FrameKey};
use protocol::id::{Handle, StoreId};
use protocol::nonce::NonceKey;
use protocol::secret::{Secret, hkdf};
use zeroize::Zeroizing;

/// Most keys that a node has: the one in use, and one that comes or goes. One more for a rotation that was not finished.
pub const KEYS_MAX: usize = 3;
/// How long something that a key made may be good after another key has taken over, in seconds: a nonce.
pub const LIFE_S: i64 = protocol::nonce::LIFE_S;

/// One to [`KEYS_MAX`] keys, no two the same. Clones share them.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerKeys(Arc<[Secret]>);

impl ServerKeys {
    /// A single key, which makes and is accepted.
    pub fn one(key: Secret) -> Self {
        Self([key].into())
    }

    /// The first makes. `None` for none, too many, or one that comes twice.
    pub fn of(keys: Vec<Secret>) -> Option<Self> {
        let differ = keys.iter().enumerate().all(|(i, key)| !keys[..i].contains(key));
        ((1..=KEYS_MAX).contains(&keys.len()) && differ).then(|| Self(keys.into()))
    }

    /// Reads 64 hexadecimal digits a key, with spaces, line ends or commas between keys.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.split(|c: char| c.is_ascii_whitespace() || c == ',').filter(|word| !word.is_empty());
        Self::of(words.map(from_hex).collect::<Option<_>>()?)
    }

    /// As [`ServerKeys::parse`] reads them, a line each.
    pub fn expose(&self) -> Zeroizing<String> {
        // With room for all of it, so that no copy is left behind while it grows.
        let mut text = Zeroizing::new(String::with_capacity(65 * self.0.len()));
        for key in self.all() {
            let digits = Zeroizing::new(data_encoding::HEXLOWER.encode(key.expose_bytes()));
            text.push_str(&digits);
            text.push('\n');
        }
        text
    }

    /// The key that makes frames, nonces and session tokens.
    pub fn making(&self) -> &Secret {
        &self.0[0]
    }

    /// All that are accepted, the one that makes first.
    pub fn all(&self) -> &[Secret] {
        &self.0
    }

    /// These, and after them those of `others` that are not among them, as many as there may be.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        let mut keys = self.0.to_vec();
        keys.extend(others.all().iter().filter(|key| !self.0.contains(key)).cloned());
        keys.truncate(2 * KEYS_MAX);
        Self(keys.into())
    }

    /// What the frames of the request with this handle are made with.
    pub fn frame_key(&self, handle: &Handle) -> FrameKey {
        FrameKey::derive(self.making(), handle)
    }

    /// Whether one of the keys made this code.
    pub fn made(&self, code: &FrameCode) -> bool {
        self.all().iter().any(|key| FrameKey::derive(key, &code.handle).made(code))
    }

    /// What nonces are made and judged with while the short-lived store is the one of this id.
    pub fn nonce_key(&self, store: &StoreId) -> NonceKey {
        let making = NonceKey::derive(self.making(), store);
        self.0[1..].iter().fold(making, |nonces, key| nonces.accepting(key, store))
    }

    /// A name of each key, in order, that says nothing about it: for people who compare nodes.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let name =
            |key: &Secret| base64url(&hkdf(key.expose_bytes(), b"", &[b"countersign key name v1"])[..6]);
        self.0.iter().map(name)
    }
}

/// Names, no keys.
impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerKeys").field(&self.names().collect::<Vec<_>>()).finish()
    }
}

fn from_hex(text: &str) -> Option<Secret> {
    let bytes = Zeroizing::new(data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?);
    Some(Secret::new(bytes.as_slice().try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use protocol::time::Timestamp;

    use super::*;

    fn keys(bytes: &[u8]) -> ServerKeys {
        ServerKeys::of(bytes.iter().map(|byte| Secret::new([*byte; 32])).collect()).unwrap()
    }

    #[test]
    fn keys_are_read_with_lines_spaces_or_commas_between_them() {
        let (first, second) = ("a7".repeat(32), "B8".repeat(32));
        for text in
            [format!("{first}\n{second}\n"), format!("{first},{second}"), format!(" {first} , {second}")]
        {
            assert_eq!(ServerKeys::parse(&text), Some(keys(&[0xA7, 0xB8])), "{text}");
        }
        assert_eq!(ServerKeys::parse(&keys(&[1, 2, 3]).expose()), Some(keys(&[1, 2, 3])));
    }

    #[test]
    fn none_too_many_the_same_twice_and_other_words_are_no_keys() {
        let key = |byte: &str| byte.repeat(32);
        let four = ["01", "02", "03", "04"].map(key).join(" ");
        for text in ["", " \n", "abcdef", &key("zz"), &four, &format!("{} {}", key("a7"), key("A7"))] {
            assert_eq!(ServerKeys::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_makes_and_all_are_accepted() {
        let handle = Handle::from_random([5; 16]);
        let (old, both, new) = (keys(&[1]), keys(&[2, 1]), keys(&[2]));
        let code = |keys: &ServerKeys| keys.frame_key(&handle).code(handle, 3);
        assert!(both.made(&code(&old)) && both.made(&code(&new)));
        assert!(new.made(&code(&both)) && !old.made(&code(&both)));

        let (store, now) = (StoreId::from_random([6; 16]), Timestamp(1_800_000_000));
        let good = |by: &ServerKeys, of: &ServerKeys| {
            by.nonce_key(&store).check(&of.nonce_key(&store).make(now), now).is_ok()
        };
        assert!(good(&both, &old) && good(&both, &new) && good(&new, &both));
        assert!(!good(&old, &both));
    }

    #[test]
    fn names_tell_keys_apart_and_are_all_that_is_shown() {
        let (keys, names) = (keys(&[1, 2]), keys(&[1, 2]).names().collect::<Vec<_>>());
        assert_ne!(names[0], names[1]);
        assert_eq!(names[0].len(), 8);
        let shown = format!("{keys:?}");
        assert!(shown.contains(&names[0]) && !shown.contains("0101"), "{shown}");
    }
}
