//! Identifiers: one type each, 128 random bits, written as 22 base64url characters.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::encoding;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes 16 bytes from the operating system's generator.
            pub const fn from_random(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Reads 22 base64url characters; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                encoding::array_from_base64url(text).map(Self)
            }

            /// The 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&encoding::base64url(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| {
                    serde::de::Error::custom(concat!("not a ", stringify!($name)))
                })
            }
        }
    )*};
}

ids! {
    /// Names a login request to the page that started it; in no QR code.
    RequestId;
    /// Names a login request inside a frame; random and independent of [`RequestId`].
    Handle;
    /// Names one scan to the authenticator that made it; the `jti` of its statement.
    Ticket;
    /// An account of the server.
    AccountId;
    /// An enrolled authenticator; the `iss` of its statements.
    DeviceId;
    /// A browser session's public id (`sid`); authorises nothing.
    SessionId;
    /// What an account gave a client of a standard front door in a session; authorises nothing.
    GrantId;
    /// Identifies one life of the short-lived store; a store that forgot its proofs has another one.
    StoreId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_22_characters_and_reads_back() {
        let id = RequestId::from_random([0xFF; 16]);
        assert_eq!(id.to_string().len(), 22);
        assert_eq!(RequestId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn other_lengths_and_alphabets_are_refused() {
        for text in [
            "",
            "A",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "++++++++++++++++++++AA",
            "AAAAAAAAAAAAAAAAAAAAAB",
        ] {
            assert_eq!(RequestId::parse(text), None, "{text}");
        }
    }
}
