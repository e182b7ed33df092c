//! A call as page and app make it: again after no answer, and after one that says "later".

use std::time::Duration;

use anyhow::Result;
use e2e::patience;

use crate::client::{Answer, Call, Http};
use crate::login::End;
use crate::person::{Person, chance};
use crate::run::Progress;

/// How long the page waits for an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The shortest time before the call is made again.
const PAUSE_MS: u64 = 100;

/// Makes the call, at any node each time, until there is an answer that another call would not change. What `make` makes
/// of it is the same each time but for the proof, which is spent by being seen.
///
/// # Errors
/// [`End::Silent`] when three times the usual patience is over, which no fault is as long as.
pub(crate) async fn repeated<F: Future<Output = Result<Call>>>(
    what: &str,
    person: &Person,
    progress: &Progress,
    make: impl Fn(Http) -> F,
) -> Result<Answer, End> {
    let mut last = String::new();
    let trying = async {
        loop {
            let http = person.any_node();
            let calling = async { read(make(http.clone()).await?.send_unread().await?).await };
            match tokio::time::timeout(ANSWER, calling).await {
                Ok(Ok(answer)) if answer.problem() == "use_dpop_nonce" => {
                    http.forget_nonce();
                    last = answer.kind();
                    continue;
                }
                Ok(Ok(answer)) if answer.status < 500 && answer.problem() != "not_approved" => return answer,
                Ok(Ok(answer)) => {
                    last = answer.kind();
                    if answer.status != 503 {
                        progress.notes(&format!("{what} answered {last}, repeated"));
                    }
                }
                Ok(Err(error)) => last = format!("{error:#}"),
                Err(_) => last = format!("no answer in {} s", ANSWER.as_secs()),
            }
            progress.repeats();
            tokio::time::sleep(Duration::from_millis(PAUSE_MS + u64::try_from(chance()).unwrap_or_default()))
                .await;
        }
    };
    match tokio::time::timeout(3 * patience::limit(), trying).await {
        Ok(answer) => Ok(answer),
        Err(_) => Err(End::Silent(format!("{what}: {last}"))),
    }
}

async fn read(response: reqwest::Response) -> Result<Answer> {
    let (call, status, headers) = (String::new(), response.status().as_u16(), response.headers().clone());
    Ok(Answer { call, status, headers, body: response.bytes().await?.to_vec() })
}
