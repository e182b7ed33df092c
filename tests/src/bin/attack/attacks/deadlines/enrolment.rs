//! Links and repeats of an enrolment: ten minutes each.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::edge;
use crate::attacks::{Attack, Held, attacks};
use crate::client::{Device, Key, enrolment_in};
use crate::ground::{Ground, fresh_name};

const TEN_MINUTES_S: i64 = 600;

pub(super) fn all() -> Vec<Attack> {
    attacks!["deadlines", OwnServer;
        link_of_the_operator_ends,
        link_of_a_device_ends,
        enrolment_is_not_repeated_after_its_time,
        password_enrolment_is_not_repeated_after_its_time,
    ]
}

fn body(link: &str) -> Result<Value> {
    Ok(json!({"enrolment": enrolment_in(link)?, "device": {"name": "Late", "kind": "linux"}}))
}

async fn link_of_the_operator_ends(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let ends = hand.now().await? + TEN_MINUTES_S;
    let bodies = [body(&ground.link().await?)?, body(&ground.link().await?)?, body(&ground.link().await?)?];
    edge(hand, ends, &bodies, (201, &["404 not_found"]), async |body| {
        Device::enrolling(ground.http(), &Key::fresh(), body).await
    })
    .await
}

async fn link_of_a_device_ends(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    let ends = hand.now().await? + TEN_MINUTES_S;
    let made = async || body(&device.enrolment().await?);
    let bodies = [made().await?, made().await?, made().await?];
    edge(hand, ends, &bodies, (201, &["404 not_found"]), async |body| {
        Device::enrolling(ground.http(), &Key::fresh(), body).await
    })
    .await
}

/// "Repeating within 10 minutes with the same key and code gives the same device and a new token."
async fn enrolment_is_not_repeated_after_its_time(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let (body, key) = (body(&ground.link().await?)?, Key::fresh());
    // The ten minutes of the repeat begin where the link is used and not where it was made.
    hand.pass(100).await?;
    let first = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    let ends = hand.now().await? + TEN_MINUTES_S;
    let held = edge(hand, ends, &[(), (), ()], (201, &["404 not_found"]), async |()| {
        let answer = Device::enrolling(ground.http(), &key, &body).await?;
        if answer.status == 201 {
            let again = Device::read(ground.http(), &key, answer.clone())?;
            ensure!(again.id == first.id && again.token != first.token, "the repeat made another device");
            first.get("/api/devices").await?.is(401)?;
            again.get("/api/devices").await?.is(200)?;
        }
        Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(404)?;
        Ok(answer)
    })
    .await?;
    Ok(format!("{held}; another key: 404 at each"))
}

async fn password_enrolment_is_not_repeated_after_its_time(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let (name, key) = (fresh_name(), Key::fresh());
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let device = json!({"name": "Late", "kind": "linux"});
    let body = json!({"username": name, "password": "correct horse battery", "device": device});
    let first = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    let ends = hand.now().await? + TEN_MINUTES_S;
    edge(hand, ends, &[(), (), ()], (201, &["401 enrolment_refused"]), async |()| {
        let answer = Device::enrolling(ground.http(), &key, &body).await?;
        if answer.status == 201 {
            let again = Device::read(ground.http(), &key, answer.clone())?;
            ensure!(again.id == first.id, "the repeat made another device");
        }
        Ok(answer)
    })
    .await
}
