//! What a hostile web site can do with a person's browser: forged calls, frames, fixation, stolen cookies, redirects.

mod forged;
mod pages;
mod sessions;

use super::Attack;

/// All of them.
pub(super) fn all() -> Vec<Attack> {
    [forged::all(), pages::all(), sessions::all()].into_iter().flatten().collect()
}
