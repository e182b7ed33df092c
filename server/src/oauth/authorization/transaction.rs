//! An authorization request that was judged, on its way through the login page and back.

use protocol::hole;
use protocol::id::AccountId;
use protocol::key::Thumbprint;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::seal::Seal;

/// What transactions are sealed for.
pub const PURPOSE: &str = "transaction";
/// How long one may take, in seconds.
pub const LIFE_S: i64 = 900;
/// How long a person may still be sent back with it, in seconds: a tab that was left open over night has a way on.
pub const CANCEL_LIFE_S: i64 = 86_400;
/// Longest sealed text, in bytes: addresses with it must pass every proxy.
pub const LENGTH_MAX: usize = 4_096;

/// A checked authorization request (RFC 6749 §4.1.1). Nothing is stored of it: sealed, it travels in addresses, and only
/// this server can have made it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// `client_id`.
    #[serde(rename = "c")]
    pub client: String,
    /// Where the answer goes: one of the client's.
    #[serde(rename = "r")]
    pub redirect_uri: String,
    /// What the client asks for and may have.
    #[serde(rename = "s")]
    pub scopes: Vec<String>,
    /// Goes back as it came.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Comes back in the ID token.
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// `code_challenge` by S256.
    #[serde(rename = "h")]
    pub challenge: String,
    /// What may be shown, and what has to be.
    #[serde(rename = "p")]
    pub prompt: Prompt,
    /// Longest time since the person signed in, in seconds.
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    pub max_age_s: Option<u32>,
    /// The client would have the person verified.
    #[serde(rename = "v")]
    pub verified: bool,
    /// The key that its tokens will be bound to.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    pub dpop: Option<Thumbprint>,
    /// Whom the client takes the person for (`id_token_hint`).
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<AccountId>,
    /// When the client asked.
    #[serde(rename = "i")]
    pub started_at: Timestamp,
}

/// `prompt` (OpenID Connect Core §3.1.2.1), as far as it makes a difference here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Nothing said: a page only when one is needed.
    Any,
    /// No page.
    None,
    /// An approval of its own, for this request.
    Fresh,
}

/// Why a text is no transaction to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOpen {
    /// It was not made here, or something of it is missing.
    Unreadable,
    /// It is older than its life; good for the way back alone.
    Over(Box<Transaction>),
}

impl Transaction {
    /// The text that travels; `nonce` is fresh randomness.
    pub fn close(&self, seal: &Seal, nonce: [u8; 12]) -> String {
        seal.close(&serde_json::to_vec(self).expect("a transaction has string keys only"), nonce)
    }

    /// Opens what came back.
    ///
    /// # Errors
    /// [`NotOpen`].
    pub fn open(seal: &Seal, text: &str, now: Timestamp) -> Result<Self, NotOpen> {
        Self::open_within(LIFE_S, seal, text, now)
    }

    /// As [`Transaction::open`], with a life of its own, in seconds.
    ///
    /// # Errors
    /// [`NotOpen`].
    pub fn open_within(life_s: i64, seal: &Seal, text: &str, now: Timestamp) -> Result<Self, NotOpen> {
        let plain = (text.len() <= LENGTH_MAX).then(|| seal.open(text)).flatten();
        let read = plain.and_then(|plain| serde_json::from_slice::<Self>(&plain).ok());
        let transaction = read.ok_or(NotOpen::Unreadable)?;
        match now.since_s(transaction.started_at) {
            _ if hole!("transaction_life") => Ok(transaction),
            age_s if age_s < life_s => Ok(transaction),
            age_s if age_s < CANCEL_LIFE_S => Err(NotOpen::Over(Box::new(transaction))),
            _ => Err(NotOpen::Unreadable),
        }
    }
}

/// Silent: `state` and `nonce` are the client's secrets.
impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transaction({}, {:?})", self.client, self.started_at)
    }
}

#[cfg(test)]
mod tests {
    use protocol::secret::Secret;

    use super::*;
    use crate::server_keys::ServerKeys;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn seal(key: u8, purpose: &'static str) -> Seal {
        Seal::new(&ServerKeys::one(Secret::new([key; 32])), purpose)
    }

    fn transaction() -> Transaction {
        Transaction {
            client: "site".to_owned(),
            redirect_uri: "https://site.example/cb".to_owned(),
            scopes: vec!["openid".to_owned()],
            state: Some("secret-state".to_owned()),
            nonce: Some("secret-nonce".to_owned()),
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            prompt: Prompt::Fresh,
            max_age_s: Some(60),
            verified: true,
            dpop: Some(Thumbprint::from_bytes([3; 32])),
            hint: Some(AccountId::from_random([4; 16])),
            started_at: NOW,
        }
    }

    #[test]
    fn it_comes_back_as_it_left() {
        let text = transaction().close(&seal(1, PURPOSE), [0; 12]);
        assert_eq!(Transaction::open(&seal(1, PURPOSE), &text, NOW), Ok(transaction()));
        let bare = Transaction {
            state: None,
            nonce: None,
            max_age_s: None,
            dpop: None,
            hint: None,
            ..transaction()
        };
        let text = bare.close(&seal(1, PURPOSE), [0; 12]);
        assert_eq!(Transaction::open(&seal(1, PURPOSE), &text, NOW), Ok(bare));
    }

    #[test]
    fn it_is_good_for_fifteen_minutes_and_leads_back_for_a_day() {
        let text = transaction().close(&seal(1, PURPOSE), [0; 12]);
        let at = |later_s| Transaction::open(&seal(1, PURPOSE), &text, NOW.plus_s(later_s));
        assert_eq!(at(899), Ok(transaction()));
        assert_eq!(at(900), Err(NotOpen::Over(Box::new(transaction()))));
        assert_eq!(at(86_399), Err(NotOpen::Over(Box::new(transaction()))));
        assert_eq!(at(86_400), Err(NotOpen::Unreadable));
        // Another node's clock may be behind.
        assert_eq!(at(-2), Ok(transaction()));
    }

    #[test]
    fn one_of_another_server_for_something_else_changed_or_cut_is_unreadable() {
        let text = transaction().close(&seal(1, PURPOSE), [0; 12]);
        let open = |text: &str| Transaction::open(&seal(1, PURPOSE), text, NOW);
        assert_eq!(open(&transaction().close(&seal(2, PURPOSE), [0; 12])), Err(NotOpen::Unreadable));
        assert_eq!(open(&transaction().close(&seal(1, "other"), [0; 12])), Err(NotOpen::Unreadable));
        assert_eq!(open(&seal(1, PURPOSE).close(b"{}", [0; 12])), Err(NotOpen::Unreadable));
        let long = "A".repeat(LENGTH_MAX + 4);
        for bad in [&text[1..], &text[..text.len() - 1], &format!("{text}AAAA"), &long, "", "a b"] {
            assert_eq!(open(bad), Err(NotOpen::Unreadable), "{bad}");
        }
    }

    #[test]
    fn debug_keeps_what_is_the_clients() {
        let shown = format!("{:?}", transaction());
        assert!(shown.contains("site") && !shown.contains("secret") && !shown.contains("E9Mel"), "{shown}");
    }
}
