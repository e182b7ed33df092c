//! The whole matrix of bent proofs, each at every kind of call that takes one: a start, an authenticator's call, a redeem,
//! a refresh and an enrolment. The same calls with a straight proof succeed afterwards, or the attack would prove nothing.

mod claims;
mod headers;
mod signatures;
mod tokens;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::{Attack, Held};
use crate::client::{Answer, Call, Device, Http, Jar, Jws, Key, Page};
use crate::ground::Ground;

/// All of them.
pub(super) fn all() -> Vec<Attack> {
    [claims::all(), headers::all(), signatures::all(), tokens::all()].into_iter().flatten().collect()
}

/// The five kinds of call with a proof, each ready to succeed.
struct Posts {
    http: Http,
    device: Device,
    approved: Page,
    signed_in: Page,
    fresh: Key,
}

/// One of the five.
#[derive(Clone, Copy, Debug)]
enum Post {
    Start,
    Devices,
    Redeem,
    Refresh,
    Enrol,
}

const POSTS: [Post; 5] = [Post::Start, Post::Devices, Post::Redeem, Post::Refresh, Post::Enrol];

/// What each of them answers to a straight proof; the link of the enrolment is an unknown one.
const STRAIGHT: [u16; 5] = [201, 200, 201, 204, 404];

impl Posts {
    async fn ready(ground: &Ground) -> Result<Self> {
        let (signed_in, _) = ground.signed_in().await?;
        let (approved, device, _) = ground.approved().await?;
        Ok(Self { http: ground.http().clone(), device, approved, signed_in, fresh: Key::fresh() })
    }

    fn key(&self, post: Post) -> &Key {
        match post {
            Post::Start | Post::Enrol => &self.fresh,
            Post::Devices => &self.device.key,
            Post::Redeem => &self.approved.key,
            Post::Refresh => &self.signed_in.key,
        }
    }

    /// The call without its proof.
    fn call(&self, post: Post) -> Call {
        match post {
            Post::Start => Page::starting(&self.http, &Jar::default()).json(&json!({})),
            Post::Devices => {
                let token = format!("DPoP {}", self.device.token);
                self.http.call("GET", "/api/devices").header("authorization", token)
            }
            Post::Redeem => self.approved.redeeming(),
            Post::Refresh => self.signed_in.refreshing(),
            Post::Enrol => {
                let body = json!({"enrolment": "A".repeat(26), "device": {"name": "x", "kind": "linux"}});
                self.http.call("POST", "/api/devices").json(&body)
            }
        }
    }

    /// The proof as it should be, unsigned.
    async fn proof(&self, post: Post) -> Result<Jws> {
        let (method, path) = match post {
            Post::Start => ("POST", "/api/login-requests".to_owned()),
            Post::Devices => ("GET", "/api/devices".to_owned()),
            Post::Redeem => ("POST", self.approved.path("/session")),
            Post::Refresh => ("POST", "/api/session/refresh".to_owned()),
            Post::Enrol => ("POST", "/api/devices".to_owned()),
        };
        let proof = self.http.proof(self.key(post), method, &path).await?;
        Ok(if matches!(post, Post::Devices) { proof.token(&self.device.token) } else { proof })
    }

    /// The calls with straight proofs: all five pass.
    async fn straight(&self) -> Result<()> {
        for (post, status) in POSTS.into_iter().zip(STRAIGHT) {
            let proof = self.proof(post).await?.sign(self.key(post));
            let answer = self.call(post).header("dpop", proof).send().await?;
            answer.is(status).with_context(|| format!("{post:?} with a straight proof"))?;
        }
        Ok(())
    }
}

/// Bends the proof of each of the five calls; each must be refused with 401 and one of these names, and name a nonce
/// for the next try.
async fn refused(ground: Ground, names: &[&str], bend: impl Fn(Jws, &Key) -> String) -> Held {
    refused_calls(ground, names, |call, proof, key| call.header("dpop", bend(proof, key))).await
}

/// The same for what is wrong with the headers and not with the proof alone.
async fn refused_calls(ground: Ground, names: &[&str], bend: impl Fn(Call, Jws, &Key) -> Call) -> Held {
    let posts = Posts::ready(&ground).await?;
    let mut seen = String::new();
    for post in POSTS {
        let proof = posts.proof(post).await?;
        let answer = bend(posts.call(post), proof, posts.key(post)).send().await?;
        judge(&answer, names).with_context(|| format!("{post:?}"))?;
        seen = answer.kind();
    }
    posts.straight().await?;
    Ok(format!("start, authenticator's call, redeem, refresh, enrolment: {seen}; straight proofs pass"))
}

fn judge(answer: &Answer, names: &[&str]) -> Result<()> {
    ensure!(
        answer.status == 401 && names.contains(&answer.problem().as_str()),
        "{answer}; 401 {names:?} was due"
    );
    ensure!(!answer.header("dpop-nonce").is_empty(), "{answer}: no DPoP-Nonce in an answer to a proof");
    ensure!(answer.cookies().iter().all(crate::client::SetCookie::deletes), "{answer} sets a cookie");
    Ok(())
}
