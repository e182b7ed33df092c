//! What the server keeps, behind two ports.
//!
//! [`Durable`] outlives the process and is the arbiter: whether a decision or a redeem counts is settled inside one of
//! its statements. [`ShortLived`] holds login requests while they live, spent proofs, limits and wake-ups; losing it
//! costs fresh codes and never makes a second session. Every implementation passes the same conformance suite.

mod accounts;
pub mod audit;
mod clients;
#[cfg(test)]
mod conformance;
mod decisions;
mod devices;
mod durable;
mod error;
mod front_doors;

pub mod in_process;
mod logouts;
pub mod postgres;
pub mod redis;
mod rows;
mod sessions;
mod short_lived;
pub mod sqlite;
mod statements;

pub use accounts::{Account, AccountState, CreateAccount, NewAccount};
pub use audit::{ActivityPage, AuditEntry, AuditKind, Body, By, DeviceRef};
pub use clients::{Alg, ClientId, ClientPolicy, StoredClient};
pub use decisions::{NewDecision, Recorded, StoredDecision, Verdict};
pub use devices::{
    Device, EnrolPassword, EnrolRecovery, Enrolled, Holder, NewDevice, NewEnrolment, RecoveryCodes,
};
pub use durable::{Durable, Keep, REPEAT_S, Swept};
pub use error::StoreError;
pub use front_doors::{
    CodeGrant, CodeUsed, Consent, FrontDoors, Grant, GrantEnd, NewCode, NewGrant, RefreshUsed,
    StoredSigningKey,
};
pub use logouts::{DueLogout, Logouts};
pub use sessions::{
    EndReason, NewSession, RedeemRefused, Redeemed, Refreshed, Session, SessionLives, SessionView,
};
pub use short_lived::{
    Allowance, Counter, Inserted, Limit, Replaced, ShortLived, Spent, Version, Versioned, Wakeups,
    forgotten_at, is_live_at,
};
