//! The typed code.

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::attacks::{Attack, Held, attacks};
use crate::client::Scan;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["conformance", OneAccount;
        user_code_has_its_form_and_repeats,
        frames_are_dead_once_a_code_is_typed,
        user_code_forgives_how_it_is_typed,
        user_code_after_the_scan_is_409,
    ];
    all.extend(attacks!["conformance", OwnServer; wrong_user_codes_are_counted_per_device]);
    all
}

async fn user_code_has_its_form_and_repeats(ground: Ground) -> Held {
    let page = ground.page().await?;
    let answer = page.type_instead().await?.is(200)?;
    let state = answer.json()?;
    let code = state["user_code"].as_str().context("no user_code")?.to_owned();
    let letters = "BCDFGHJKLMNPQRSTVWXZ";
    let right = code.len() == 9
        && code
            .char_indices()
            .all(|(at, letter)| if at == 4 { letter == '-' } else { letters.contains(letter) });
    ensure!(right, "{code} has another form");
    ensure!(state["frame"].is_null(), "the picture is still there: {state}");
    ensure!(state["state"] == "waiting" && state["id"] == page.id.as_str(), "{state}");
    let again = page.type_instead().await?.is(200)?.json()?;
    ensure!(again["user_code"] == code.as_str(), "another code on a repeat");
    ensure!(page.state().await?["user_code"] == code.as_str(), "polling has another code");
    ensure!(answer.header("cache-control").contains("no-store"), "it may be cached");
    Ok("XXXX-XXXX, the same on a repeat".to_owned())
}

async fn frames_are_dead_once_a_code_is_typed(ground: Ground) -> Held {
    let page = ground.page().await?;
    let frame = page.code().await?;
    page.type_instead().await?.is(200)?;
    ground.device().await?.scan(&frame).await?.refuses(410, "frame_expired")?;
    ensure!(page.stage().await? == "waiting", "the dead frame changed the request");
    Ok("410 frame_expired".to_owned())
}

async fn user_code_forgives_how_it_is_typed(ground: Ground) -> Held {
    let device = ground.device().await?;
    for form in 0..4 {
        let page = ground.page().await?;
        let code =
            page.type_instead().await?.is(200)?.json()?["user_code"].as_str().unwrap_or_default().to_owned();
        let typed = match form {
            0 => code.clone(),
            1 => code.to_lowercase().replace('-', ""),
            2 => format!("  {} ", code.replace('-', " - ")),
            _ => code.chars().flat_map(|letter| [letter, '.']).collect(),
        };
        let scan = Scan::read(device.scan_via(&json!({"user_code": typed, "via": "typed"})).await?)?;
        ensure!(scan.body["check"] == true, "the number is not asked: {}", scan.body);
        let context = scan.read_context()?;
        ensure!(context["via"] == "typed" && context["seen"]["frame_age_s"].is_null(), "{context}");
    }
    Ok("lower case, blanks and dots are the same code; the number is asked".to_owned())
}

async fn user_code_after_the_scan_is_409(ground: Ground) -> Held {
    let (page, _, _) = ground.scanned().await?;
    page.type_instead().await?.is(409)?;
    Ok("409".to_owned())
}

async fn wrong_user_codes_are_counted_per_device(ground: Ground) -> Held {
    let device = ground.device().await?;
    for _ in 0..5 {
        device.scan_via(&json!({"user_code": "BBBB-BBBB", "via": "typed"})).await?.is(404)?;
    }
    let answer = device.scan_via(&json!({"user_code": "BBBB-BBBB", "via": "typed"})).await?.is(429)?;
    let wait: u64 = answer.header("retry-after").parse().context("no Retry-After")?;
    // Whole seconds, rounded up.
    ensure!(wait <= 601, "Retry-After {wait}");
    Ok(format!("the sixth is 429, Retry-After {wait}"))
}
