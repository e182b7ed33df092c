//! Pages that ask for their state over and over, because no socket gets through to them.

use anyhow::Result;

use crate::call::Connection;
use crate::crew::{Rate, Turn, repeat};
use crate::login;
use crate::party;
use crate::peer;
use crate::subject::{Kind, Subject};

/// One that asks about a request of its own, which stays pending.
enum Poller {
    Page { connection: Connection, path: String, cookie: String },
    Client(peer::Pending),
}

impl Turn for Poller {
    async fn turn(&mut self) -> Result<()> {
        match self {
            Self::Page { connection, path, cookie } => login::look(path, cookie, connection).await.map(drop),
            Self::Client(pending) => pending.poll().await,
        }
    }
}

/// `at_once` ask for so many seconds without a pause.
pub(crate) async fn run(subject: &Subject, at_once: u32, seconds: f64) -> Result<Rate> {
    let mut pollers = Vec::new();
    for node in 0..at_once as usize {
        let mut connection = subject.connect(node).await?;
        pollers.push(match subject.kind {
            Kind::OidcProvider => Poller::Client(peer::Pending::start(connection).await?),
            Kind::Countersign | Kind::Floor => {
                let started = login::start(&mut party::page(&mut connection).await?, &mut connection).await?;
                let path = format!("/api/login-requests/{}", started.id);
                Poller::Page { connection, path, cookie: started.cookie }
            }
        });
    }
    repeat(subject, seconds, pollers).await.map(|(rate, _)| rate)
}
