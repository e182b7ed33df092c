//! Windows of counted calls: shut until the second that `Retry-After` names, open from it on.

use anyhow::{Result, ensure};
use serde_json::json;

use super::end_of;
use crate::attacks::limits::{flood, limited, password, typed, until_limited};
use crate::attacks::{Attack, Held, attacks};
use crate::client::{Answer, Device, Hand, Jar, Key, Page, random_bytes};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    attacks!["deadlines", OwnServer;
        starts_are_counted_ten_minutes,
        failed_proofs_are_counted_ten_minutes,
        typed_codes_are_counted_ten_minutes,
        typed_codes_of_an_account_are_counted_an_hour,
        passwords_are_counted_ten_minutes,
        live_requests_are_counted_until_they_end,
    ]
}

/// The last call was refused: one second before the one that it named it is refused again, and then it passes.
async fn opens(hand: &Hand, refused: &Answer, passed: u16, call: impl AsyncFn() -> Result<Answer>) -> Held {
    let wait_s = i64::try_from(limited(refused)?)?;
    hand.pass(wait_s - 1).await?;
    let left_s = limited(&call().await?)?;
    ensure!(left_s == 1, "one second before the end: Retry-After {left_s}");
    hand.pass(1).await?;
    call().await?.is(passed)?;
    Ok(format!("429 for {wait_s} s, then {passed}"))
}

async fn starts_are_counted_ten_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let key = Key::fresh();
    let (passed, refused) = flood(&ground, 210, false, |_| String::new()).await?;
    ensure!(passed == 200, "{passed} starts passed");
    opens(ground.hand()?, &refused, 201, async || {
        Page::starting(ground.http(), &Jar::default()).json(&json!({})).proof(&key).await?.send().await
    })
    .await
}

async fn failed_proofs_are_counted_ten_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let key = Key::fresh();
    let failing = async || {
        let proof =
            ground.http().proof(&key, "POST", "/api/login-requests").await?.sealed(|_| random_bytes(64));
        Ok(Page::starting(ground.http(), &Jar::default()).json(&json!({})).header("dpop", proof))
    };
    let (failed, refused) = until_limited(110, failing).await?;
    ensure!(failed == 100, "{failed} failed proofs were judged");
    opens(ground.hand()?, &refused, 401, async || failing().await?.send().await).await
}

async fn typed_codes_are_counted_ten_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let device = ground.device().await?;
    for _ in 0..5 {
        device.scan_via(&typed("ZZZZ-ZZZZ")).await?.is(404)?;
    }
    let refused = device.scan_via(&typed("ZZZZ-ZZZZ")).await?;
    opens(ground.hand()?, &refused, 404, async || device.scan_via(&typed("ZZZZ-ZZZZ")).await).await
}

async fn typed_codes_of_an_account_are_counted_an_hour(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let mut devices = vec![ground.device().await?];
    for _ in 0..4 {
        devices.push(ground.second_device(&devices[0]).await?);
    }
    let fifth = devices.pop().unwrap_or_else(|| unreachable!("five were made"));
    for device in &devices {
        for _ in 0..5 {
            device.scan_via(&typed("ZZZZ-ZZZZ")).await?.is(404)?;
        }
    }
    let refused = fifth.scan_via(&typed("ZZZZ-ZZZZ")).await?;
    ensure!(limited(&refused)? > 3_000, "{refused}");
    // The devices' own ten minutes are over before.
    opens(hand, &refused, 404, async || fifth.scan_via(&typed("ZZZZ-ZZZZ")).await).await
}

async fn passwords_are_counted_ten_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let name = fresh_name();
    ground.server()?.add_account_with_password(&name, "correct horse battery").await?;
    let guess = async || {
        Device::enrolling(ground.elsewhere()?.http(), &Key::fresh(), &password(&name, "wrong")).await
    };
    for _ in 0..10 {
        guess().await?.is(401)?;
    }
    let refused = guess().await?;
    opens(ground.hand()?, &refused, 401, guess).await
}

async fn live_requests_are_counted_until_they_end(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let hand = ground.hand()?;
    let first = ground.page().await?;
    let (passed, refused) = flood(&ground, 110, true, |_| String::new()).await?;
    ensure!(passed == 99, "{} live requests", passed + 1);
    limited(&refused)?;
    let ends = end_of(&first).await?;
    let start = async || {
        let call = Page::starting(ground.http(), &Jar::default()).json(&json!({}));
        call.proof(&Key::fresh()).await?.send().await
    };
    hand.pass_until(ends - 1).await?;
    limited(&start().await?)?;
    hand.pass(1).await?;
    start().await?.is(201)?;
    Ok("429 one second before they end, 201 then".to_owned())
}
