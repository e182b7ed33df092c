//! What the operator of a server does to accounts, whichever process it is done in.

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
    /// The store did not answer.
    #[error("the data could not be used")]
    Store(#[from] StoreError),
}

impl Operator {
    /// Makes an account; without a password, links are the only way to enrol.
    ///
    /// # Errors
    /// [`OperatorError`]: a name that is none or taken, a password of another length, a store that does not answer.
    pub async fn add(
        &self,
        name: &str,
        display_name: Option<&str>,
        password: Option<&Zeroizing<String>>,
    ) -> Result<Account, OperatorError> {
        let username = service::username(name).ok_or_else(|| OperatorError::Username(name.to_owned()))?;
        let display_name = clean(display_name.unwrap_or(&username), NAME_LENGTH_MAX);
        if display_name.is_empty() {
            return Err(OperatorError::DisplayName);
        }
        let new = NewAccount {
            id: AccountId::from_random(self.entropy.bytes_16()),
            username: username.clone(),
            display_name,
            password_hash: password.map(|password| self.hash(password)).transpose()?,
            email: None,
            groups: Vec::new(),
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

    fn hash(&self, password: &Zeroizing<String>) -> Result<String, OperatorError> {
        let length = password.chars().count();
        if length < PASSWORD_LENGTH_MIN || password.len() > PASSWORD_LENGTH_MAX {
            return Err(OperatorError::Password(length));
        }
        service::hash_password(password.as_bytes(), &*self.entropy)
            .map_err(|_| OperatorError::Password(length))
    }
}
