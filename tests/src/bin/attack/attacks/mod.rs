//! The attacks, by theme. Each is a function that returns what held, or an error that says what was seen instead.

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;

use crate::ground::Ground;

mod browser;
mod ceremony;
mod conformance;
mod deadlines;
mod doors;
mod enrolment;
mod enumeration;
mod frames;
mod injection;
mod limits;
mod meanwhile;
mod proofs;
mod recovery;
mod relay;
mod revocation;
mod sockets;
mod spoofing;
mod storage;
mod tls;
mod transport;
mod verification;

/// What an attack gives back: what was tried and held.
pub(crate) type Held = Result<String>;

/// Where an attack can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Any deployment, with one account.
    OneAccount,
    /// A server that it may configure, operate or read the files of, or with two accounts.
    OwnServer,
    /// The same where time stands still: so many calls that a slow machine would not be done before a deadline.
    StandingTime,
}

type Running = Pin<Box<dyn Future<Output = Held>>>;

/// A named attack.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    theme: &'static str,
    title: &'static str,
    /// Where it can run.
    pub(crate) needs: Needs,
    /// Runs it.
    pub(crate) run: fn(Ground) -> Running,
}

impl Attack {
    /// `theme.attack`.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.theme, self.title)
    }
}

/// `attacks!["theme", OneAccount; first, second]`: functions of the module as attacks.
macro_rules! attacks {
    ($theme:literal, $needs:ident; $($name:ident),* $(,)?) => {
        vec![$(crate::attacks::Attack {
            theme: $theme,
            title: stringify!($name),
            needs: crate::attacks::Needs::$needs,
            run: |ground| Box::pin($name(ground)),
        }),*]
    };
}
use attacks;

/// All attacks, by theme.
pub(crate) fn all() -> Vec<Attack> {
    [
        // First, because some of them wait for a minute beside the others.
        transport::all(),
        conformance::all(),
        proofs::all(),
        ceremony::all(),
        sockets::all(),
        browser::all(),
        deadlines::all(),
        doors::all(),
        frames::all(),
        limits::all(),
        relay::all(),
        enumeration::all(),
        enrolment::all(),
        recovery::all(),
        revocation::all(),
        meanwhile::all(),
        verification::all(),
        storage::all(),
        tls::all(),
        injection::all(),
        spoofing::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
