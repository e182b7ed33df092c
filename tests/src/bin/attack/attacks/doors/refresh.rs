//! Refresh tokens: used twice, by another client, without their key, for more than was given.

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;

use super::super::{Attack, Held, attacks};
use crate::client::Key;
use crate::client::site::{refuses, text};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["refresh", StandingTime;
        token_of_another_client,
        token_without_its_key,
        token_for_more_than_was_given,
        token_used_by_fifty_at_once,
        token_of_an_ended_session,
        token_after_it_was_given_back,
        token_in_other_places,
        token_used_again_after_a_minute,
    ];
    all.extend(attacks!["refresh", StandingTime; token_stolen_and_used]);
    all
}

/// RFC 9700 §4.14.2: of thief and client one comes second; then nobody has anything.
async fn token_stolen_and_used(ground: Ground) -> Held {
    let (site, device) = (ground.site(&["--public"]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let first = text(&tokens, "refresh_token")?;
    let stolen = site.from(ground.elsewhere()?.http());
    let thief = stolen.refresh(first).await?.is(200)?.json()?;
    let thief = stolen.refresh(text(&thief, "refresh_token")?).await?.is(200)?.json()?;
    refuses(site.refresh(first).await?, 400, "invalid_grant")?;
    refuses(stolen.refresh(text(&thief, "refresh_token")?).await?, 400, "invalid_grant")?;
    stolen.userinfo(text(&thief, "access_token")?).await?.is(401)?;
    Ok("the client's own use ends what the thief has".to_owned())
}

async fn token_used_again_after_a_minute(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (site, device) = (ground.site(&["--public"]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let first = text(&tokens, "refresh_token")?;
    let next = site.refresh(first).await?.is(200)?.json()?;
    ground.hand()?.pass(59).await?;
    let again = site.refresh(first).await?.is(200)?.json()?;
    ensure!(again["refresh_token"] == next["refresh_token"], "a repeat gives another token");
    ground.hand()?.pass(1).await?;
    refuses(site.refresh(first).await?, 400, "invalid_grant")?;
    refuses(site.refresh(text(&next, "refresh_token")?).await?, 400, "invalid_grant")?;
    Ok("the same successor for a minute, then the end of all".to_owned())
}

async fn token_of_another_client(ground: Ground) -> Held {
    let (site, device) = (ground.site(&["--public"]).await?, ground.device().await?);
    let (other, public) = (ground.site(&[]).await?, ground.site(&["--public"]).await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let token = text(&tokens, "refresh_token")?;
    for thief in [&other, &public] {
        refuses(thief.refresh(token).await?, 400, "invalid_grant")?;
    }
    site.refresh(token).await?.is(200).context("it is still its own client's")?;
    Ok("two other clients: invalid_grant, and nothing has ended".to_owned())
}

async fn token_without_its_key(ground: Ground) -> Held {
    let (site, device, key) = (ground.site(&["--public"]).await?, ground.device().await?, Key::fresh());
    let (_, code) = site.code(&device, &[]).await?;
    let bound = site.call("/oauth/token", &site.exchange(&code)).proof(&key).await?;
    let tokens = bound.send().await?.is(200)?.json()?;
    let asked = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token")?)];
    refuses(site.ask(&asked).await?, 400, "invalid_grant")?;
    let stolen = site.call("/oauth/token", &asked).proof(&Key::fresh()).await?;
    refuses(stolen.send().await?, 400, "invalid_grant")?;
    // A proof for another call, made with the right key.
    let elsewhere = site.http.proof(&key, "POST", "/oauth/revoke").await?.sign(&key);
    let misled = site.call("/oauth/token", &asked).header("dpop", elsewhere);
    refuses(misled.send().await?, 400, "invalid_dpop_proof")?;
    let method = site.http.proof(&key, "GET", "/oauth/token").await?.sign(&key);
    let misled = site.call("/oauth/token", &asked).header("dpop", method);
    refuses(misled.send().await?, 400, "invalid_dpop_proof")?;
    site.call("/oauth/token", &asked).proof(&key).await?.send().await?.is(200)?;
    Ok("without a proof, with another key's, with one for another call".to_owned())
}

async fn token_for_more_than_was_given(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[("scope", "openid profile")]).await?;
    let token = text(&tokens, "refresh_token")?;
    for scope in ["openid profile email", "groups", "admin", "openid  profile", "\""] {
        let asked = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        refuses(site.ask(&asked).await?, 400, "invalid_scope").with_context(|| scope.to_owned())?;
    }
    let asked = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "openid")];
    let less = site.ask(&asked).await?.is(200)?.json()?;
    ensure!(less["scope"] == "openid", "{less}");
    Ok("five ways to more: invalid_scope; less is given".to_owned())
}

async fn token_used_by_fifty_at_once(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let token = text(&tokens, "refresh_token")?;
    let answers = try_join_all((0..50).map(|_| site.refresh(token))).await?;
    let mut successors = std::collections::BTreeSet::new();
    for answer in answers {
        successors.insert(text(&answer.is(200)?.json()?, "refresh_token")?.to_owned());
    }
    ensure!(successors.len() == 1, "{} successors of one token", successors.len());
    Ok("fifty answers, one successor".to_owned())
}

async fn token_of_an_ended_session(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    device.delete("/api/sessions").await?.is(204)?;
    refuses(site.refresh(text(&tokens, "refresh_token")?).await?, 400, "invalid_grant")?;
    site.userinfo(text(&tokens, "access_token")?).await?.is(401)?;
    Ok("what the app ends is over, refresh and access token".to_owned())
}

async fn token_after_it_was_given_back(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let (access, refresh) = (text(&tokens, "access_token")?, text(&tokens, "refresh_token")?);
    site.userinfo(access).await?.is(200)?;
    site.call("/oauth/revoke", &[("token", refresh)]).send().await?.is(200)?;
    site.userinfo(access).await?.is(401)?;
    refuses(site.refresh(refresh).await?, 400, "invalid_grant")?;
    Ok("both tokens of the grant".to_owned())
}

async fn token_in_other_places(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let (access, refresh) = (text(&tokens, "access_token")?, text(&tokens, "refresh_token")?);
    refuses(site.ask(&site.exchange(refresh)).await?, 400, "invalid_grant").context("as a code")?;
    refuses(site.refresh(access).await?, 400, "invalid_grant").context("an access token")?;
    refuses(site.refresh(text(&tokens, "id_token")?).await?, 400, "invalid_grant")?;
    let device_code = [("grant_type", crate::client::site::DEVICE_CODE), ("device_code", refresh)];
    refuses(site.ask(&device_code).await?, 400, "invalid_grant")?;
    site.userinfo(refresh).await?.is(401).context("as an access token")?;
    for token in [refresh, access] {
        let call = site.http.call("GET", "/api/devices").header("authorization", format!("DPoP {token}"));
        call.proof(&device.key).await?.send().await?.is(401).context("as a device's token")?;
    }
    Ok("each kind of token in the places of the others".to_owned())
}
