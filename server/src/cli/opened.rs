//! The data of these settings, opened for one command.

use std::sync::Arc;

use protocol::origin::Origin;
use protocol::time::Timestamp;

use super::error::CliError;
use crate::clock::{self, Clock};
use crate::config::{Data, Settings, data_folder};
use crate::data::{self, Place};
use crate::entropy::OsEntropy;
use crate::operator::{MadeLink, Operator};
use crate::published::{self, Published};
use crate::store::sqlite::SqliteStore;
use crate::store::{Account, Durable};
use crate::{serve, tls};

/// The store, the time, and where the server is reached.
pub(super) struct Opened<'a> {
    pub(super) operator: Operator,
    pub(super) settings: &'a Settings,
}

impl<'a> Opened<'a> {
    /// Opens the data folder; `create` makes it when it is missing.
    pub(super) async fn open(
        settings: &'a Settings,
        clock: Arc<dyn Clock>,
        create: bool,
    ) -> Result<Self, CliError> {
        let place = data::place(settings);
        if place == Place::Memory {
            return Err(CliError::Usage(
                "data is \"memory\", which no other process can reach; name the folder of the server with --data DIR."
                    .to_owned(),
            ));
        }
        if let (true, Data::Dir(dir)) = (create, &settings.data) {
            data_folder(dir)
                .map_err(|source| CliError::failed("could not prepare the data folder", source))?;
        }
        if let Some(folder) = place.folder().filter(|folder| !folder.is_dir()) {
            return Err(CliError::Missing(format!(
                "There is no server's data in {}. Name the folder of the server with --data DIR, or start the server on it first.",
                folder.display()
            )));
        }
        let store = data::open(settings, SqliteStore::COMMAND_WAIT).await?;
        // A command on a machine whose clock is behind makes no link that has ended for the server.
        clock::go_on_from(&*store, &*clock).await?;
        let operator = Operator { store, clock, entropy: Arc::new(OsEntropy) };
        Ok(Self { operator, settings })
    }

    pub(super) fn store(&self) -> &dyn Durable {
        &*self.operator.store
    }

    pub(super) fn now(&self) -> Timestamp {
        self.operator.clock.now()
    }

    pub(super) async fn account(&self, name: &str) -> Result<Account, CliError> {
        Ok(self.operator.account(name).await?)
    }

    /// Makes an enrolment link for the account.
    pub(super) async fn link(&self, account: &Account) -> Result<MadeLink, CliError> {
        Ok(self.operator.link(account, &self.published()?, self.settings.enrolment.link_s).await?)
    }

    /// Where authenticators reach the server: as set, else as the server said when it started, else as it will be.
    fn published(&self) -> Result<Published, CliError> {
        let remembered = match &self.settings.data {
            Data::Dir(dir) => published::read(dir),
            Data::Memory => None,
        };
        match (&self.settings.origin, remembered) {
            (None, Some(remembered)) => Ok(remembered),
            (Some(origin), Some(remembered)) if *origin == remembered.origin => Ok(remembered),
            (Some(origin), _) => self.prepared(origin.clone()),
            (None, None) if self.settings.listen.port() == 0 => Err(CliError::Usage(
                "The port is chosen when the server starts, and it has not run on this data. Start it first, or name \
                 --origin."
                    .to_owned(),
            )),
            (None, None) => self.prepared(serve::loopback_origin(self.settings, self.settings.listen)),
        }
    }

    /// What a server with these settings will be at `origin`.
    fn prepared(&self, origin: Origin) -> Result<Published, CliError> {
        let pin = if self.settings.tls.self_signed {
            let made = tls::pin(self.settings, &origin)
                .map_err(|source| CliError::failed("could not prepare the certificate", source))?;
            Some(made)
        } else {
            None
        };
        Ok(Published { origin, pin })
    }
}
