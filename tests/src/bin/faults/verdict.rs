//! What became of each login, by the durable store's own words: the account's sessions and its activity, asked when
//! everything runs again.
//!
//! - **done**: the page was signed in ("who am I" said so), and the store has one session of the request, one entry
//!   `sign_in_approved` and one entry `signed_in`.
//! - **refused**: the page was never told that it is signed in, and the last answer to it or to its authenticator was a
//!   final one, which both show as a reason beside a fresh code: 404 after the short-lived store forgot the request, 410
//!   with the state that it ended in. Also refused: nothing was taken and no answer came as long as anybody waits.
//! - **lost**: somebody was told something that is not so in the end. The page had its 201 and is not signed in or has no
//!   session; the authenticator had its 204 and the approval is not in the store; or it had its 204 and the page got
//!   neither a session nor any final answer.
//! - **twice**: more than one session, `signed_in` or `sign_in_approved` of one request, or a session of a request that
//!   nobody made.
//!
//! A session whose 201 never arrived and whose request was forgotten meanwhile is held by nobody: its token went nowhere.
//! Such logins are refused, and their reason says it.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::login::{End, Story};
use crate::person::Person;
use crate::repeated::repeated;
use crate::run::Progress;

/// What the store has of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kept {
    sessions: u64,
    approvals: u64,
    sign_ins: u64,
}

/// What became of one login.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Done,
    Refused(String),
    Lost(String),
    Twice(String),
}

/// What became of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    /// Of those that were not done; how often each.
    pub(crate) reasons: BTreeMap<String, u64>,
}

impl Judgement {
    fn add(&mut self, verdict: Verdict) {
        let (count, reason) = match verdict {
            Verdict::Done => (&mut self.done, None),
            Verdict::Refused(reason) => (&mut self.refused, Some(reason)),
            Verdict::Lost(reason) => (&mut self.lost, Some(format!("LOST: {reason}"))),
            Verdict::Twice(reason) => (&mut self.twice, Some(format!("TWICE: {reason}"))),
        };
        *count += 1;
        if let Some(reason) = reason {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }
}

/// Judges all logins of a person since the last time, and ends their sessions.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn judge(
    person: &mut Person,
    stories: &[Story],
    progress: &Progress,
    judgement: &mut Judgement,
) -> Result<()> {
    let mut kept = kept(person, progress).await?;
    for story in stories {
        let of_it = story.request.as_ref().and_then(|request| kept.remove(request)).unwrap_or_default();
        judgement.add(verdict(story, of_it));
    }
    for _ in kept.values() {
        judgement.add(Verdict::Twice("something of a request that nobody made".to_owned()));
    }
    let person = &*person;
    let ended = repeated("ending all", person, progress, |http| async move {
        person.device_at(&http).call("DELETE", "/api/sessions").await
    });
    ended.await.map_err(|end| anyhow!("{end:?}"))?.is(204).map(drop)
}

fn verdict(story: &Story, kept: Kept) -> Verdict {
    if kept.sessions > 1 || kept.sign_ins > 1 || kept.approvals > 1 {
        return Verdict::Twice(format!("{kept:?}"));
    }
    let whole = kept == Kept { sessions: 1, approvals: 1, sign_ins: 1 };
    match &story.end {
        End::SignedIn if whole => Verdict::Done,
        End::SignedIn => Verdict::Lost(format!("signed in, and the store has {kept:?}")),
        End::Refused(why) | End::Silent(why) if story.session_given => {
            Verdict::Lost(format!("told that it is signed in, then {why}"))
        }
        End::Refused(why) | End::Silent(why) if story.approval_taken && kept.approvals == 0 => {
            Verdict::Lost(format!("an approval was taken and is not there, {why}"))
        }
        End::Silent(why) if story.approval_taken => Verdict::Lost(format!("approved, then silence, {why}")),
        End::Refused(why) | End::Silent(why) if kept.sessions > 0 => {
            Verdict::Refused(format!("{why}, and a session that nobody holds"))
        }
        End::Refused(why) | End::Silent(why) => Verdict::Refused(why.clone()),
    }
}

/// What the store has of each request of the account since the last time.
async fn kept(person: &mut Person, progress: &Progress) -> Result<HashMap<String, Kept>> {
    let mut kept = HashMap::<String, Kept>::new();
    let body = ask(person, progress, "/api/sessions").await?;
    for session in body["sessions"].as_array().context("no sessions")? {
        let request = session["request"].as_str().context("a session of no request")?;
        kept.entry(request.to_owned()).or_default().sessions += 1;
    }
    loop {
        let page = ask(person, progress, &format!("/api/activity?after={}", person.read_to)).await?;
        let entries = page["entries"].as_array().context("no entries")?;
        for entry in entries {
            person.read_to = entry["seq"].as_u64().context("an entry without seq")?;
            let body: Value = serde_json::from_str(entry["body"].as_str().unwrap_or_default())?;
            let Some(request) = body["request"].as_str() else { continue };
            let kept = kept.entry(request.to_owned()).or_default();
            match entry["kind"].as_str() {
                Some("signed_in") => kept.sign_ins += 1,
                Some("sign_in_approved") => kept.approvals += 1,
                Some(_) | None => {}
            }
        }
        if entries.is_empty() {
            return Ok(kept);
        }
    }
}

async fn ask(person: &Person, progress: &Progress, path: &str) -> Result<Value> {
    let answer =
        repeated(
            path,
            person,
            progress,
            |http| async move { person.device_at(&http).call("GET", path).await },
        );
    answer.await.map_err(|end| anyhow!("{end:?}"))?.is(200)?.json()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Kept = Kept { sessions: 1, approvals: 1, sign_ins: 1 };

    fn story(approval_taken: bool, session_given: bool, end: End) -> Story {
        Story { request: Some("r".to_owned()), approval_taken, session_given, end }
    }

    #[test]
    fn signed_in_is_done_when_the_store_says_the_same_and_once() {
        let told = story(true, true, End::SignedIn);
        assert_eq!(verdict(&told, WHOLE), Verdict::Done);
        assert!(matches!(verdict(&told, Kept::default()), Verdict::Lost(_)));
        assert!(matches!(verdict(&told, Kept { sessions: 0, ..WHOLE }), Verdict::Lost(_)));
        assert!(matches!(verdict(&told, Kept { approvals: 0, ..WHOLE }), Verdict::Lost(_)));
        assert!(matches!(verdict(&told, Kept { sign_ins: 0, ..WHOLE }), Verdict::Lost(_)));
        assert!(matches!(verdict(&told, Kept { sessions: 2, ..WHOLE }), Verdict::Twice(_)));
        assert!(matches!(verdict(&told, Kept { sign_ins: 2, ..WHOLE }), Verdict::Twice(_)));
    }

    #[test]
    fn a_reason_is_enough_until_the_page_was_told_that_it_is_signed_in() {
        let gone = || End::Refused("404".to_owned());
        let approved = Kept { approvals: 1, ..Kept::default() };
        assert!(matches!(verdict(&story(false, false, gone()), Kept::default()), Verdict::Refused(_)));
        assert!(matches!(verdict(&story(true, false, gone()), approved), Verdict::Refused(_)));
        assert!(matches!(verdict(&story(true, false, gone()), WHOLE), Verdict::Refused(_)));
        assert!(matches!(verdict(&story(true, true, gone()), WHOLE), Verdict::Lost(_)));
        assert!(matches!(verdict(&story(true, false, gone()), Kept::default()), Verdict::Lost(_)));
    }

    #[test]
    fn silence_is_no_reason_once_an_approval_was_taken() {
        let silent = || End::Silent("no answer".to_owned());
        let approved = Kept { approvals: 1, ..Kept::default() };
        assert!(matches!(verdict(&story(false, false, silent()), Kept::default()), Verdict::Refused(_)));
        assert!(matches!(verdict(&story(true, false, silent()), approved), Verdict::Lost(_)));
    }
}
