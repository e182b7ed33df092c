//! A login request: one attempt to sign a page in.

mod lives;
mod polls;
mod settle;
mod state;
mod transition;

use serde::{Deserialize, Serialize};

pub use lives::Lives;
pub use polls::{DeviceProof, POLL_INTERVAL_S, Polls};
pub use settle::{Facts, Recorded, settled};
pub use state::{Cancelled, Decided, Denied, Expired, Lock, Outcome, Phase, State};
pub use transition::{
    Cause, Decide, Done, Event, PageProof, Refused, Scan, Sight, Step, apply, denied_by_number,
    with_try_taken,
};

use crate::context::{Claimed, Client};
use crate::id::{Handle, RequestId};
use crate::key::Thumbprint;
use crate::secret::SecretHash;
use crate::time::Timestamp;
use crate::user_code::UserCode;

/// Everything that a server keeps of a login request while it lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Names it to the page.
    pub id: RequestId,
    /// Names it inside frames.
    pub handle: Handle,
    /// Who may redeem it.
    pub redeemer: Redeemer,
    /// The client of a standard front door; never from the page.
    pub client: Option<Client>,
    /// What that client asks for; never from the page.
    pub scopes: Vec<String>,
    /// Whether an approval counts only with a verified person: by the site's policy, or the client's.
    #[serde(default)]
    pub verification: bool,
    /// Whether the person types a number.
    pub check_rule: CheckRule,
    /// What a redeem gives.
    pub grant: Grant,
    /// Where the page goes afterwards: a checked path of the same origin.
    pub return_to: Option<String>,
    /// Start; counters of frames count from here.
    pub started_at: Timestamp,
    /// The page's network address at the start.
    pub address: String,
    /// False when a proxy that is not listed spoke for the page: its network cannot be compared.
    pub address_is_certain: bool,
    /// What the browser claimed at the start; cleaned.
    pub claimed: Claimed,
    /// Set once the page asked for a code to type; frames shown before are dead then.
    pub user_code: Option<UserCode>,
    /// Where it stands.
    pub state: State,
}

/// Who may redeem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redeemer {
    /// A page: its cookie's secret and its key.
    Page {
        /// Hash of the page secret.
        secret: SecretHash,
        /// Thumbprint of the page key.
        key: Thumbprint,
    },
    /// A device of RFC 8628: its device code, and its DPoP key when it has one.
    Device {
        /// Hash of the device code.
        code: SecretHash,
        /// Thumbprint of the key that it proved at the start; only with that key it redeems then.
        key: Option<Thumbprint>,
        /// How it has asked so far.
        polls: Polls,
    },
}

/// Whether the person types a number from the page into the authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckRule {
    /// Two digits.
    Number,
    /// None: in RFC 8628 typing the user code is the check.
    None,
}

/// What a redeem gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A browser session.
    Session,
    /// An authorization code (RFC 6749 §4.1).
    Code,
    /// Tokens (RFC 8628 §3.5).
    Tokens,
}

impl Request {
    /// A new request in [`State::Waiting`], for a page and a session.
    #[expect(clippy::too_many_arguments, reason = "each is a fact of the start with a type of its own")]
    pub const fn start(
        id: RequestId,
        handle: Handle,
        redeemer: Redeemer,
        return_to: Option<String>,
        address: String,
        address_is_certain: bool,
        claimed: Claimed,
        now: Timestamp,
        lives: &Lives,
    ) -> Self {
        Self {
            id,
            handle,
            redeemer,
            client: None,
            scopes: Vec::new(),
            verification: false,
            check_rule: CheckRule::Number,
            grant: Grant::Session,
            return_to,
            started_at: now,
            address,
            address_is_certain,
            claimed,
            user_code: None,
            state: State::Waiting { ends_at: now.plus_s(lives.waiting_s) },
        }
    }

    /// What the account's owner sees it as, in lists and in the activity: the browser's claim, or the client of a device.
    pub fn shown_as(&self) -> &str {
        match (&self.redeemer, &self.client) {
            (Redeemer::Device { .. }, Some(client)) => &client.name,
            (Redeemer::Device { .. }, None) | (Redeemer::Page { .. }, _) => &self.claimed.browser,
        }
    }

    /// Makes it one of RFC 8628: for the client `client`, typed, without a number, redeemed for tokens.
    #[must_use]
    pub fn for_device(self, client: Client, scopes: Vec<String>) -> Self {
        Self { client: Some(client), scopes, check_rule: CheckRule::None, grant: Grant::Tokens, ..self }
    }
}
