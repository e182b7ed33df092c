//! What the operator of a server does to accounts and clients, whichever process it is done in.

mod clients;

use std::sync::Arc;

use protocol::id::AccountId;
use protocol::link::{EnrolCode, EnrolLink};
use protocol::text::{NAME_LENGTH_MAX, clean};
use protocol::time::Timestamp;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::published::Published;
use crate::service::{self, USERNAME_LENGTH_MAX};
use crate::store::{Account, By, CreateAccount, Durable, NewAccount, NewEnrolment, StoreError};

/// Shortest password, in characters. Source: NIST SP 800-63B-4, 3.1.1.2, for one that is not the only factor.
const PASSWORD_LENGTH_MIN: usize = 8;
/// Longest password, in bytes.
const PASSWORD_LENGTH_MAX: usize = 1_024;

pub use clients::{MadeClient, NewClient, PREVIOUS_SECRET_S};

/// Most groups of an account.
const GROUPS_MAX: usize = 100;

/// The store with the time and the randomness that the operator's acts need.
#[derive(Clone)]
pub struct Operator {
    /// Where accounts are.
    pub store: Arc<dyn Durable>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes codes and salts.
    pub entropy: Arc<dyn Entropy>,
}

/// A link that was made.
#[derive(Debug)]
pub struct MadeLink {
    /// The link.
    pub link: EnrolLink,
    /// Refused from this moment on.
    pub expires_at: Timestamp,
    /// From now, in seconds.
    pub life_s: u32,
}

/// What clients are told of an account that ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// For the scope `email`.
    pub email: Option<String>,
    /// For the scope `groups`.
    pub groups: Vec<String>,
}

/// Why the operator did not get what he asked for: a sentence each.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// No such account.
    #[error("There is no account {0:?}. `users list` shows all.")]
    NoAccount(String),
    /// There is one already.
    #[error("There is an account {0} already. For one more device: users enrol {0}")]
    NameTaken(String),
    /// Not a username.
    #[error(
        "{0:?} is no username. Give 1 to {USERNAME_LENGTH_MAX} letters (a to z), digits or . _ - + @, a letter or digit \
         first."
    )]
    Username(String),
    /// Nothing of the display name is visible.
    #[error("The display name has no visible character. Give another one, or leave it out.")]
    DisplayName,
    /// Too short or too long.
    #[error(
        "The password has {0} characters; allowed: {PASSWORD_LENGTH_MIN} characters to {PASSWORD_LENGTH_MAX} bytes."
    )]
    Password(usize),
    /// Links are for active accounts.
    #[error("{0} is disabled. Enable the account first: users enable {0}")]
    Disabled(String),
    /// Not an e-mail address.
    #[error("{0:?} is no e-mail address; allowed: one as in ada@example.com.")]
    Email(String),
    /// Not a group.
    #[error(
        "{0:?} cannot be a group. Give 1 to 64 characters without commas, control characters and spaces at the ends, and at \
         most {GROUPS_MAX} groups."
    )]
    Group(String),
    /// No such client.
    #[error("There is no client {0:?}. `clients list` shows all.")]
    NoClient(String),
    /// There is one already.
    #[error("There is a client {0} already. For another secret: clients rotate {0}")]
    ClientTaken(String),
    /// Not an id.
    #[error("{0:?} is no id of a client. Give 1 to 128 of A-Z a-z 0-9 - . _ ~, or leave it out.")]
    ClientId(String),
    /// Nothing of the name is visible.
    #[error("The name has no visible character. Give another one.")]
    ClientName,
    /// A client without a way to ask.
    #[error("A client needs an address where browsers come back to (--redirect URI), or --device-grant.")]
    NoWayIn,
    /// An address that cannot be registered.
    #[error("{0:?} cannot be used; allowed: {allowed}.", allowed = crate::oauth::redirect_uris::ALLOWED)]
    RedirectUri(String),
    /// An address that this server cannot be told to call.
    #[error("{0:?} cannot be called; allowed: {allowed}.", allowed = crate::oauth::redirect_uris::CALLABLE)]
    LogoutUri(String),
    /// Not a scope.
    #[error("{0:?} is no scope; allowed: visible ASCII characters without \" and \\.")]
    Scope(String),
    /// Without a secret.
    #[error("The client {0} is public and has no secret.")]
    PublicClient(String),
    /// The store did not answer.
    #[error("the data could not be used")]
    Store(#[from] StoreError),
}

impl Operator {
    /// Makes an account; without a password, links are the only way to enrol.
    ///
    /// # Errors
    /// [`OperatorError`]: a name that is none or taken, a password of another length, an e-mail address or group that is none, a store that does not answer.
    pub async fn add(
        &self,
        name: &str,
        display_name: Option<&str>,
        password: Option<&Zeroizing<String>>,
        profile: Profile,
    ) -> Result<Account, OperatorError> {
        let username = service::username(name).ok_or_else(|| OperatorError::Username(name.to_owned()))?;
        let display_name = clean(display_name.unwrap_or(&username), NAME_LENGTH_MAX);
        if display_name.is_empty() {
            return Err(OperatorError::DisplayName);
        }
        profile.check()?;
        let new = NewAccount {
            id: AccountId::from_random(self.entropy.bytes_16()),
            username: username.clone(),
            display_name,
            password_hash: password.map(|password| self.hash(password)).transpose()?,
            email: profile.email,
            groups: profile.groups,
        };
        match self.store.create_account(&new, &By::operator(), self.clock.now()).await? {
            CreateAccount::Created => self.account(&username).await,
            CreateAccount::NameTaken => Err(OperatorError::NameTaken(username)),
        }
    }

    /// The account of this name, whatever its state.
    ///
    /// # Errors
    /// [`OperatorError::NoAccount`], or a store that does not answer.
    pub async fn account(&self, name: &str) -> Result<Account, OperatorError> {
        let missing = || OperatorError::NoAccount(name.to_owned());
        let username = service::username(name).ok_or_else(missing)?;
        self.store.account_by_name(&username).await?.ok_or_else(missing)
    }

    /// Makes a link that trusts one device for `account`, good once and for `life_s` seconds.
    ///
    /// # Errors
    /// [`OperatorError::Disabled`], or a store that does not answer.
    pub async fn link(
        &self,
        account: &Account,
        server: &Published,
        life_s: u32,
    ) -> Result<MadeLink, OperatorError> {
        let code = EnrolCode::from_random(self.entropy.bytes_16());
        let now = self.clock.now();
        let expires_at = now.plus_s(life_s.into());
        let new = NewEnrolment { code: code.hash(), account: account.id, made_by: None, expires_at };
        if !self.store.create_enrolment(&new, &By::operator(), now).await? {
            return Err(OperatorError::Disabled(account.username.clone()));
        }
        let link = EnrolLink { origin: server.origin.clone(), code, pin: server.pin };
        Ok(MadeLink { link, expires_at, life_s })
    }

    /// Sets the password, or takes it away.
    ///
    /// # Errors
    /// [`OperatorError`]: a password of another length, an account that is gone, a store that does not answer.
    pub async fn set_password(
        &self,
        account: &Account,
        password: Option<&Zeroizing<String>>,
    ) -> Result<(), OperatorError> {
        let hash = password.map(|password| self.hash(password)).transpose()?;
        let now = self.clock.now();
        if self.store.set_password(account.id, hash.as_deref(), &By::operator(), now).await? {
            Ok(())
        } else {
            Err(OperatorError::NoAccount(account.username.clone()))
        }
    }

    /// Sets what clients are told of the account.
    ///
    /// # Errors
    /// [`OperatorError`]: an e-mail address or group that is none, an account that is gone, a store that does not answer.
    pub async fn set_profile(&self, account: &Account, profile: &Profile) -> Result<(), OperatorError> {
        profile.check()?;
        let (email, groups, now) = (profile.email.as_deref(), &profile.groups, self.clock.now());
        if self.store.set_profile(account.id, email, groups, &By::operator(), now).await? {
            Ok(())
        } else {
            Err(OperatorError::NoAccount(account.username.clone()))
        }
    }

    fn hash(&self, password: &Zeroizing<String>) -> Result<String, OperatorError> {
        let length = password.chars().count();
        if length < PASSWORD_LENGTH_MIN || password.len() > PASSWORD_LENGTH_MAX {
            return Err(OperatorError::Password(length));
        }
        service::hash_password(password.as_bytes(), &*self.entropy)
            .map_err(|_| OperatorError::Password(length))
    }
}

impl Profile {
    fn check(&self) -> Result<(), OperatorError> {
        if let Some(email) = self.email.as_ref().filter(|email| !is_email(email)) {
            return Err(OperatorError::Email(email.clone()));
        }
        let groups = self.groups.iter().enumerate();
        match groups.into_iter().find(|(place, group)| *place >= GROUPS_MAX || !is_group(group)) {
            Some((_, group)) => Err(OperatorError::Group(group.clone())),
            None => Ok(()),
        }
    }
}

/// Whether this looks like an address; whether it is one, only mail can tell.
fn is_email(text: &str) -> bool {
    let is_plain = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    is_plain
        && text.rsplit_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains(|c| c != '.'))
        && text.matches('@').count() == 1
}

/// Groups go into headers with commas between them.
fn is_group(text: &str) -> bool {
    (1..=64).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(|c| c == ',' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sites_are_told_can_be_told() {
        let profile = |email: Option<&str>, groups: &[&str]| Profile {
            email: email.map(str::to_owned),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        assert!(profile(Some("ada@example.com"), &["staff", "Büro 2"]).check().is_ok());
        assert!(profile(None, &[]).check().is_ok());
        let long = "a".repeat(65);
        for email in ["", "ada", "ada@", "@example.com", "a@b@c", "a b@example.com", "ada@.", "a\n@b.c"] {
            assert!(matches!(profile(Some(email), &[]).check(), Err(OperatorError::Email(_))), "{email}");
        }
        for group in ["", "a,b", " a", "a\n", long.as_str()] {
            assert!(matches!(profile(None, &[group]).check(), Err(OperatorError::Group(_))), "{group}");
        }
        assert!(profile(None, &["a"; 101]).check().is_err());
    }
}
