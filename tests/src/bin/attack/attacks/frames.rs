//! Frames made by somebody who knows the server's secret: what the text says about counters, ages and tags, and that
//! the secret is really in them.

use anyhow::{Context as _, Result, ensure};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use ring::{hkdf, hmac};

use super::{Attack, Held, attacks};
use crate::client::{Page, from_base64url, random_bytes};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["frames", OwnServer;
        tags_follow_the_text,
        one_step_ahead_passes_two_do_not,
        old_frame_with_a_good_tag_is_410,
        tag_of_another_handle,
        tag_of_another_secret,
        session_token_follows_the_text,
        two_nodes_with_one_secret_agree,
    ]
}

/// HKDF-SHA256 to 32 bytes.
fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<Vec<u8>> {
    let mut out = vec![0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out))
        .map_err(|_| anyhow::anyhow!("HKDF failed"))?;
    Ok(out)
}

/// The 40 characters for a handle and a counter.
fn frame(secret: &[u8], handle: &[u8], counter: u8) -> Result<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(secret, handle, b"")?);
    let input = [b"countersign frame v1", handle, &[counter]].concat();
    let tag = hmac::sign(&key, &input);
    Ok(BASE32_NOPAD.encode(&[handle, &[counter], &tag.as_ref()[..8]].concat()))
}

async fn ground_with(secret: &[u8]) -> Result<Ground> {
    let secret = HEXLOWER.encode(secret);
    Ground::with(&[("SERVER_KEY", secret.as_str())]).await
}

/// The same where time stands still.
async fn standing(secret: &[u8]) -> Result<Ground> {
    Ground::standing(&[("SERVER_KEY", &HEXLOWER.encode(secret))]).await
}

async fn handle_and_counter(page: &Page) -> Result<(Vec<u8>, u8)> {
    let bytes = BASE32_NOPAD.decode(page.code().await?.as_bytes())?;
    Ok((bytes[..16].to_vec(), bytes[16]))
}

async fn tags_follow_the_text(_: Ground) -> Held {
    let secret = random_bytes(32);
    let ground = ground_with(&secret).await?;
    let page = ground.page().await?;
    let code = page.code().await?;
    let bytes = BASE32_NOPAD.decode(code.as_bytes())?;
    let computed = frame(&secret, &bytes[..16], bytes[16])?;
    ensure!(computed == code, "computed {computed}, the server shows {code}");
    Ok("handle, counter and 8 bytes of HMAC, computed from the text".to_owned())
}

/// Guard: the age of a frame comes from its counter, and a counter from the future is no frame.
async fn one_step_ahead_passes_two_do_not(_: Ground) -> Held {
    let secret = random_bytes(32);
    let ground = standing(&secret).await?;
    let (hand, device) = (ground.hand()?, ground.device().await?);
    for (ahead, status) in [(2, 404), (3, 404), (100, 404), (0, 201), (1, 201)] {
        let page = ground.page().await?;
        let (handle, counter) = handle_and_counter(&page).await?;
        let answer = device.scan(&frame(&secret, &handle, counter + ahead)?).await?;
        answer.is(status).with_context(|| format!("+{ahead}"))?;
    }
    // The second at which a counter comes into reach: one before it is the server's own.
    let page = ground.page().await?;
    let (handle, counter) = handle_and_counter(&page).await?;
    hand.pass(14).await?;
    device.scan(&frame(&secret, &handle, counter + 2)?).await?.is(404).context("+2 after 14 s")?;
    hand.pass(1).await?;
    device.scan(&frame(&secret, &handle, counter + 2)?).await?.is(201).context("+2 after 15 s")?;
    Ok("+1 is 201; +2, +3 and +100 are 404, +2 until its neighbour is shown".to_owned())
}

async fn old_frame_with_a_good_tag_is_410(_: Ground) -> Held {
    let secret = random_bytes(32);
    let ground = standing(&secret).await?;
    let (hand, page, device) = (ground.hand()?, ground.page().await?, ground.device().await?);
    let (handle, first) = handle_and_counter(&page).await?;
    // Counters 0, 1 and 2 were issued 90, 75 and 60 seconds ago, 3 is from 45 seconds ago.
    hand.pass(90).await?;
    ensure!(handle_and_counter(&page).await?.1 == first + 6, "not six frames in 90 s");
    for old in [0, 1, 2] {
        device.scan(&frame(&secret, &handle, first + old)?).await?.refuses(410, "frame_expired")?;
    }
    device.scan(&frame(&secret, &handle, first + 3)?).await?.is(201)?;
    Ok("60 s old and older: 410 frame_expired; 45 s old: 201".to_owned())
}

async fn tag_of_another_handle(_: Ground) -> Held {
    let secret = random_bytes(32);
    let ground = ground_with(&secret).await?;
    let device = ground.device().await?;
    let (one, two) = (ground.page().await?, ground.page().await?);
    let (handle, counter) = handle_and_counter(&one).await?;
    let (other, _) = handle_and_counter(&two).await?;
    let mixed = frame(&secret, &other, counter)?;
    let (mine, tag) = (BASE32_NOPAD.encode(&handle), BASE32_NOPAD.decode(mixed.as_bytes())?);
    let bent = [BASE32_NOPAD.decode(mine.as_bytes())?, vec![counter], tag[17..].to_vec()].concat();
    device.scan(&BASE32_NOPAD.encode(&bent)).await?.is(404)?;
    device.scan(&frame(&secret, &random_bytes(16), counter)?).await?.is(404)?;
    Ok("404".to_owned())
}

async fn tag_of_another_secret(_: Ground) -> Held {
    let secret = random_bytes(32);
    let ground = ground_with(&secret).await?;
    let (page, device) = (ground.page().await?, ground.device().await?);
    let (handle, counter) = handle_and_counter(&page).await?;
    for wrong in [random_bytes(32), vec![0; 32], handle.clone()] {
        device.scan(&frame(&wrong, &handle, counter)?).await?.is(404)?;
    }
    Ok("random, zero and public secrets: 404".to_owned())
}

/// `HKDF(page secret, salt = frame key, info = "countersign session" and id)`.
async fn session_token_follows_the_text(_: Ground) -> Held {
    let secret = random_bytes(32);
    let ground = ground_with(&secret).await?;
    let page = ground.page().await?;
    let (handle, _) = handle_and_counter(&page).await?;
    ground.device().await?.approve(&page).await?;
    let token = page.redeem().await?.is(201)?.cookie("-session")?.value;
    let frame_key = derive(&secret, &handle, b"")?;
    let page_secret = page.jar.get(&page.secret_name()).context("no page secret")?;
    let mut candidates = Vec::new();
    for input in [from_base64url(page_secret)?, page_secret.as_bytes().to_vec()] {
        for id in [from_base64url(&page.id)?, page.id.as_bytes().to_vec()] {
            candidates.push(derive(&input, &frame_key, &[b"countersign session".as_slice(), &id].concat())?);
        }
    }
    ensure!(candidates.contains(&from_base64url(&token)?), "the token is not the one of the text");
    Ok("computed from the text".to_owned())
}

/// Nothing but the secret is in a frame: a frame of one node with another request store is unknown, not forged.
async fn two_nodes_with_one_secret_agree(_: Ground) -> Held {
    let secret = random_bytes(32);
    let (one, two) = (ground_with(&secret).await?, ground_with(&secret).await?);
    let page = one.page().await?;
    let device = two.device().await?;
    device.scan(&page.code().await?).await?.is(404)?;
    Ok("404 where the request is not known".to_owned())
}
