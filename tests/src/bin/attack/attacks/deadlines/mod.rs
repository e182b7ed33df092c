//! Deadlines, by server time: each at its real length, one second before, at and one second after, on servers whose time
//! stands still until the attack moves it. No attack here waits, and none is in a hurry.

mod enrolment;
mod frames;
mod limits;
mod proofs;
mod requests;
mod sessions;
mod sockets;
mod steps;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Attack, Held};
use crate::client::{Answer, Hand, Page};
use crate::ground::Ground;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
const YEAR_S: i64 = 365 * DAY_S;

pub(super) fn all() -> Vec<Attack> {
    [
        requests::all(),
        frames::all(),
        enrolment::all(),
        sessions::all(),
        proofs::all(),
        limits::all(),
        sockets::all(),
        steps::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn number(value: &Value, name: &str) -> Result<i64> {
    value[name].as_i64().with_context(|| format!("no {name} in {value}"))
}

/// When the page's request ends in its present state.
async fn end_of(page: &Page) -> Result<i64> {
    number(&page.state().await?, "expires_at")
}

/// Three pages that wait: one for each second around an end.
async fn three_pages(ground: &Ground) -> Result<[Page; 3]> {
    Ok([ground.page().await?, ground.page().await?, ground.page().await?])
}

/// Takes `step` with each of three one second before `ends`, at it and one second after. The first passes with this
/// status, the others are one of these (`410 ended`).
async fn edge<T>(
    hand: &Hand,
    ends: i64,
    subjects: &[T; 3],
    (passed, refused): (u16, &[&str]),
    step: impl AsyncFn(&T) -> Result<Answer>,
) -> Held {
    for (from_end, subject) in (-1..).zip(subjects) {
        hand.pass_until(ends + from_end).await?;
        let answer = step(subject).await?;
        if from_end < 0 {
            answer.is(passed).context("one second before the end")?;
        } else {
            ensure!(refused.contains(&answer.kind().as_str()), "{from_end} s after the end: {answer}");
        }
    }
    Ok(format!("{passed} one second before the end, {} from it on", refused.join(" or ")))
}
