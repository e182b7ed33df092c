//! Each waiting page holds a socket, and each socket counts as an open file.

use tracing::{info, warn};

/// Fewer than this are worth a word to the operator.
const FEW: u64 = 8_192;

/// Raises the number of files that this process may have open to what the system allows at most.
#[cfg(unix)]
pub(super) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let allowed = match setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        Ok(()) => limit.maximum,
        Err(cause) => {
            warn!(%cause, "Could not raise the limit of open files");
            limit.current
        }
    };
    // No number means no limit.
    match allowed {
        Some(files) if files < FEW => {
            warn!(
                files,
                "Few open files are allowed, and each waiting page needs one; raise the hard limit (nofile)"
            );
        }
        Some(files) => info!(files, "Open files are allowed up to this number"),
        None => {}
    }
}

/// Other systems have no such limit to raise.
#[cfg(not(unix))]
pub(super) fn raise_limit() {}
