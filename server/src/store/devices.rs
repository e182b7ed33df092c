use protocol::id::{AccountId, DeviceId};
use protocol::key::PublicKey;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use protocol::wire::DeviceKind;

use super::accounts::Account;
use super::audit::DeviceRef;
use crate::config::PasswordEnrolment;

/// An enrolled authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name for people; cleaned.
    pub name: String,
    /// Its system.
    pub kind: DeviceKind,
    /// What its proofs and statements verify with.
    pub key: PublicKey,
    /// Enrolment.
    pub created_at: Timestamp,
    /// Last call, to the minute.
    pub last_seen_at: Timestamp,
}

/// A trusted device together with its active account: whoever has one of these may act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Not revoked.
    pub device: Device,
    /// Active.
    pub account: Account,
}

/// A device that wants to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// Fresh.
    pub id: DeviceId,
    /// Cleaned.
    pub name: String,
    /// Its system.
    pub kind: DeviceKind,
    /// The key that it proved to hold.
    pub key: PublicKey,
    /// Hash of the fresh token that it will get.
    pub token: SecretHash,
}

/// A password that was verified, and under which rule it may enrol.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolPassword {
    /// The account.
    pub account: AccountId,
    /// The stored hash that the password verified against; refused if it is another one by now.
    pub verified_hash: String,
    /// Checked inside the insert.
    pub rule: PasswordEnrolment,
}

/// A recovery code that somebody shows for a name.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolRecovery {
    /// Whose it is said to be.
    pub username: String,
    /// Hash of the code.
    pub code: SecretHash,
}

/// The recovery codes of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// Not used so far.
    pub left: u32,
    /// When they were made; `None` when there are none.
    pub made_at: Option<Timestamp>,
}

/// How an enrolment went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one a call, moved once")]
pub enum Enrolled {
    /// The device is trusted. Its `id` differs from the new one when the same key repeated its enrolment.
    Trusted(Holder),
    /// Code unknown, used or too old; password not allowed; account not active: one answer for all.
    Refused,
    /// The account has as many devices as it may.
    TooMany,
}

/// An enrolment link to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnrolment {
    /// Hash of the code.
    pub code: SecretHash,
    /// For which account.
    pub account: AccountId,
    /// By which of its devices; `None` for the operator. A link ends with the device that made it.
    pub made_by: Option<DeviceId>,
    /// Refused from this moment on.
    pub expires_at: Timestamp,
}

impl Device {
    /// How audit entries name it.
    pub fn to_ref(&self) -> DeviceRef {
        DeviceRef { id: self.id, name: self.name.clone() }
    }
}

/// Silent.
impl std::fmt::Debug for EnrolRecovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnrolRecovery(..)")
    }
}

/// Silent about the password hash.
impl std::fmt::Debug for EnrolPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnrolPassword({}, {:?})", self.account, self.rule)
    }
}
