//! The prompt that decides everything, and how a login ends.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AccountRef, SessionView};
use crate::error_code::Problem;

/// Names one prompt of this run of the app, so that a click meant for one login never decides another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(type = "number")]
pub struct PromptId(pub u32);

/// One login that asks to be decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Prompt {
    /// For `decide`.
    pub id: PromptId,
    /// Origin that would be signed in to, ASCII, as enrolled.
    pub origin: String,
    /// Host and port of the origin.
    pub host: String,
    /// Name of the application that asks through this server; none for the server itself.
    pub client: Option<String>,
    /// A device or program without a browser asks (RFC 8628), not a page.
    pub for_device: bool,
    /// What that application asks for, by its words in OAuth.
    pub scopes: Vec<String>,
    /// The account that would sign in.
    pub account: AccountRef,
    /// Warnings, gravest first.
    pub warnings: Vec<Warning>,
    /// What the server saw of the page.
    pub seen: SeenView,
    /// What the browser says of itself.
    pub claimed: ClaimedView,
    /// How the code came here.
    pub via: Via,
    /// The number on that screen must be typed for `approve`.
    pub check_wanted: bool,
    /// The server's owner asks for a PIN before `approve`.
    pub verification_required: bool,
    /// Tries left after a wrong number; none before the first wrong one.
    pub tries_left: Option<u8>,
    /// Seconds left to decide, when this state was made.
    pub left_s: u32,
    /// The decision that is being sent; the buttons rest meanwhile.
    pub deciding: Option<Deciding>,
    /// Why the last decision did not go through; `decide` again is harmless.
    pub problem: Option<Problem>,
}

/// What the server saw of the page that wants to be signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SeenView {
    /// Network address of the page at its start.
    pub address: String,
    /// When the page started, Unix seconds of the server.
    #[ts(type = "number")]
    pub started_at: i64,
    /// How long ago that was when the code was scanned, in seconds.
    pub started_s_ago: u32,
    /// Same network as this computer; none when the server cannot tell.
    pub same_network: Option<bool>,
    /// This browser has been signed in to this account before.
    pub known_browser: bool,
    /// Age of the scanned frame in seconds; none for a typed code.
    pub frame_age_s: Option<u32>,
}

/// What the browser says of itself; anybody can say anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ClaimedView {
    /// For example `Firefox 153`; may be empty.
    pub browser: String,
    /// For example `Windows 11`; may be empty.
    pub system: String,
    /// Language tag, for example `de-DE`; may be empty.
    pub language: String,
}

/// How a code came to this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// Read by the camera.
    Camera,
    /// Read from this screen.
    Screen,
    /// Read from a picture (file, drop, paste).
    Image,
    /// Pasted, clicked, or given as argument.
    Link,
    /// Typed.
    Typed,
}

/// One thing to mind before approving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Warning {
    /// What it is; the webview has the sentence.
    pub code: WarningCode,
    /// How grave it is.
    pub severity: Severity,
}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// The page is on another network than this computer.
    DifferentNetwork,
    /// The code came by a link: whoever sent it is the one who would be signed in.
    CameByLink,
    /// The code came in a picture.
    CameByImage,
    /// The code was typed.
    CameByTyping,
    /// The code was read from this screen: it may be another person's screen, shared.
    CameByScreen,
    /// The server cannot tell whether the networks are the same.
    NetworkUnknown,
    /// This browser has never been signed in to this account.
    BrowserFirstSeen,
    /// The frame was shown a while ago.
    OldFrame,
}

/// How grave a warning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look twice.
    Caution,
    /// Deny unless sure.
    Danger,
}

/// Which decision is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Deciding {
    /// Approve.
    Approve,
    /// Deny.
    Deny,
    /// "This wasn't me".
    Report,
}

/// How a login ended. Tagged by `outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The page is signed in.
    SignedIn {
        /// Its session.
        session: SessionView,
    },
    /// Approved, but the page did not come for its session in time.
    PageNeverCame,
    /// Denied here.
    Denied,
    /// Denied here as "This wasn't me".
    Reported,
    /// Ended without a decision of this app.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

/// Why a login ended without a decision of this app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The time to decide is over.
    TimeOver,
    /// The third wrong number.
    WrongNumbers,
    /// The page, or the server, ended it first, or the server knows it no longer.
    ByServer,
    /// Another decision of this app arrived first (a reply was lost): look at the sessions.
    DecidedBefore,
    /// Approved, and the server did not answer any more: the page may be signed in.
    NoAnswer,
}
