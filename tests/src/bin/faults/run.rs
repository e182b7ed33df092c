//! Everybody signs in while one fault happens again and again.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cast::Cast;
use crate::fault::Fault;
use crate::login::{End, Story, sign_in};
use crate::person::Person;
use crate::report::Row;
use crate::verdict::{Judgement, judge};

/// Turns of a fault in a long run; a short one has fewer, see [`TURN_AT_LEAST`].
const TURNS: u64 = 25;
/// So many people have signed in between two turns, so that it is a working site that the next one hits.
const TURN_AT_LEAST: u64 = 20;

/// How far a run is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Now {
    /// Logins that began.
    began: u64,
    /// Logins that ended, however.
    ended: u64,
    /// Those of them that ended signed in.
    signed_in: u64,
    /// Calls that had to be made again.
    pub(crate) repeated: u64,
    /// What a server should not say, and how often it did.
    notes: BTreeMap<String, u64>,
}

/// How far a run is, for all who take part.
#[derive(Debug)]
pub(crate) struct Progress {
    now: watch::Sender<Now>,
    /// Logins to try.
    logins: u64,
}

impl Progress {
    fn new(logins: u64) -> Self {
        Self { now: watch::Sender::default(), logins }
    }

    /// As it is.
    pub(crate) fn now(&self) -> Now {
        self.now.borrow().clone()
    }

    /// One call more was made again.
    pub(crate) fn repeats(&self) {
        self.now.send_modify(|now| now.repeated += 1);
    }

    /// A server said what it should not.
    pub(crate) fn notes(&self, what: &str) {
        self.now.send_modify(|now| *now.notes.entry(what.to_owned()).or_default() += 1);
    }

    /// Waits until it is that far; false when all logins ended before.
    pub(crate) async fn until(&self, far: impl Fn(&Now) -> bool) -> bool {
        let mut now = self.now.subscribe();
        // The sender lives as long as this value.
        now.wait_for(|now| far(now) || now.ended >= self.logins).await.is_ok_and(|now| far(&now))
    }

    /// Whether there is one login more to try.
    fn begins(&self) -> bool {
        let mut more = false;
        self.now.send_modify(|now| {
            more = now.began < self.logins;
            now.began += u64::from(more);
        });
        more
    }

    fn ends(&self, end: &End) {
        self.now.send_modify(|now| {
            now.ended += 1;
            now.signed_in += u64::from(*end == End::SignedIn);
        });
    }
}

/// Runs `logins` logins by all people at once under a fault; what came of them, and the people again.
///
/// # Errors
/// When a part does not come back, or the store cannot be asked afterwards.
pub(crate) async fn under(
    fault: &Fault,
    cast: &mut Cast,
    people: Vec<Person>,
    logins: u64,
) -> Result<(Row, Vec<Person>)> {
    let progress = Arc::new(Progress::new(logins));
    let mut workers = JoinSet::new();
    for person in people {
        let progress = Arc::clone(&progress);
        workers.spawn(async move {
            let mut stories = Vec::new();
            while progress.begins() {
                let story = sign_in(&person, &progress).await;
                progress.ends(&story.end);
                stories.push(story);
            }
            (person, stories)
        });
    }
    let mut injected = 0;
    let every = (logins / TURNS).max(TURN_AT_LEAST).min((logins / 2).max(1));
    let mut mark = every.div_ceil(2);
    let mut turn = 0;
    while progress.until(|now| now.signed_in >= mark).await {
        let felt = fault.happen(cast, turn, &progress).await.with_context(|| fault.name)?;
        injected += u64::from(felt);
        turn += 1;
        mark = progress.now().signed_in + every;
    }
    let mut judgement = Judgement::default();
    let mut ready = Vec::new();
    while let Some(worker) = workers.join_next().await {
        let (mut person, stories): (Person, Vec<Story>) = worker?;
        judge(&mut person, &stories, &progress, &mut judgement).await?;
        ready.push(person);
    }
    let whole = cast.nodes.first().context("a site without nodes")?;
    whole.log_verifies().await.with_context(|| format!("the log after {}", fault.name))?;
    let now = progress.now();
    let row = Row {
        name: fault.name,
        tried: now.ended,
        injected,
        repeated: now.repeated,
        notes: now.notes,
        judgement,
    };
    Ok((row, ready))
}
