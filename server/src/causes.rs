//! An error with its causes in one line, for people and logs.

use std::error::Error;

/// `error` and what caused it, outermost first.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // A library's message often repeats that of its own cause.
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text.truncate(text.trim_end().len());
    text
}
