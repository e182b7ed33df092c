//! The ceremony itself: requests that belong to somebody else, steps taken twice, by the wrong party or all at once.

mod filmed;
mod numbers;
mod races;
mod statements;
mod strangers;

use super::Attack;

/// All of them.
pub(super) fn all() -> Vec<Attack> {
    [strangers::all(), filmed::all(), statements::all(), numbers::all(), races::all()]
        .into_iter()
        .flatten()
        .collect()
}
