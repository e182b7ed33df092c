//! Getting at codes: from whoever makes them, from what is kept of them, and by guessing.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::join_all;

use super::{Attack, Held, Owner, attacks, device_count, invented, made, recover};
use crate::attacks::enumeration::alike;
use crate::attacks::limits::{limited, password};
use crate::attacks::storage::dump;
use crate::client::{Device, Key, base64url, random_bytes};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["recovery", OwnServer;
        codes_are_made_by_trusted_devices_alone,
        codes_are_told_once,
        codes_are_not_predictable,
        codes_are_hashes_at_rest,
        users_by_answer,
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

/// Making and counting codes takes an authenticator: neither a page nor a session nor a bare token will do.
async fn codes_are_made_by_trusted_devices_alone(ground: Ground) -> Held {
    let Owner { device, .. } = Owner::ready(&ground).await?;
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
    let Owner { device, codes, .. } = Owner::ready(&ground).await?;
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
    let Owner { device, codes, .. } = Owner::ready(&ground).await?;
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
    let Owner { codes, device, .. } = Owner::ready(&ground).await?;
    let files = dump(&ground.server()?.data())?;
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
    let used = Owner::ready(&ground).await?;
    recover(&ground, &used.name, &used.codes[0]).await?.is(201)?;
    let foreign = Owner::ready(&ground).await?;
    let disabled = Owner::ready(&ground).await?;
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
    let Owner { name, codes, .. } = Owner::ready(&ground).await?;
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
    let Owner { name, device, codes } = Owner::ready(&ground).await?;
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
    let Owner { name, .. } = Owner::ready(&ground).await?;
    let real = guess(&ground.elsewhere()?, 20, |_| name.clone()).await?;
    let nobody = guess(&ground.elsewhere()?, 20, |_| "nobody-of-this-name-either".to_owned()).await?;
    ensure!(real == nobody, "a real name is limited after {real} tries, an unknown one after {nobody}");
    Ok(format!("both after {real}"))
}

async fn guesses_lock_no_device_out(ground: Ground) -> Held {
    let Owner { name, device, .. } = Owner::ready(&ground).await?;
    let judged = guess(&ground.elsewhere()?, 20, |_| name.clone()).await?;
    let page = ground.page().await?;
    device.approve(&page).await?;
    page.redeem().await?.is(201)?;
    ground.second_device(&device).await?;
    ensure!(made(&device).await?.len() == 10, "no fresh codes");
    Ok(format!("after {judged} guesses: signs in, enrols by link, makes codes"))
}
