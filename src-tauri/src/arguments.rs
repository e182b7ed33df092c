//! The command line of `countersign`.

use std::ffi::OsString;
use std::path::PathBuf;

/// Argument of the entry that starts the app with the system: no window, the tray only.
pub(crate) const HIDDEN: &str = "--hidden";

/// Text of `--help`.
pub(crate) const HELP: &str = "\
Signs you in on another computer by reading its QR code.

Usage:
  countersign              open the app
  countersign LINK         enrol with an enrolment link, or scan a login link (https:... or countersign:...)
  countersign scan FILE    tell what the codes in a picture hold, without a window and without contacting anybody
  countersign --hidden     start in the tray
  countersign --version
  countersign --help

The log level comes from COUNTERSIGN_LOG, for example COUNTERSIGN_LOG=debug.";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// Open the app.
    Open(Opening),
    /// Tell what a picture holds.
    ScanFile(PathBuf),
    /// Print the version.
    Version,
    /// Print the help.
    Help,
    /// Not understood; the sentence says what is.
    Wrong(String),
}

/// How to open the app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opening {
    /// A link to enrol with or to scan; judged by the authenticator, shown as text when it is neither.
    pub(crate) link: Option<String>,
    /// Without showing the window.
    pub(crate) hidden: bool,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Invocation {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.first().is_some_and(|first| first == "scan") {
        return match arguments.len() {
            2 => Invocation::ScanFile(arguments.swap_remove(1).into()),
            _ => Invocation::Wrong(
                "`countersign scan` takes one picture file: countersign scan FILE".to_owned(),
            ),
        };
    }

    let mut opening = Opening::default();
    for argument in arguments {
        let Some(text) = argument.to_str() else {
            return Invocation::Wrong("An argument is not text. See countersign --help.".to_owned());
        };
        match text {
            "--version" | "-V" => return Invocation::Version,
            "--help" | "-h" => return Invocation::Help,
            HIDDEN => opening.hidden = true,
            "" => {}
            option if option.starts_with('-') => {
                return Invocation::Wrong(format!("There is no option {option}. See countersign --help."));
            }
            link if opening.link.is_none() => opening.link = Some(link.to_owned()),
            _ => return Invocation::Wrong("Only one link at a time. See countersign --help.".to_owned()),
        }
    }
    Invocation::Open(opening)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Invocation {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn nothing_opens_the_app() {
        assert_eq!(parsed(&[]), Invocation::Open(Opening::default()));
    }

    #[test]
    fn a_link_is_handed_on_as_it_is() {
        let link = "countersign:HTTPS://LOGIN.EXAMPLE.COM/E/ABC";
        assert_eq!(parsed(&[link]), Invocation::Open(Opening { link: Some(link.to_owned()), hidden: false }));
    }

    #[test]
    fn hidden_starts_in_the_tray() {
        assert_eq!(parsed(&["--hidden"]), Invocation::Open(Opening { link: None, hidden: true }));
    }

    #[test]
    fn scan_takes_exactly_one_file() {
        assert_eq!(parsed(&["scan", "a b.png"]), Invocation::ScanFile("a b.png".into()));
        assert!(matches!(parsed(&["scan"]), Invocation::Wrong(_)));
        assert!(matches!(parsed(&["scan", "a", "b"]), Invocation::Wrong(_)));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(
            parsed(&["--frobnicate"]),
            Invocation::Wrong("There is no option --frobnicate. See countersign --help.".to_owned())
        );
        assert!(matches!(parsed(&["https://a.example", "https://b.example"]), Invocation::Wrong(_)));
    }

    #[test]
    fn version_and_help_win_over_a_link() {
        assert_eq!(parsed(&["https://a.example", "--version"]), Invocation::Version);
        assert_eq!(parsed(&["-h"]), Invocation::Help);
    }
}
