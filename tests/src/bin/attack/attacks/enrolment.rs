//! Becoming a trusted device without being one.

use anyhow::{Result, ensure};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Attack, Held, attacks, conformance};
use crate::client::{Answer, Device, Key, base64url, enrolment_in, random_bytes};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["enrolment", OneAccount;
        link_used_twice,
        link_used_by_fifty_at_once,
        link_stolen_after_its_use,
        link_bent,
        link_and_password_together,
        kind_invented,
        names_and_types_of_another_form,
        key_of_another_device,
        device_id_chosen_by_the_client,
        account_chosen_by_the_client,
        every_enrolment_is_told,
    ];
    all.extend(attacks!["enrolment", OwnServer;
        password_of_twenty_at_once,
        password_after_a_link,
        password_never,
        password_always,
        password_repeat_with_another_password,
        link_of_a_disabled_account,
        link_of_a_removed_account,
        older_link_of_the_same_account,
        link_of_another_server,
    ]);
    all
}

fn by_link(code: &str) -> Value {
    json!({"enrolment": code, "device": {"name": "One", "kind": "linux"}})
}

fn by_password(name: &str, password: &str) -> Value {
    json!({"username": name, "password": password, "device": {"name": "One", "kind": "linux"}})
}

async fn enrol(ground: &Ground, body: &Value) -> Result<Answer> {
    Device::enrolling(ground.http(), &Key::fresh(), body).await
}

async fn link_used_twice(ground: Ground) -> Held {
    let link = ground.link().await?;
    let body = by_link(enrolment_in(&link)?);
    let device = Device::enrol(ground.http(), &link).await?;
    for _ in 0..3 {
        enrol(&ground, &body).await?.is(404)?;
    }
    device.get("/api/devices").await?.is(200)?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    enrol(&ground, &body).await?.is(404)?;
    Ok("404, also after the device that used it is gone".to_owned())
}

/// Guard: the insert itself asks whether the link is unused.
async fn link_used_by_fifty_at_once(ground: Ground) -> Held {
    let link = ground.link().await?;
    let body = by_link(enrolment_in(&link)?);
    let keys: Vec<Key> = (0..50).map(|_| Key::fresh()).collect();
    let answers = join_all(keys.iter().map(|key| Device::enrolling(ground.http(), key, &body))).await;
    let mut winner = None;
    for (key, answer) in keys.iter().zip(answers) {
        let answer = answer?;
        if answer.status == 201 {
            ensure!(winner.is_none(), "two keys enrolled with one link");
            winner = Some(Device::read(ground.http(), key, answer)?);
        } else {
            answer.is(404)?;
        }
    }
    let winner = winner.ok_or_else(|| anyhow::anyhow!("nobody enrolled"))?;
    winner.delete(&format!("/api/devices/{}", winner.id)).await?.is(204)?;
    Ok("50 keys at once: one device".to_owned())
}

/// A thief who also saw the first device's enrolment cannot repeat it: the repeat hangs on the key.
async fn link_stolen_after_its_use(ground: Ground) -> Held {
    let device = ground.device().await?;
    let link = device.enrolment().await?;
    let body = by_link(enrolment_in(&link)?);
    let second = Device::enrol(ground.http(), &link).await?;
    // The first key in the header, the thief's signature under it.
    let thief = Key::fresh();
    let proof = ground.http().proof(&second.key, "POST", "/api/devices").await?;
    let call = ground.http().call("POST", "/api/devices").json(&body).header("dpop", proof.sign(&thief));
    call.send().await?.refuses(401, "invalid_proof")?;
    second.get("/api/devices").await?.is(200)?;
    second.delete(&format!("/api/devices/{}", second.id)).await?.is(204)?;
    Ok("401 invalid_proof; the device keeps its token".to_owned())
}

async fn link_bent(ground: Ground) -> Held {
    let link = ground.link().await?;
    let code = enrolment_in(&link)?.to_owned();
    let mut bent: Vec<String> = (0..code.len())
        .map(|at| {
            let other = if &code[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &code[..at], &code[at + 1..])
        })
        .collect();
    bent.extend([
        code[..25].to_owned(),
        format!("{code}A"),
        format!("{code}/PIN"),
        "*".to_owned(),
        "%".to_owned(),
        String::new(),
    ]);
    let mut refused = 0;
    for code in &bent {
        // The last character of 26 has two bits that mean nothing; a strict reader refuses them all the same.
        enrol(&ground, &by_link(code)).await?.one_of(&[400, 404])?;
        refused += 1;
    }
    let device = Device::enrol(ground.http(), &link).await?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok(format!("{refused} bent codes: 400 or 404; the straight one enrols"))
}

async fn link_and_password_together(ground: Ground) -> Held {
    let link = ground.link().await?;
    let code = enrolment_in(&link)?;
    for body in [
        json!({"device": {"name": "x", "kind": "linux"}}),
        json!({"username": "ada", "device": {"name": "x", "kind": "linux"}}),
        json!({"password": "x", "device": {"name": "x", "kind": "linux"}}),
        json!({"enrolment": code}),
        json!({"enrolment": null, "device": {"name": "x", "kind": "linux"}}),
    ] {
        enrol(&ground, &body).await?.refuses(400, "malformed")?;
    }
    // Both at once: the link counts, whatever the password is, and only its account.
    let body = json!({"enrolment": code, "username": "somebody-else", "password": "x", "device": {"name": "x", "kind": "linux"}});
    let answer = enrol(&ground, &body).await?.one_of(&[201, 400])?;
    let username = answer.json()?["account"]["username"].clone();
    ensure!(username != "somebody-else", "the link enrolled into an account that it is not for");
    Ok(format!("halves: 400; both: {}", answer.status))
}

async fn kind_invented(ground: Ground) -> Held {
    let link = ground.link().await?;
    for kind in ["android", "Linux", "", "root"] {
        let body = json!({"enrolment": enrolment_in(&link)?, "device": {"name": "x", "kind": kind}});
        enrol(&ground, &body).await?.refuses(400, "malformed")?;
    }
    let device = Device::enrol(ground.http(), &link).await?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok("400; the link is not consumed".to_owned())
}

async fn names_and_types_of_another_form(ground: Ground) -> Held {
    for device in
        [json!(null), json!("x"), json!([]), json!({"name": 7, "kind": "linux"}), json!({"name": "x"})]
    {
        enrol(&ground, &json!({"enrolment": "A".repeat(26), "device": device}))
            .await?
            .refuses(400, "malformed")?;
    }
    for name in ["", " ", "\u{202e}", "\u{0}"] {
        let body = json!({"enrolment": "A".repeat(26), "device": {"name": name, "kind": "linux"}});
        enrol(&ground, &body).await?.one_of(&[400, 404])?;
    }
    Ok("400".to_owned())
}

/// A key that is a trusted device already, of whatever account, enrolled once more.
async fn key_of_another_device(ground: Ground) -> Held {
    let first = ground.device().await?;
    let link = first.enrolment().await?;
    let answer = Device::enrolling(ground.http(), &first.key, &by_link(enrolment_in(&link)?)).await?;
    let seen = answer.kind();
    if answer.status == 201 {
        let second = Device::read(ground.http(), &first.key, answer)?;
        ensure!(second.account == first.account, "another account");
        let crossed = ground.http().call("DELETE", &format!("/api/devices/{}", second.id));
        crossed.token(&first.key, &second.token).await?.send().await?.is(204)?;
    } else {
        first.get("/api/devices").await?.is(200)?;
    }
    Ok(seen)
}

async fn device_id_chosen_by_the_client(ground: Ground) -> Held {
    let chosen = base64url(&random_bytes(16));
    let link = ground.link().await?;
    let mut body = by_link(enrolment_in(&link)?);
    for member in ["device_id", "id", "token"] {
        body[member] = json!(chosen);
        body["device"][member] = json!(chosen);
    }
    let key = Key::fresh();
    let device = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    ensure!(!device.enrolled.text().contains(&chosen), "{}", device.enrolled);
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok("ignored".to_owned())
}

async fn account_chosen_by_the_client(ground: Ground) -> Held {
    let victim = ground.device().await?;
    let link = ground.link().await?;
    let mut body = by_link(enrolment_in(&link)?);
    body["account"] = json!({"id": victim.account});
    body["account_id"] = json!(victim.account);
    let key = Key::fresh();
    let before = victim.get("/api/devices").await?.json()?["devices"].as_array().map_or(0, Vec::len);
    let device = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &body).await?)?;
    if device.account != victim.account {
        let after = victim.get("/api/devices").await?.json()?["devices"].as_array().map_or(0, Vec::len);
        ensure!(before == after, "the victim has another device");
    }
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok("the link decides".to_owned())
}

async fn every_enrolment_is_told(ground: Ground) -> Held {
    let device = ground.device().await?;
    let second = ground.second_device(&device).await?;
    let entries = conformance::whole_activity(&device).await?;
    for id in [&device.id, &second.id] {
        let told = |entry: &Value| {
            let kind = entry["kind"].as_str().unwrap_or_default();
            kind.contains("enrol") && entry.to_string().contains(id.as_str())
        };
        ensure!(entries.iter().any(told), "the enrolment of {id} is not in the activity");
    }
    Ok("both enrolments are in the activity of the first device".to_owned())
}

/// Guard: "an account that has never had a device" is asked inside the insert.
async fn password_of_twenty_at_once(_: Ground) -> Held {
    let ground = Ground::with(&[]).await?;
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let body = by_password(&name, "correct horse battery");
    let grounds: Vec<Ground> = (0..20).map(|_| ground.elsewhere()).collect::<Result<_>>()?;
    let answers = join_all(grounds.iter().map(|ground| enrol(ground, &body))).await;
    let mut enrolled = 0;
    for answer in answers {
        let answer = answer?.one_of(&[201, 401, 429])?;
        enrolled += usize::from(answer.status == 201);
    }
    ensure!(enrolled == 1, "{enrolled} devices enrolled by one password at once");
    Ok("20 keys at once: one device".to_owned())
}

async fn password_after_a_link(ground: Ground) -> Held {
    let name = fresh_name();
    let link = ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let device = Device::enrol(ground.http(), &link).await?;
    let body = by_password(&name, "correct horse battery");
    enrol(&ground, &body).await?.refuses(401, "enrolment_refused")?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    enrol(&ground, &body).await?.refuses(401, "enrolment_refused")?;
    Ok("401 enrolment_refused, also after the device is gone".to_owned())
}

async fn password_never(_: Ground) -> Held {
    let ground = Ground::with(&[("ENROL_BY_PASSWORD", "never")]).await?;
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let right = enrol(&ground, &by_password(&name, "correct horse battery")).await?;
    let wrong = enrol(&ground, &by_password(&name, "wrong")).await?;
    ensure!(right.text() == wrong.text() && right.status == wrong.status, "{right} and {wrong} differ");
    right.refuses(401, "enrolment_refused")?;
    Ok("401 enrolment_refused, right or wrong".to_owned())
}

async fn password_always(_: Ground) -> Held {
    let ground = Ground::with(&[("ENROL_BY_PASSWORD", "always")]).await?;
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let body = by_password(&name, "correct horse battery");
    for _ in 0..2 {
        enrol(&ground, &body).await?.is(201)?;
    }
    enrol(&ground, &by_password(&name, "wrong")).await?.refuses(401, "enrolment_refused")?;
    Ok("two devices by the right password, none by a wrong one".to_owned())
}

/// A repeat asks for the password again: knowing the key alone is not enough.
async fn password_repeat_with_another_password(ground: Ground) -> Held {
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let key = Key::fresh();
    let right = by_password(&name, "correct horse battery");
    let device = Device::read(ground.http(), &key, Device::enrolling(ground.http(), &key, &right).await?)?;
    let answer = Device::enrolling(ground.http(), &key, &by_password(&name, "wrong")).await?;
    answer.refuses(401, "enrolment_refused")?;
    device.get("/api/devices").await?.is(200)?;
    Ok("401; the token lives on".to_owned())
}

async fn link_of_a_disabled_account(ground: Ground) -> Held {
    let name = fresh_name();
    let server = ground.server()?;
    let link = server.add_account(&name).await?;
    server.operate(&["users", "disable", &name]).await?;
    let answer = enrol(&ground, &by_link(enrolment_in(&link)?)).await?;
    let seen = answer.kind();
    answer.one_of(&[401, 404])?;
    Ok(seen)
}

async fn link_of_a_removed_account(ground: Ground) -> Held {
    let name = fresh_name();
    let server = ground.server()?;
    let link = server.add_account(&name).await?;
    server.operate(&["users", "remove", &name]).await?;
    enrol(&ground, &by_link(enrolment_in(&link)?)).await?.one_of(&[401, 404])?;
    // A namesake is another person.
    server.add_account(&name).await?;
    enrol(&ground, &by_link(enrolment_in(&link)?)).await?.one_of(&[401, 404])?;
    Ok("404, also once somebody else has the name".to_owned())
}

/// Each link is its own; what one device makes enrols into no other account.
async fn older_link_of_the_same_account(ground: Ground) -> Held {
    let (one, two) = (ground.device().await?, ground.device().await?);
    let (first, second) = (one.enrolment().await?, two.enrolment().await?);
    ensure!(Device::enrol(ground.http(), &first).await?.account == one.account, "crossed accounts");
    ensure!(Device::enrol(ground.http(), &second).await?.account == two.account, "crossed accounts");
    Ok("each link stays with its account".to_owned())
}

async fn link_of_another_server(ground: Ground) -> Held {
    let other = Ground::with(&[]).await?;
    let link = other.link().await?;
    enrol(&ground, &by_link(enrolment_in(&link)?)).await?.is(404)?;
    Device::enrol(other.http(), &link).await?;
    Ok("404, and it still enrols at home".to_owned())
}
