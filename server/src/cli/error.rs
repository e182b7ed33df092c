use std::error::Error;
use std::process::ExitCode;

use crate::causes;
use crate::config::ConfigError;
use crate::operator::OperatorError;
use crate::store::StoreError;

/// What the process ends with. The numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It could not be done.
    Failed = 1,
    /// Wrong usage or settings; also what clap ends with.
    Usage = 2,
    /// No such account, device, session or client.
    Missing = 3,
    /// It is there already.
    Exists = 4,
    /// An audit file does not verify.
    Broken = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked: a sentence each.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The settings are wrong.
    #[error("{0}")]
    Settings(ConfigError),
    /// The command makes no sense as it was given.
    #[error("{0}")]
    Usage(String),
    /// What was named is not there.
    #[error("{0}")]
    Missing(String),
    /// What should be made is there.
    #[error("{0}")]
    Exists(String),
    /// An audit file was changed, cut or reordered.
    #[error("{0}")]
    Broken(String),
    /// Something did not work.
    #[error("{what}")]
    Failed {
        /// What did not work.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl From<&CliError> for Exit {
    fn from(error: &CliError) -> Self {
        match error {
            CliError::Settings(_) | CliError::Usage(_) => Self::Usage,
            CliError::Missing(_) => Self::Missing,
            CliError::Exists(_) => Self::Exists,
            CliError::Broken(_) => Self::Broken,
            CliError::Failed { .. } => Self::Failed,
        }
    }
}

impl CliError {
    /// Something did not work because of `source`.
    pub fn failed(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { what: what.into(), source: source.into() }
    }

    /// The sentence with its causes, for standard error.
    pub fn report(&self) -> String {
        causes::told(self)
    }
}

impl From<OperatorError> for CliError {
    fn from(error: OperatorError) -> Self {
        let sentence = error.to_string();
        match error {
            OperatorError::NoAccount(_) | OperatorError::NoClient(_) => Self::Missing(sentence),
            OperatorError::NameTaken(_) | OperatorError::ClientTaken(_) => Self::Exists(sentence),
            OperatorError::Username(_)
            | OperatorError::DisplayName
            | OperatorError::Password(_)
            | OperatorError::Disabled(_)
            | OperatorError::Email(_)
            | OperatorError::Group(_)
            | OperatorError::ClientId(_)
            | OperatorError::ClientName
            | OperatorError::NoWayIn
            | OperatorError::RedirectUri(_)
            | OperatorError::LogoutUri(_)
            | OperatorError::Scope(_)
            | OperatorError::PublicClient(_) => Self::Usage(sentence),
            OperatorError::Store(source) => source.into(),
        }
    }
}

impl From<StoreError> for CliError {
    fn from(source: StoreError) -> Self {
        Self::failed("the data could not be used", source)
    }
}
