//! The number between the two screens: left out, bent and guessed.

use anyhow::ensure;
use serde_json::json;

use super::statements::Scanned;
use crate::attacks::{Attack, Held, attacks};
use crate::client::send_statement;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["numbers", OneAccount; approval_without_the_number, number_of_another_form, number_cannot_be_guessed]
}

/// Guard: the number is asked for whenever the scan said so; leaving it out is no way around.
async fn approval_without_the_number(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let statement = scanned.device.statement(&scanned.scan, "approve", None)?;
    let answer = send_statement(ground.http(), &statement.sign(&scanned.device.key)).await?;
    let seen = answer.kind();
    answer.one_of(&[400, 404, 422])?;
    ensure!(scanned.page.stage().await? == "scanned", "{}", scanned.page.stage().await?);
    scanned.page.redeem().await?.refuses(409, "not_approved")?;
    Ok(seen)
}

async fn number_of_another_form(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let number: u64 = scanned.check.parse()?;
    for form in [json!(number), json!([scanned.check]), json!({"is": scanned.check}), json!(true)] {
        let statement = scanned.approval()?.claim("check", form.clone()).sign(&scanned.device.key);
        let answer = send_statement(ground.http(), &statement).await?;
        ensure!(answer.status != 204, "{form} passed for {}", scanned.check);
    }
    let (page, device, scan) = ground.scanned().await?;
    let check = page.check().await?;
    for form in [format!(" {check}"), format!("0{check}")] {
        let answer = device.decide(&scan, "approve", Some(&form)).await?;
        ensure!(answer.status != 204, "{form:?} passed for {check}");
    }
    Ok("numbers, lists, blanks and zeros: refused".to_owned())
}

/// Guard: each wrong number takes a try before the compare, also when all arrive at once.
async fn number_cannot_be_guessed(ground: Ground) -> Held {
    let scanned = Scanned::ready(&ground).await?;
    let mut guesses = Vec::new();
    for number in 10..=99 {
        let guess = number.to_string();
        if guess != scanned.check {
            let statement = scanned.device.statement(&scanned.scan, "approve", Some(&guess))?;
            guesses.push(statement.sign(&scanned.device.key));
        }
    }
    let all = guesses.iter().map(|guess| send_statement(ground.http(), guess));
    let mut tries = 0;
    for answer in futures_util::future::join_all(all).await {
        let answer = answer?;
        ensure!(answer.status == 422 || answer.status == 410, "{answer}");
        tries += usize::from(answer.status == 422);
    }
    ensure!(tries == 2, "{tries} guesses were told to be wrong, two are allowed");
    ensure!(scanned.page.stage().await? == "denied check", "{}", scanned.page.stage().await?);
    scanned.device.decide(&scanned.scan, "approve", Some(&scanned.check)).await?.one_of(&[409, 410])?;
    Ok("89 wrong numbers at once: two 422, then denied for good".to_owned())
}
