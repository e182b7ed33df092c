use protocol::id::AccountId;
use protocol::time::Timestamp;

/// Somebody who can be signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, also the name of its audit chain.
    pub id: AccountId,
    /// Unique, compared byte for byte; the caller has brought it to its one spelling.
    pub username: String,
    /// The name for people; cleaned.
    pub display_name: String,
    /// argon2 PHC string, or `None` when links are the only way to enrol.
    pub password_hash: Option<String>,
    /// Whether it may do anything.
    pub state: AccountState,
    /// True from its first device on, also after that one is gone.
    pub ever_had_device: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// For clients that ask for `email`.
    pub email: Option<String>,
    /// For clients that ask for `groups`, in the order that the operator gave.
    pub groups: Vec<String>,
}

/// Whether an account may do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// Yes.
    Active,
    /// No: its devices and sessions are refused everywhere.
    Disabled,
}

/// An account to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Fresh.
    pub id: AccountId,
    /// In its one spelling.
    pub username: String,
    /// Cleaned.
    pub display_name: String,
    /// argon2 PHC string.
    pub password_hash: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// Names of groups.
    pub groups: Vec<String>,
}

/// How making an account went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateAccount {
    /// It is there.
    Created,
    /// Another account has this name.
    NameTaken,
}

impl AccountState {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "active" => Some(Self::Active),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }
}

/// Silent about the password hash.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({}, {:?})", self.id, self.state)
    }
}

/// Silent about the password hash.
impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewAccount({})", self.id)
    }
}
