//! Somebody films the screen: everything in the picture, replayed everywhere, gives nothing.

use anyhow::{Context as _, ensure};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

use crate::attacks::{Attack, Held, attacks};
use crate::client::{Device, Key, Page, base64url, send_statement};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["ceremony", OneAccount;
        filmed_code_as_id,
        filmed_code_as_cookie,
        filmed_code_as_credentials,
        filmed_code_redeems_nothing,
        code_with_each_byte_changed,
        code_in_other_forms,
        code_with_another_counter,
        code_invented,
        code_after_it_was_used,
        user_code_in_place_of_everything,
    ]
}

/// All that a film of the picture holds, in all spellings: the code, the handle, counter and tag, the address.
fn filmed(code: &str, state: &Value) -> anyhow::Result<Vec<String>> {
    let bytes = BASE32_NOPAD.decode(code.as_bytes()).context("the code is not base32")?;
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    Ok(vec![
        code.to_owned(),
        code.to_lowercase(),
        base64url(&bytes),
        base64url(&bytes[..16]),
        base64url(&bytes[17..]),
        hex(&bytes),
        hex(&bytes[..16]),
        BASE32_NOPAD.encode(&bytes[..16]),
        code[..26].to_owned(),
        state["frame"]["url"].as_str().unwrap_or_default().replace('/', "%2F"),
    ])
}

async fn film(ground: &Ground) -> anyhow::Result<(Page, Vec<String>)> {
    let page = ground.page().await?;
    let state = page.state().await?;
    let parts = filmed(&page.code().await?, &state)?;
    Ok((page, parts))
}

async fn filmed_code_as_id(ground: Ground) -> Held {
    let (page, parts) = film(&ground).await?;
    let key = Key::fresh();
    for part in &parts {
        let path = format!("/api/login-requests/{part}");
        let call = |method: &str, rest: &str| {
            ground.http().call(method, &format!("{path}{rest}")).header("origin", ground.http().origin())
        };
        call("GET", "").send().await?.is(404)?;
        call("GET", "/events").send().await?.one_of(&[404, 400, 426])?;
        call("POST", "/user-code").json(&json!({})).send().await?.is(404)?;
        call("POST", "/session").json(&json!({})).proof(&key).await?.send().await?.is(404)?;
        call("DELETE", "").send().await?.is(404)?;
    }
    ensure!(page.stage().await? == "waiting", "{}", page.stage().await?);
    Ok(format!("{} spellings at 5 calls: 404", parts.len()))
}

async fn filmed_code_as_cookie(ground: Ground) -> Held {
    let (page, parts) = film(&ground).await?;
    for part in &parts {
        let mut forged = page.clone();
        forged.jar.put(&page.secret_name(), part);
        forged.poll().await?.is(404)?;
        forged.redeem().await?.is(404)?;
        forged.jar.put(&page.http.cookie_name("session"), part);
        forged.jar.put(&page.http.cookie_name("sid"), part);
        forged.whoami().await?.is(401)?;
        forged.refresh().await?.is(401)?;
    }
    Ok(format!("{} spellings as page secret and session: refused", parts.len()))
}

async fn filmed_code_as_credentials(ground: Ground) -> Held {
    let (_, parts) = film(&ground).await?;
    for part in &parts {
        let call = ground.http().call("GET", "/api/sessions").token(&Key::fresh(), part).await?;
        call.send().await?.is(401)?;
        let body = json!({"enrolment": part, "device": {"name": "x", "kind": "linux"}});
        Device::enrolling(ground.http(), &Key::fresh(), &body).await?.one_of(&[400, 404])?;
        send_statement(ground.http(), part).await?.one_of(&[400, 404])?;
    }
    Ok(format!("{} spellings as token, enrolment and statement: refused", parts.len()))
}

/// A film of the whole login, also after the approval.
async fn filmed_code_redeems_nothing(ground: Ground) -> Held {
    let page = ground.page().await?;
    let parts = filmed(&page.code().await?, &page.state().await?)?;
    ground.device().await?.approve(&page).await?;
    for part in &parts {
        let thief = Page { id: part.clone(), key: Key::fresh(), ..page.clone() };
        thief.redeem().await?.is(404)?;
    }
    page.redeem().await?.is(201)?;
    Ok("404 at the approved request".to_owned())
}

/// Guard: the tag covers handle and counter. A changed tag or handle is 404, as an unknown one.
async fn code_with_each_byte_changed(ground: Ground) -> Held {
    let page = ground.page().await?;
    let device = ground.device().await?;
    let bytes = BASE32_NOPAD.decode(page.code().await?.as_bytes())?;
    for at in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[at] ^= 0x55;
        device.scan(&BASE32_NOPAD.encode(&bent)).await?.is(404)?;
    }
    ensure!(page.stage().await? == "waiting", "{}", page.stage().await?);
    Ok("25 bytes, each changed: 404".to_owned())
}

async fn code_in_other_forms(ground: Ground) -> Held {
    let page = ground.page().await?;
    let device = ground.device().await?;
    let code = page.code().await?;
    let url = page.state().await?["frame"]["url"].as_str().unwrap_or_default().to_owned();
    for bent in [
        format!("{code}A"),
        code[..39].to_owned(),
        format!(" {code}"),
        format!("{code}========"),
        format!("{code}\u{0}"),
        format!("../{code}"),
        url,
        String::new(),
        "%00".repeat(13),
        "💥".repeat(10),
    ] {
        device.scan(&bent).await?.one_of(&[400, 404])?;
    }
    ensure!(page.stage().await? == "waiting", "{}", page.stage().await?);
    Ok("ten bent codes: refused".to_owned())
}

async fn code_with_another_counter(ground: Ground) -> Held {
    let page = ground.page().await?;
    let device = ground.device().await?;
    let bytes = BASE32_NOPAD.decode(page.code().await?.as_bytes())?;
    for counter in 0..=255_u8 {
        if counter == bytes[16] || counter > 40 && counter < 250 {
            continue;
        }
        let mut bent = bytes.clone();
        bent[16] = counter;
        device.scan(&BASE32_NOPAD.encode(&bent)).await?.is(404)?;
    }
    Ok("46 other counters under the same tag: 404".to_owned())
}

async fn code_invented(ground: Ground) -> Held {
    let device = ground.device().await?;
    let page = ground.page().await?;
    let code = page.code().await?;
    let bad_tag = format!("{}{}", &code[..32], "A".repeat(8));
    let tag = device.scan(&bad_tag).await?.is(404)?;
    let handle = device.scan(&"A".repeat(40)).await?.is(404)?;
    ensure!(tag.text() == handle.text(), "a bad tag looks unlike an unknown handle: {tag} and {handle}");
    Ok("a bad tag and an unknown handle: the same 404".to_owned())
}

/// Flaw: reusable code.
async fn code_after_it_was_used(ground: Ground) -> Held {
    let page = ground.page().await?;
    let code = page.code().await?;
    let device = ground.device().await?;
    device.approve(&page).await?;
    let other = ground.second_device(&device).await?;
    other.scan(&code).await?.one_of(&[409, 410])?;
    page.redeem().await?.is(201)?;
    for device in [&device, &other] {
        device.scan(&code).await?.is(410)?;
    }
    page.cancel().await?.one_of(&[204, 409, 410])?;
    device.scan(&code).await?.is(410)?;
    Ok("409 or 410 for ever".to_owned())
}

async fn user_code_in_place_of_everything(ground: Ground) -> Held {
    let page = ground.page().await?;
    let code =
        page.type_instead().await?.is(200)?.json()?["user_code"].as_str().unwrap_or_default().to_owned();
    for part in [code.clone(), code.replace('-', "")] {
        ground.http().get(&format!("/api/login-requests/{part}")).await?.is(404)?;
        let mut forged = page.clone();
        forged.jar.put(&page.secret_name(), &part);
        forged.poll().await?.is(404)?;
        let body = json!({"enrolment": part, "device": {"name": "x", "kind": "linux"}});
        Device::enrolling(ground.http(), &Key::fresh(), &body).await?.one_of(&[400, 404])?;
    }
    ensure!(page.stage().await? == "waiting", "{}", page.stage().await?);
    Ok("as id, secret and enrolment: refused".to_owned())
}
