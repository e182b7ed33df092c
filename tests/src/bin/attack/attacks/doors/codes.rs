//! Codes at the token endpoint: somebody else's, without what belongs to them, twice, late; and who the client is.

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;

use super::super::{Attack, Held, attacks};
use crate::client::site::{basic, form, refuses, text};
use crate::client::{Key, random_name};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["codes", StandingTime;
        code_of_another_client,
        code_without_its_verifier,
        code_at_another_address,
        code_used_twice,
        code_used_by_fifty_at_once,
        code_of_an_ended_session,
        code_of_another_key,
        client_without_its_secret,
        client_in_two_ways,
        client_with_a_secret_that_was_replaced,
        parameters_twice_or_in_the_address,
        code_after_a_minute,
    ];
    all.extend(attacks!["codes", StandingTime; guesses_per_address]);
    all
}

/// Code injection and mix-up: a code that was given to one client is shown by another one.
async fn code_of_another_client(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (other, public) = (ground.site(&[]).await?, ground.site(&["--public"]).await?);
    let (_, code) = site.code(&device, &[]).await?;
    for thief in [&other, &public] {
        let mut asked = thief.exchange(&code);
        refuses(thief.ask(&asked).await?, 400, "invalid_grant")?;
        // The address of the one that the code was made for.
        asked[2].1 = &site.redirect_uri;
        refuses(thief.ask(&asked).await?, 400, "invalid_grant")?;
    }
    site.ask(&site.exchange(&code)).await?.is(200).context("the code is still its own client's")?;
    Ok("two other clients: invalid_grant, and the code is not used up".to_owned())
}

async fn code_without_its_verifier(ground: Ground) -> Held {
    let (site, device) = (ground.site(&["--public"]).await?, ground.device().await?);
    let (_, code) = site.code(&device, &[]).await?;
    let challenge = crate::client::site::challenge();
    for verifier in ["x", challenge.as_str(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK"] {
        let mut asked = site.exchange(&code);
        asked[3].1 = verifier;
        refuses(site.ask(&asked).await?, 400, "invalid_grant")?;
    }
    let asked = site.exchange(&code);
    refuses(site.ask(&asked[..3]).await?, 400, "invalid_request")?;
    site.ask(&asked).await?.is(200)?;
    Ok("none, the challenge itself and wrong ones".to_owned())
}

async fn code_at_another_address(ground: Ground) -> Held {
    let id = fresh_name();
    let (first, second) = (format!("https://{id}.example/callback"), format!("https://{id}.example/other"));
    let site = ground.site_at(&id, &first, &["--redirect", &second]).await?;
    let (_, code) = site.code(&ground.device().await?, &[]).await?;
    let mut asked = site.exchange(&code);
    // Registered too, but not what this code was made for (RFC 6749 §4.1.3).
    asked[2].1 = &second;
    refuses(site.ask(&asked).await?, 400, "invalid_grant")?;
    asked[2].1 = "";
    refuses(site.ask(&asked).await?, 400, "invalid_request")?;
    Ok("another registered address, and none".to_owned())
}

async fn code_used_twice(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, code) = site.code(&device, &[]).await?;
    let tokens = site.ask(&site.exchange(&code)).await?.is(200)?.json()?;
    let access = text(&tokens, "access_token")?;
    site.userinfo(access).await?.is(200)?;
    refuses(site.ask(&site.exchange(&code)).await?, 400, "invalid_grant")?;
    // RFC 6749 §4.1.2: one of both is a thief, so what the first got is over as well.
    site.userinfo(access).await?.is(401)?;
    refuses(site.refresh(text(&tokens, "refresh_token")?).await?, 400, "invalid_grant")?;
    Ok("invalid_grant, and the first tokens have ended".to_owned())
}

async fn code_used_by_fifty_at_once(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, code) = site.code(&device, &[]).await?;
    let asked = site.exchange(&code);
    let mut elsewhere = Vec::new();
    for _ in 0..50 {
        elsewhere.push(site.from(ground.elsewhere()?.http()));
    }
    let answers = try_join_all(elsewhere.iter().map(|site| site.ask(&asked))).await?;
    let given: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    ensure!(given.len() == 1, "{} of 50 got tokens", given.len());
    let tokens = given[0].json()?;
    site.userinfo(text(&tokens, "access_token")?).await?.is(401)?;
    Ok("one of fifty, and that one's tokens end with the second".to_owned())
}

async fn code_of_an_ended_session(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, code) = site.code(&device, &[]).await?;
    device.delete("/api/sessions").await?.is(204)?;
    refuses(site.ask(&site.exchange(&code)).await?, 400, "invalid_grant")?;
    Ok("signed out in the app before the exchange: invalid_grant".to_owned())
}

/// RFC 9449 §10: `dpop_jkt` binds a code to the key of whoever asked for it.
async fn code_of_another_key(ground: Ground) -> Held {
    let (site, device) = (ground.site(&["--public"]).await?, ground.device().await?);
    let (key, other) = (Key::fresh(), Key::fresh());
    let (_, code) = site.code(&device, &[("dpop_jkt", &key.thumbprint())]).await?;
    let asked = site.exchange(&code);
    refuses(site.ask(&asked).await?, 400, "invalid_grant")?;
    let stolen = site.call("/oauth/token", &asked).proof(&other).await?;
    refuses(stolen.send().await?, 400, "invalid_grant")?;
    let twice = site.call("/oauth/token", &asked).proof(&key).await?.header("dpop", "a.b.c");
    refuses(twice.send().await?, 400, "invalid_dpop_proof")?;
    let good = site.call("/oauth/token", &asked).proof(&key).await?;
    let tokens = good.clone().send().await?.is(200)?.json()?;
    ensure!(tokens["token_type"] == "DPoP", "{tokens}");
    refuses(good.send().await?, 400, "invalid_dpop_proof").context("the same proof again")?;
    // A bound token is no bearer token, neither alone nor with somebody else's proof.
    let access = text(&tokens, "access_token")?;
    site.userinfo(access).await?.is(401)?;
    let with = |key: Key, to: &'static str| {
        let call = site.http.call("GET", to);
        async move { call.token(&key, access).await?.send().await }
    };
    with(other, "/oauth/userinfo").await?.is(401)?;
    with(key, "/oauth/userinfo").await?.is(200)?;
    Ok("no key, another key, two proofs, the same proof again; a bound token as bearer and with another key"
        .to_owned())
}

async fn client_without_its_secret(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (public, other) = (ground.site(&["--public"]).await?, ground.site(&[]).await?);
    let (_, code) = site.code(&device, &[]).await?;
    let secret = site.secret.clone().unwrap_or_default();
    let of_other = other.secret.clone().unwrap_or_default();
    let wrong = random_name();
    let good = site.exchange(&code);
    let with = |more: &[(&'static str, &str)]| {
        let pairs: Vec<(&str, &str)> = good.iter().copied().chain(more.iter().copied()).collect();
        site.bare("/oauth/token", &pairs)
    };
    let id = site.id.as_str();
    for (what, call) in [
        ("its id alone", with(&[("client_id", id)])),
        ("an empty secret", with(&[("client_id", id), ("client_secret", "")])),
        ("a wrong secret", with(&[("client_id", id), ("client_secret", &wrong)])),
        ("another client's secret", with(&[("client_id", id), ("client_secret", &of_other)])),
        ("nothing", with(&[])),
        ("the secret alone", with(&[("client_secret", &secret)])),
        ("Basic without a secret", with(&[]).header("authorization", basic(id, ""))),
        ("Basic with a wrong secret", with(&[]).header("authorization", basic(id, &wrong))),
        ("Basic with a zero byte", with(&[]).header("authorization", basic(id, &format!("{secret}\u{0}")))),
        ("Basic encoded twice", with(&[]).header("authorization", basic(id, &format!("{secret}%2500")))),
        ("Basic in another encoding", with(&[]).header("authorization", "Basic \u{fffd}\u{fffd}")),
        ("its secret as a bearer token", with(&[]).header("authorization", format!("Bearer {secret}"))),
        ("the id in capitals", with(&[("client_id", &id.to_uppercase()), ("client_secret", &secret)])),
    ] {
        refuses(call.send().await?, 401, "invalid_client").context(what)?;
    }
    // In the address it is not looked for (RFC 6749 §2.3.1).
    let query = form(&[("client_id", id), ("client_secret", &secret)]);
    let call = site.bare(&format!("/oauth/token?{query}"), &good);
    refuses(call.send().await?, 401, "invalid_client")?;
    // A public client has no secret that would be right.
    let pairs = [("client_id", public.id.as_str()), ("client_secret", wrong.as_str())];
    let guess = [&public.exchange(&code)[..], &pairs].concat();
    refuses(public.bare("/oauth/token", &guess).send().await?, 401, "invalid_client")?;
    site.ask(&good).await?.is(200)?;
    Ok("fifteen ways without the right secret: invalid_client".to_owned())
}

async fn client_in_two_ways(ground: Ground) -> Held {
    let (site, other) = (ground.site(&[]).await?, ground.site(&[]).await?);
    let (_, code) = site.code(&ground.device().await?, &[]).await?;
    let secret = |site: &crate::client::Site| site.secret.clone().unwrap_or_default();
    let header = basic(&site.id, &secret(&site));
    let good = site.exchange(&code);
    let calls = [
        site.call("/oauth/token", &good).header("authorization", &header),
        other.call("/oauth/token", &good).header("authorization", &header),
        site.bare("/oauth/token", &good).header("authorization", &header).header("authorization", &header),
        site.bare("/oauth/token", &[&good[..], &[("client_id", other.id.as_str())]].concat())
            .header("authorization", &header),
    ];
    for call in calls {
        refuses(call.send().await?, 400, "invalid_request")?;
    }
    site.bare("/oauth/token", &good).header("authorization", &header).send().await?.is(200)?;
    Ok("header and body, two headers, two clients: invalid_request".to_owned())
}

async fn client_with_a_secret_that_was_replaced(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    let (_, code) = site.code(&ground.device().await?, &[]).await?;
    let rotated = ground.server()?.operate(&["clients", "rotate", &site.id, "--at-once"]).await?;
    refuses(site.ask(&site.exchange(&code)).await?, 401, "invalid_client")?;
    let new = crate::client::Site::read(&site.http, &rotated, &site.redirect_uri)?;
    new.ask(&new.exchange(&code)).await?.is(200)?;
    Ok("refused at once where the operator says so".to_owned())
}

async fn parameters_twice_or_in_the_address(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    let (_, code) = site.code(&ground.device().await?, &[]).await?;
    let good = site.exchange(&code);
    for more in [("code", "x"), ("redirect_uri", ""), ("grant_type", "refresh_token"), ("client_id", "x")] {
        let twice = [&good[..], &[more]].concat();
        refuses(site.ask(&twice).await?, 400, "invalid_request").with_context(|| format!("{more:?}"))?;
    }
    let call = site.call(&format!("/oauth/token?{}", form(&good)), &[]);
    refuses(call.send().await?, 400, "invalid_request")?;
    let json = site.call("/oauth/token", &good).instead("content-type", "application/json");
    refuses(json.send().await?, 400, "invalid_request")?;
    site.http.call("GET", &format!("/oauth/token?{}", form(&good))).send().await?.is(405)?;
    let many: Vec<(String, String)> = (0..400).map(|n| (format!("p{n}"), "x".repeat(8))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    site.ask(&[&good[..], &many].concat()).await?.one_of(&[200, 413])?;
    let long = "x".repeat(1 << 20);
    site.ask(&[("code", &long)]).await?.is(413)?;
    Ok("each parameter once, in the body, of bounded size".to_owned())
}

async fn code_after_a_minute(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, early) = site.code(&device, &[]).await?;
    let (_, late) = site.code(&device, &[]).await?;
    ground.hand()?.pass(59).await?;
    site.ask(&site.exchange(&early)).await?.is(200)?;
    ground.hand()?.pass(1).await?;
    refuses(site.ask(&site.exchange(&late)).await?, 400, "invalid_grant")?;
    Ok("good for 59 s, over at 60".to_owned())
}

/// Guard: secrets, codes and refresh tokens that are wrong count against whoever tries them, and against nobody else.
async fn guesses_per_address(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    let device = ground.device().await?;
    let (_, code) = site.code(&device, &[]).await?;
    let guesser = site.from(ground.elsewhere()?.http());
    let mut tried = 0;
    let limited = loop {
        let wrong = random_name();
        let answer = match tried % 3 {
            0 => guesser.ask(&guesser.exchange(&wrong)).await?,
            1 => guesser.refresh(&wrong).await?,
            _ => {
                let pairs = [("client_id", guesser.id.as_str()), ("client_secret", wrong.as_str())];
                guesser.bare("/oauth/token", &pairs).send().await?
            }
        };
        if answer.status == 429 {
            break answer;
        }
        answer.one_of(&[400, 401])?;
        tried += 1;
        ensure!(tried < 150, "150 guesses passed and nothing was said");
    };
    ensure!(tried == 100, "{tried} guesses passed, 100 are allowed");
    refuses(limited, 429, "temporarily_unavailable")?;
    // The right one from there is not heard any more, and elsewhere it is.
    refuses(guesser.ask(&guesser.exchange(&code)).await?, 429, "temporarily_unavailable")?;
    site.ask(&site.exchange(&code)).await?.is(200)?;
    Ok("100, then 429, for that address alone".to_owned())
}
