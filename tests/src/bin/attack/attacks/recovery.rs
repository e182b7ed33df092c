//! Recovery codes: guessed, used again, used by others, and what they give away (docs/protocol.md, "Additions").

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::enumeration::alike;
use super::limits::{limited, password};
use super::{Attack, Held, attacks};
use crate::client::{Answer, Device, Jar, Key, Page, base64url, enrolment_in, random_bytes};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["recovery", OwnServer;
        code_used_twice,
        code_used_by_fifty_at_once,
        code_of_another_account,
        code_without_its_account,
        codes_made_anew_void_the_old,
        codes_made_at_once_are_ten,
        codes_of_a_removed_device,
        codes_outlive_a_device_that_signs_out,
        code_of_a_disabled_account,
        code_of_a_removed_account,
        code_signs_nobody_in,
        code_bent,
        code_and_password_together,
        codes_are_made_by_trusted_devices_alone,
        codes_are_told_once,
        codes_are_not_predictable,
        codes_are_hashes_at_rest,
        users_by_answer,
        removed_device_cannot_repeat_its_recovery,
        repeat_ends_after_ten_minutes,
        every_recovery_is_told,
        recovered_device_takes_the_lost_one_away,
    ];
    all.extend(attacks!["recovery", StandingTime;
        guesses_per_account,
        guesses_per_address,
        guesses_at_once,
        guesses_on_nobody,
        guesses_lock_no_device_out,
    ]);
    all
}

/// An account, the device that made its codes, and the codes.
struct Codes {
    name: String,
    device: Device,
    codes: Vec<String>,
}

impl Codes {
    async fn ready(ground: &Ground) -> Result<Self> {
        let name = fresh_name();
        let link = ground.server()?.add_account(&name).await?;
        let device = Device::enrol(ground.http(), &link).await?;
        let codes = made(&device).await?;
        Ok(Self { name, device, codes })
    }
}

async fn made(device: &Device) -> Result<Vec<String>> {
    let body = device.call("POST", "/api/recovery-codes").await?.send().await?.is(201)?.json()?;
    let codes = body["codes"].as_array().with_context(|| format!("no codes in {body}"))?;
    ensure!(codes.len() == 10, "{} codes", codes.len());
    Ok(codes.iter().filter_map(|code| code.as_str().map(str::to_owned)).collect())
}

async fn left(device: &Device) -> Result<Value> {
    Ok(device.get("/api/recovery-codes").await?.is(200)?.json()?["left"].clone())
}

fn recovery(name: &str, code: &str) -> Value {
    json!({"username": name, "recovery_code": code, "device": {"name": "New desk", "kind": "linux"}})
}

async fn recover(ground: &Ground, name: &str, code: &str) -> Result<Answer> {
    Device::enrolling(ground.http(), &Key::fresh(), &recovery(name, code)).await
}

/// A code as the server makes them, that it did not make.
fn invented() -> String {
    let text = data_encoding::BASE32_NOPAD.encode(&random_bytes(10));
    format!("{}-{}-{}-{}", &text[..4], &text[4..8], &text[8..12], &text[12..])
}

async fn device_count(device: &Device) -> Result<usize> {
    let list = device.get("/api/devices").await?.is(200)?.json()?;
    list["devices"].as_array().map(Vec::len).with_context(|| format!("no devices in {list}"))
}

async fn code_used_twice(ground: Ground) -> Held {
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    recover(&ground, &name, &codes[0]).await?.is(201)?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    recover(&ground.elsewhere()?, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    ensure!(left(&device).await? == 9, "{} are left", left(&device).await?);
    ensure!(device_count(&device).await? == 2, "{} devices", device_count(&device).await?);
    recover(&ground, &name, &codes[1]).await?.is(201).context("the next code")?;
    Ok("401 enrolment_refused; the other codes work".to_owned())
}

async fn code_used_by_fifty_at_once(_: Ground) -> Held {
    let ground = Ground::standing(&[("LIMITS_WRONG_PASSWORDS_PER_ACCOUNT", "1000")]).await?;
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    let mut places = Vec::new();
    for _ in 0..50 {
        places.push(ground.elsewhere()?);
    }
    let answers = join_all(places.iter().map(|place| recover(place, &name, &codes[0]))).await;
    let mut enrolled = 0;
    for answer in answers {
        enrolled += usize::from(answer?.one_of(&[201, 401])?.status == 201);
    }
    ensure!(enrolled == 1, "{enrolled} devices with one code");
    ensure!(device_count(&device).await? == 2, "{} devices", device_count(&device).await?);
    ensure!(left(&device).await? == 9, "{} are left", left(&device).await?);
    Ok("one device, nine codes left".to_owned())
}

/// Guard: name and code are looked up together.
async fn code_of_another_account(ground: Ground) -> Held {
    let (own, victim) = (Codes::ready(&ground).await?, Codes::ready(&ground).await?);
    recover(&ground, &victim.name, &own.codes[0]).await?.refuses(401, "enrolment_refused")?;
    recover(&ground, &own.name, &victim.codes[0]).await?.refuses(401, "enrolment_refused")?;
    ensure!(device_count(&victim.device).await? == 1, "somebody came in");
    recover(&ground, &own.name, &own.codes[0]).await?.is(201).context("the tried code is used up")?;
    Ok("401, nothing is used up".to_owned())
}

async fn code_without_its_account(ground: Ground) -> Held {
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    let named = json!({"name": "New desk", "kind": "linux"});
    for body in [
        json!({"recovery_code": codes[0], "device": named}),
        json!({"username": null, "recovery_code": codes[0], "device": named}),
        json!({"username": [name], "recovery_code": codes[0], "device": named}),
        json!({"username": {"$ne": ""}, "recovery_code": codes[0], "device": named}),
        json!({"username": "", "recovery_code": codes[0], "device": named}),
        json!({"username": "%", "recovery_code": codes[0], "device": named}),
        json!({"username": format!("{name}' OR '1'='1"), "recovery_code": codes[0], "device": named}),
        json!({"account": device.account, "recovery_code": codes[0], "device": named}),
    ] {
        let answer = Device::enrolling(ground.elsewhere()?.http(), &Key::fresh(), &body).await?;
        ensure!([400, 401].contains(&answer.status), "{body}: {answer}");
    }
    ensure!(device_count(&device).await? == 1, "somebody came in");
    Ok("eight ways to leave the name out: 400 or 401".to_owned())
}

async fn codes_made_anew_void_the_old(ground: Ground) -> Held {
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    let fresh = made(&device).await?;
    ensure!(fresh.iter().all(|code| !codes.contains(code)), "a code came twice");
    for code in &codes[..3] {
        recover(&ground, &name, code).await?.refuses(401, "enrolment_refused")?;
    }
    ensure!(left(&device).await? == 10, "{} are left", left(&device).await?);
    recover(&ground, &name, &fresh[0]).await?.is(201)?;
    Ok("401 for the old ones".to_owned())
}

async fn codes_made_at_once_are_ten(ground: Ground) -> Held {
    let Codes { device, .. } = Codes::ready(&ground).await?;
    let all = join_all((0..20).map(|_| made(&device))).await;
    let sets = all.into_iter().collect::<Result<Vec<_>>>()?;
    ensure!(left(&device).await? == 10, "{} are left", left(&device).await?);
    Ok(format!("{} times at once: ten codes", sets.len()))
}

/// Guard: whoever stole the computer may have written its codes down.
async fn codes_of_a_removed_device(ground: Ground) -> Held {
    let Codes { name, device, .. } = Codes::ready(&ground).await?;
    let stolen = ground.second_device(&device).await?;
    let codes = made(&stolen).await?;
    device.delete(&format!("/api/devices/{}", stolen.id)).await?.is(204)?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    ensure!(left(&device).await? == 0, "{} are left", left(&device).await?);
    // By the operator as well.
    let second = ground.second_device(&device).await?;
    let codes = made(&second).await?;
    ground.server()?.operate(&["devices", "remove", &name, &second.id]).await?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    Ok("401, none left".to_owned())
}

/// Signing out of the only computer must not take the way back away.
async fn codes_outlive_a_device_that_signs_out(ground: Ground) -> Held {
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    recover(&ground, &name, &codes[0]).await?.is(201)?;
    Ok("201".to_owned())
}

async fn code_of_a_disabled_account(ground: Ground) -> Held {
    let Codes { name, codes, .. } = Codes::ready(&ground).await?;
    ground.server()?.operate(&["users", "disable", &name]).await?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    ground.server()?.operate(&["users", "enable", &name]).await?;
    recover(&ground, &name, &codes[0]).await?.is(201).context("once it is enabled again")?;
    Ok("401 while it is disabled".to_owned())
}

async fn code_of_a_removed_account(ground: Ground) -> Held {
    let Codes { name, codes, .. } = Codes::ready(&ground).await?;
    ground.server()?.operate(&["users", "remove", &name]).await?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    // A namesake's account is another one.
    ground.server()?.add_account(&name).await?;
    recover(&ground, &name, &codes[0]).await?.refuses(401, "enrolment_refused")?;
    Ok("401, for a namesake too".to_owned())
}

/// A code enrols a device and is good for nothing else.
async fn code_signs_nobody_in(ground: Ground) -> Held {
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    let (code, thief) = (codes[0].as_str(), Key::fresh());
    let http = ground.http();
    http.call("GET", "/api/devices").token(&thief, code).await?.send().await?.is(401)?;
    let mut jar = Jar::default();
    jar.put(&http.cookie_name("session"), code);
    jar.put(&http.cookie_name("sid"), code);
    let page = Page { jar, key: thief.clone(), ..ground.page().await? };
    page.whoami().await?.is(401)?;
    page.refreshing().proof(&thief).await?.send().await?.is(401)?;
    let named = json!({"name": "x", "kind": "linux"});
    let link = json!({"enrolment": code, "device": named});
    Device::enrolling(http, &thief, &link).await?.is(404)?;
    Device::enrolling(http, &thief, &password(&name, code)).await?.is(401)?;
    let stranger = ground.device().await?;
    stranger.scan_via(&json!({"user_code": code, "via": "typed"})).await?.is(404)?;
    stranger.scan(code).await?.is(404)?;
    ensure!(left(&device).await? == 10, "{} are left", left(&device).await?);
    Ok("token, cookie, link, password, typed code, picture: refused".to_owned())
}

async fn code_bent(_: Ground) -> Held {
    let ground = Ground::standing(&[("LIMITS_WRONG_PASSWORDS_PER_ACCOUNT", "1000")]).await?;
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    let code = codes[0].clone();
    let other = if code.starts_with('A') { 'B' } else { 'A' };
    let last = code.chars().last().unwrap_or('A');
    for bent in [
        String::new(),
        code[..18].to_owned(),
        format!("{code}A"),
        format!("{code}={last}"),
        format!("{other}{}", &code[1..]),
        format!("{code}\u{0}"),
        code.replace('-', "_"),
        codes.join(" "),
        "----".to_owned(),
        "A".repeat(10_000),
    ] {
        let answer = recover(&ground.elsewhere()?, &name, &bent).await?;
        ensure!([400, 401].contains(&answer.status), "{bent:?}: {answer}");
    }
    for form in [json!(1), json!(null), json!([code]), json!({"code": code}), json!(true)] {
        let body = json!({"username": name, "recovery_code": form, "device": {"name": "x", "kind": "linux"}});
        let answer = Device::enrolling(ground.elsewhere()?.http(), &Key::fresh(), &body).await?;
        ensure!([400, 401].contains(&answer.status), "{body}: {answer}");
    }
    ensure!(left(&device).await? == 10, "{} are left", left(&device).await?);
    recover(&ground, &name, &code.to_lowercase().replace('-', " "))
        .await?
        .is(201)
        .context("as people type it")?;
    Ok("ten texts and five other types: refused".to_owned())
}

/// A body that is two things at once: what is wrong in it opens nothing.
async fn code_and_password_together(ground: Ground) -> Held {
    let Codes { name, device, .. } = Codes::ready(&ground).await?;
    let link = ground.link().await?;
    let (code, named) = (invented(), json!({"name": "x", "kind": "linux"}));
    for (body, statuses) in [
        (json!({"username": name, "password": "wrong", "recovery_code": code, "device": named}), [400, 401]),
        (
            json!({"enrolment": enrolment_in(&link)?, "username": name, "recovery_code": code, "device": named}),
            [400, 201],
        ),
    ] {
        Device::enrolling(ground.http(), &Key::fresh(), &body).await?.one_of(&statuses)?;
    }
    // Whoever had a good link of another account is in that one.
    ensure!(device_count(&device).await? == 1, "somebody came in");
    Ok("a wrong code beside a wrong password or a foreign link opens nothing".to_owned())
}

/// Making and counting codes takes an authenticator: neither a page nor a session nor a bare token will do.
async fn codes_are_made_by_trusted_devices_alone(ground: Ground) -> Held {
    let Codes { device, .. } = Codes::ready(&ground).await?;
    let (page, _) = ground.signed_in().await?;
    for method in ["GET", "POST"] {
        let path = "/api/recovery-codes";
        ground.http().call(method, path).send().await?.refuses(401, "invalid_token")?;
        page.call(method, path).send().await?.refuses(401, "invalid_token")?;
        page.call(method, path).proof(&page.key).await?.send().await?.refuses(401, "invalid_token")?;
        let stolen = ground.http().call(method, path).token(&Key::fresh(), &device.token).await?;
        stolen.send().await?.refuses(401, "invalid_proof")?;
        let invented =
            ground.http().call(method, path).token(&device.key, &base64url(&random_bytes(32))).await?;
        invented.send().await?.refuses(401, "invalid_token")?;
        let replayed = device.call(method, path).await?;
        replayed.clone().send().await?.one_of(&[200, 201])?;
        replayed.send().await?.refuses(401, "invalid_proof")?;
    }
    let body = device.get("/api/recovery-codes?account=x").await?.is(200)?.json()?;
    ensure!(body["left"] == 10, "{body}");
    Ok("stranger, page, session, stolen token, replayed proof: 401".to_owned())
}

async fn codes_are_told_once(ground: Ground) -> Held {
    let Codes { device, codes, .. } = Codes::ready(&ground).await?;
    let other = ground.second_device(&device).await?;
    let mut seen = String::new();
    for from in [&device, &other] {
        for path in ["/api/recovery-codes", "/api/activity?after=0", "/api/devices", "/api/sessions"] {
            seen.push_str(&from.get(path).await?.is(200)?.text());
        }
    }
    seen.push_str(&ground.server()?.log().await?);
    seen.push_str(&ground.server()?.operate(&["audit", "export"]).await?);
    for code in &codes {
        for spelling in [code.clone(), code.replace('-', "")] {
            ensure!(!seen.contains(&spelling), "a code is told again");
        }
    }
    ensure!(seen.contains("recovery_codes_made"), "the search finds nothing");
    Ok("not in lists, activity, log and export".to_owned())
}

async fn codes_are_not_predictable(ground: Ground) -> Held {
    let Codes { device, codes, .. } = Codes::ready(&ground).await?;
    let mut all = codes;
    for _ in 0..9 {
        all.extend(made(&device).await?);
    }
    let mut sorted = all.clone();
    sorted.sort();
    sorted.dedup();
    ensure!(sorted.len() == all.len(), "a code came twice among {}", all.len());
    // No place has the same character in all of them, and no two share half a code.
    for place in (0..19).filter(|place| place % 5 != 4) {
        let first = all[0].as_bytes()[place];
        ensure!(all.iter().any(|code| code.as_bytes()[place] != first), "place {place} is always the same");
    }
    for pair in sorted.windows(2) {
        ensure!(pair[0][..9] != pair[1][..9], "{} and {} begin alike", pair[0], pair[1]);
    }
    Ok(format!("{} codes, all different", all.len()))
}

async fn codes_are_hashes_at_rest(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let Codes { codes, device, .. } = Codes::ready(&ground).await?;
    let files = super::storage::dump(&ground.server()?.data())?;
    let holds = |needle: &[u8]| {
        files.iter().any(|(_, bytes)| bytes.windows(needle.len()).any(|window| window == needle))
    };
    for code in &codes {
        let plain = code.replace('-', "");
        let bytes = data_encoding::BASE32_NOPAD.decode(plain.as_bytes())?;
        ensure!(
            !holds(code.as_bytes()) && !holds(plain.as_bytes()) && !holds(&bytes),
            "a code is in the data"
        );
    }
    ensure!(holds(device.id.as_bytes()), "the dump is not searched");
    Ok("ten codes in three spellings: not in the data folder".to_owned())
}

/// Guard: whatever is wrong, one answer.
async fn users_by_answer(ground: Ground) -> Held {
    let used = Codes::ready(&ground).await?;
    recover(&ground, &used.name, &used.codes[0]).await?.is(201)?;
    let foreign = Codes::ready(&ground).await?;
    let disabled = Codes::ready(&ground).await?;
    ground.server()?.operate(&["users", "disable", &disabled.name]).await?;
    let bare = fresh_name();
    ground.server()?.add_account(&bare).await?;
    let nobody = recover(&ground, "nobody-here", &invented()).await?.refuses(401, "enrolment_refused")?;
    for (what, name, code) in [
        ("a wrong code", used.name.as_str(), invented()),
        ("a used code", used.name.as_str(), used.codes[0].clone()),
        ("a code of another account", used.name.as_str(), foreign.codes[0].clone()),
        ("a code that is none", used.name.as_str(), "x".to_owned()),
        ("an account without codes", bare.as_str(), invented()),
        ("a disabled account", disabled.name.as_str(), disabled.codes[0].clone()),
        ("a name that is none", "../..", invented()),
        ("another name and a good code", "nobody-here", foreign.codes[1].clone()),
    ] {
        let answer = recover(&ground.elsewhere()?, name, &code).await?;
        alike(&nobody, &answer).with_context(|| what.to_owned())?;
    }
    // The password's refusal says no more.
    let by_password =
        Device::enrolling(ground.http(), &Key::fresh(), &password("nobody-here", "wrong")).await?;
    ensure!(by_password.kind() == nobody.kind(), "{by_password} and {nobody} differ");
    Ok("eight ways to be wrong look like an unknown name".to_owned())
}

async fn removed_device_cannot_repeat_its_recovery(ground: Ground) -> Held {
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    let key = Key::fresh();
    let body = recovery(&name, &codes[0]);
    let stolen = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    device.delete(&format!("/api/devices/{}", stolen.id)).await?.is(204)?;
    Device::enrolling(ground.http(), &key, &body).await?.refuses(401, "enrolment_refused")?;
    stolen.get("/api/devices").await?.is(401)?;
    ensure!(device_count(&device).await? == 1, "the removed device is back");
    Ok("401 enrolment_refused".to_owned())
}

/// "The same key may repeat it for ten minutes."
async fn repeat_ends_after_ten_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (hand, Codes { name, device, codes }) = (ground.hand()?, Codes::ready(&ground).await?);
    let key = Key::fresh();
    let body = recovery(&name, &codes[0]);
    let first = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    let ends = hand.now().await? + 600;
    hand.pass_until(ends - 1).await?;
    let again = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    ensure!(again.id == first.id && again.token != first.token, "the repeat made another device");
    first.get("/api/devices").await?.is(401)?;
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.refuses(401, "enrolment_refused")?;
    hand.pass_until(ends).await?;
    Device::enrolling(ground.http(), &key, &body).await?.refuses(401, "enrolment_refused")?;
    ensure!(device_count(&device).await? == 2, "{} devices", device_count(&device).await?);
    Ok("the same device one second before, 401 then; another key: 401".to_owned())
}

async fn every_recovery_is_told(ground: Ground) -> Held {
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    let answer = recover(&ground, &name, &codes[0]).await?.is(201)?.json()?;
    let log = device.get("/api/activity?after=0").await?.is(200)?.json()?;
    let entries = log["entries"].as_array().cloned().unwrap_or_default();
    let told = entries
        .iter()
        .find(|entry| entry["kind"] == "device_enrolled" && entry["device"] == answer["device_id"]);
    let told = told.with_context(|| format!("nothing of it in {log}"))?;
    let body: Value = serde_json::from_str(told["body"].as_str().unwrap_or_default())?;
    ensure!(body["by"] == "recovery_code" && body["count"] == 9, "{body}");
    ensure!(entries.iter().any(|entry| entry["kind"] == "recovery_codes_made"), "{log}");
    Ok("made and used: both in the activity, with what is left".to_owned())
}

/// What recovery is for: the lost computer is nobody from then on.
async fn recovered_device_takes_the_lost_one_away(ground: Ground) -> Held {
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    let mut page = ground.page().await?;
    device.approve(&page).await?;
    page.sign_in().await?;
    let key = Key::fresh();
    let answer = Device::enrolling(ground.http(), &key, &recovery(&name, &codes[0])).await?;
    let new = Device::read(ground.http(), &key, answer)?;
    new.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    device.get("/api/devices").await?.is(401)?;
    page.whoami().await?.is(401)?;
    recover(&ground, &name, &codes[1]).await?.refuses(401, "enrolment_refused")?;
    let fresh = ground.page().await?;
    new.approve(&fresh).await?;
    fresh.redeem().await?.is(201)?;
    Ok("its token, sessions and codes are dead, the new one signs in".to_owned())
}

/// Tries codes until the server has enough; how many it judged.
async fn guess(ground: &Ground, most: usize, name: impl Fn(usize) -> String) -> Result<usize> {
    for judged in 0..most {
        let answer = recover(ground, &name(judged), &invented()).await?;
        if answer.status == 429 {
            limited(&answer)?;
            return Ok(judged);
        }
        answer.refuses(401, "enrolment_refused")?;
    }
    anyhow::bail!("{most} recovery codes were judged and nothing was said")
}

async fn guesses_per_account(ground: Ground) -> Held {
    let Codes { name, codes, .. } = Codes::ready(&ground).await?;
    for place in [ground.elsewhere()?, ground.elsewhere()?] {
        for _ in 0..5 {
            recover(&place, &name, &invented()).await?.refuses(401, "enrolment_refused")?;
        }
    }
    limited(&recover(&ground.elsewhere()?, &name, &invented()).await?)?;
    limited(&recover(&ground.elsewhere()?, &name, &codes[0]).await?).context("a right one")?;
    Ok("10 an account over two addresses, then 429 for a right one too".to_owned())
}

/// Guard: names that do not exist count as well, or the limit would tell them apart; passwords and codes count together.
async fn guesses_per_address(ground: Ground) -> Held {
    let judged = guess(&ground, 40, |at| format!("nobody-{at}")).await?;
    ensure!(judged == 30, "{judged} codes from one address were judged, 30 are allowed");
    limited(&Device::enrolling(ground.http(), &Key::fresh(), &password("nobody-x", "wrong")).await?)?;
    Ok("30 an address over 30 names, then 429 for passwords too".to_owned())
}

async fn guesses_at_once(ground: Ground) -> Held {
    let Codes { name, device, codes } = Codes::ready(&ground).await?;
    let mut places = Vec::new();
    for _ in 0..60 {
        places.push(ground.elsewhere()?);
    }
    let guesses: Vec<String> = (0..60).map(|_| invented()).collect();
    let all = places.iter().zip(&guesses).map(|(place, code)| recover(place, &name, code));
    let mut judged = 0;
    for answer in join_all(all).await {
        judged += usize::from(answer?.one_of(&[401, 429])?.status == 401);
    }
    ensure!(judged <= 10, "{judged} of 60 at once were judged, 10 are allowed");
    limited(&recover(&ground.elsewhere()?, &name, &codes[0]).await?)?;
    ensure!(device_count(&device).await? == 1, "somebody came in");
    Ok(format!("60 addresses at once: {judged} judged"))
}

/// Guard: a name that does not exist is limited like one that does.
async fn guesses_on_nobody(ground: Ground) -> Held {
    let Codes { name, .. } = Codes::ready(&ground).await?;
    let real = guess(&ground.elsewhere()?, 20, |_| name.clone()).await?;
    let nobody = guess(&ground.elsewhere()?, 20, |_| "nobody-of-this-name-either".to_owned()).await?;
    ensure!(real == nobody, "a real name is limited after {real} tries, an unknown one after {nobody}");
    Ok(format!("both after {real}"))
}

async fn guesses_lock_no_device_out(ground: Ground) -> Held {
    let Codes { name, device, .. } = Codes::ready(&ground).await?;
    let judged = guess(&ground.elsewhere()?, 20, |_| name.clone()).await?;
    let page = ground.page().await?;
    device.approve(&page).await?;
    page.redeem().await?.is(201)?;
    ground.second_device(&device).await?;
    ensure!(made(&device).await?.len() == 10, "no fresh codes");
    Ok(format!("after {judged} guesses: signs in, enrols by link, makes codes"))
}
