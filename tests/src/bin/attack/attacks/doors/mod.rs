//! The standard front doors: what sites, tools, proxies and whoever stands beside them may try at the authorization,
//! token, device, sign-out and forward-auth endpoints. Time stands still for all of them: codes live a minute, and no machine
//! has to be faster than that.

mod authorize;
mod codes;
mod devices;
mod guarded;
mod pushed;
mod refresh;
mod sign_out;
mod strangers;
mod tokens;

use super::Attack;

pub(super) fn all() -> Vec<Attack> {
    [
        authorize::all(),
        pushed::all(),
        codes::all(),
        refresh::all(),
        tokens::all(),
        devices::all(),
        guarded::all(),
        sign_out::all(),
        strangers::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
