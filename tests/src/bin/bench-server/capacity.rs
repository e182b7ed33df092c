//! What sites of several sizes need, computed from what was measured.

use crate::report::Report;

/// `None` when a figure that it needs was not measured.
pub(crate) fn markdown(_report: &Report) -> Option<String> {
    None
}
