//! Signing out by a site: who has a say, and where it leads.

use anyhow::{Context as _, Result, ensure};

use super::super::{Attack, Held, attacks};
use super::tokens::forgeries;
use crate::client::site::{form, text, visit};
use crate::client::{Answer, Page, Site};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    attacks!["sign_out", StandingTime;
        hint_of_another_account,
        hint_that_is_no_id_token,
        answer_to_the_question_of_another_session,
        answer_from_another_site,
        way_on_to_another_site,
        hint_of_one_client_and_the_name_of_another,
    ]
}

/// A site with an address after signing out.
async fn site(ground: &Ground) -> Result<Site> {
    let id = fresh_name();
    let after = format!("https://{id}.example/bye");
    ground.site_at(&id, &format!("https://{id}.example/callback"), &["--post-logout-redirect", &after]).await
}

async fn ask(site: &Site, page: &Page, pairs: &[(&str, &str)]) -> Result<Answer> {
    visit(&site.http, &page.jar, &format!("/oauth/end-session?{}", form(pairs))).await
}

/// The page that asks, and what its form sends.
fn question(answer: Answer) -> Result<String> {
    let answer = answer.is(200)?;
    let body = answer.text();
    ensure!(body.contains("data-state=\"sign-out\""), "the person is not asked: {answer}");
    let (_, rest) = body.split_once("name=\"confirmed\"").context("a form without its answer")?;
    let (_, rest) = rest.split_once("value=\"").context("an answer without a value")?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

async fn is_in(page: &Page) -> Result<()> {
    page.whoami().await?.is(200).context("somebody was signed out").map(drop)
}

async fn hint_of_another_account(ground: Ground) -> Held {
    let (site, ada, eve) = (site(&ground).await?, ground.device().await?, ground.device().await?);
    let (page, _) = site.tokens(&ada, &[]).await?;
    let (_, of_eve) = site.tokens(&eve, &[]).await?;
    question(ask(&site, &page, &[("id_token_hint", text(&of_eve, "id_token")?)]).await?)?;
    question(ask(&site, &page, &[]).await?)?;
    question(ask(&site, &page, &[("client_id", &site.id)]).await?)?;
    is_in(&page).await?;
    Ok("another person's token, none: the person is asked".to_owned())
}

async fn hint_that_is_no_id_token(ground: Ground) -> Held {
    let (site, device) = (site(&ground).await?, ground.device().await?);
    let (page, tokens) = site.tokens(&device, &[]).await?;
    let jwks = site.http.get("/oauth/jwks").await?.is(200)?.json()?;
    let mut bad = forgeries(text(&tokens, "id_token")?, &jwks)?;
    bad.push(("its access token", text(&tokens, "access_token")?.to_owned()));
    bad.push(("its refresh token", text(&tokens, "refresh_token")?.to_owned()));
    for (what, hint) in &bad {
        let answer = ask(&site, &page, &[("id_token_hint", hint)]).await?;
        question(answer).context(*what)?;
    }
    is_in(&page).await?;
    Ok(format!("{} texts: the person is asked", bad.len()))
}

async fn answer_to_the_question_of_another_session(ground: Ground) -> Held {
    let (site, ada, eve) = (site(&ground).await?, ground.device().await?, ground.device().await?);
    let (page, _) = site.tokens(&ada, &[]).await?;
    let (of_eve, _) = site.tokens(&eve, &[]).await?;
    let eves = question(ask(&site, &of_eve, &[]).await?)?;
    let body = form(&[("confirmed", &eves)]);
    let call = page.call("POST", "/oauth/end-session").body(body);
    let answer = call.header("content-type", "application/x-www-form-urlencoded").send().await?;
    ensure!(answer.status == 400, "{answer}");
    is_in(&page).await?;
    is_in(&of_eve).await?;
    Ok("a question that was put to somebody else".to_owned())
}

async fn answer_from_another_site(ground: Ground) -> Held {
    let (site, device) = (site(&ground).await?, ground.device().await?);
    let (page, _) = site.tokens(&device, &[]).await?;
    let own = question(ask(&site, &page, &[]).await?)?;
    let body = form(&[("confirmed", &own)]);
    let call = || {
        let call = site.http.call("POST", "/oauth/end-session").header("cookie", page.jar.header());
        call.header("content-type", "application/x-www-form-urlencoded").body(body.clone())
    };
    for origin in [Some("https://evil.example"), Some("null"), None] {
        let call = match origin {
            Some(origin) => call().header("origin", origin),
            None => call(),
        };
        call.send().await?.refuses(403, "wrong_origin").with_context(|| format!("{origin:?}"))?;
    }
    is_in(&page).await?;
    Ok("another origin, null, none: 403".to_owned())
}

async fn way_on_to_another_site(ground: Ground) -> Held {
    let (site_one, other) = (site(&ground).await?, site(&ground).await?);
    let (page, tokens) = site_one.tokens(&ground.device().await?, &[]).await?;
    let hint = ("id_token_hint", text(&tokens, "id_token")?);
    let host = format!("{}.example", site_one.id);
    let of_other = format!("https://{}.example/bye", other.id);
    for to in [
        "https://evil.example/",
        &of_other,
        &format!("https://{host}/callback"),
        &format!("https://{host}/bye/"),
        &format!("https://{host}/bye?x=1"),
        &format!("https://{host}/bye#x"),
        &format!("https://{host}:443/bye"),
        &format!("https://{host}./bye"),
        &format!("https://{host}@evil.example/bye"),
        "//evil.example",
        "javascript:alert(1)",
    ] {
        let answer = ask(&site_one, &page, &[hint, ("post_logout_redirect_uri", to)]).await?.is(400)?;
        ensure!(answer.header("location").is_empty(), "{to}: {answer}");
    }
    is_in(&page).await?;
    // Signed out or not, it is no open redirect.
    let nobody = ground.page().await?;
    ask(&other, &nobody, &[("post_logout_redirect_uri", &of_other)]).await?.is(400)?;
    ask(&other, &nobody, &[("client_id", "nobody"), ("post_logout_redirect_uri", &of_other)])
        .await?
        .is(400)?;
    Ok("eleven addresses: a page, and nobody is signed out".to_owned())
}

async fn hint_of_one_client_and_the_name_of_another(ground: Ground) -> Held {
    let (site_one, other) = (site(&ground).await?, site(&ground).await?);
    let (page, tokens) = site_one.tokens(&ground.device().await?, &[]).await?;
    let of_other = format!("https://{}.example/bye", other.id);
    let pairs = [
        ("id_token_hint", text(&tokens, "id_token")?),
        ("client_id", other.id.as_str()),
        ("post_logout_redirect_uri", &of_other),
    ];
    ask(&site_one, &page, &pairs).await?.is(400)?;
    is_in(&page).await?;
    Ok("400, and nobody is signed out".to_owned())
}
