//! Somebody has the data folder, the log or an export of the audit chain; or the store fails.

mod audit;
mod dump;
mod faults;

use super::Attack;
pub(super) use dump::dump;

/// All of them.
pub(super) fn all() -> Vec<Attack> {
    [audit::all(), dump::all(), faults::all()].into_iter().flatten().collect()
}
