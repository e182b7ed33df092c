//! The authorization endpoint: where an answer goes, who is asked for it, and what may stand in an address.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::super::{Attack, Held, attacks};
use crate::client::site::{parameter, text, transaction_in, visit};
use crate::client::{Answer, Jar, Key, Page, send_statement};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    attacks!["authorize", StandingTime;
        answer_at_an_address_of_somebody_else,
        answer_at_another_port,
        each_answer_says_who_it_is_from,
        challenge_in_plain_or_none,
        code_for_a_client_that_nobody_agreed_to,
        more_scopes_than_were_agreed_to,
        scopes_that_the_client_may_not_have,
        approval_that_was_for_something_else,
        somebody_else_than_was_meant,
        person_who_was_not_verified,
        program_in_the_name_of_another_one,
        transaction_altered,
        transaction_of_another_server,
        transaction_of_a_client_that_changed,
        pages_in_frames_and_caches,
        transaction_after_its_life,
    ]
}

/// It is a page that says no, and leads nowhere.
fn stays_here(answer: Answer) -> Result<Answer> {
    let answer = answer.is(400)?;
    ensure!(answer.header("location").is_empty() && answer.cookies().is_empty(), "{answer} leads on");
    ensure!(answer.text().contains("data-state=\"refused\""), "{answer} is another page");
    Ok(answer)
}

/// The error that a client is led back with.
fn hears(answer: &Answer, error: &str) -> Result<()> {
    let to = answer.header("location");
    let said = parameter(to, "error").with_context(|| answer.to_string())?;
    ensure!(said == error, "{answer}: the client hears {said}; {error} was due");
    ensure!(parameter(to, "code").is_err(), "a code beside an error: {to}");
    Ok(())
}

async fn answer_at_an_address_of_somebody_else(ground: Ground) -> Held {
    let (site, other) = (ground.site(&[]).await?, ground.site(&[]).await?);
    let (device, host) = (ground.device().await?, format!("{}.example", site.id));
    let (page, _) = site.sign_in(&device, &[]).await?;
    let spellings = [
        "https://evil.example/callback".to_owned(),
        other.redirect_uri.clone(),
        format!("https://{host}/callback/"),
        format!("https://{host}/callback?x=1"),
        format!("https://{host}/callback#x"),
        format!("https://{host}/Callback"),
        format!("https://{host}/x/../callback"),
        format!("https://{host}/%63allback"),
        format!("https://{host}//callback"),
        format!("https://{host}:443/callback"),
        format!("https://{host}./callback"),
        format!("https://{host}:8443/callback"),
        format!("https://{}/callback", host.to_uppercase()),
        format!("HTTPS://{host}/callback"),
        format!("http://{host}/callback"),
        format!("https://{host}@evil.example/callback"),
        format!("https://{host}.evil.example/callback"),
        format!("https://evil.example\\@{host}/callback"),
        format!("https://evil.example/?{}", site.redirect_uri),
        format!("https://user@{host}/callback"),
        format!("//{host}/callback"),
        format!(" {}", site.redirect_uri),
        format!("{}\u{0}", site.redirect_uri),
        format!("{}\r\nSet-Cookie: a=b", site.redirect_uri),
        format!("https://{}/callback", host.replacen('u', "\u{1d64}", 1)),
        "javascript:alert(1)".to_owned(),
        "data:text/html,x".to_owned(),
        "/".to_owned(),
    ];
    for uri in &spellings {
        // Signed in and agreed: a code would be there to be had.
        for more in [&[][..], &[("prompt", "none")], &[("response_type", "token")]] {
            let changes = [&[("redirect_uri", uri.as_str())][..], more].concat();
            let answer = stays_here(site.send(&page.jar, &changes).await?).with_context(|| uri.clone())?;
            ensure!(!answer.text().contains("evil.example"), "the page has {uri} in it");
        }
    }
    let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example%2F", site.asks(&[]));
    stays_here(visit(&site.http, &page.jar, &twice).await?)?;
    Ok(format!("{} spellings, three ways each: a page, and nowhere on", spellings.len()))
}

/// RFC 8252 §7.3 lets a native app use any port of a loopback literal; nothing else.
async fn answer_at_another_port(ground: Ground) -> Held {
    let id = fresh_name();
    let site = ground.site_at(&id, "http://127.0.0.1/callback", &["--public"]).await?;
    transaction_in(
        &site.send(&Jar::default(), &[("redirect_uri", "http://127.0.0.1:49152/callback")]).await?,
    )?;
    let bad = [
        "http://127.0.0.1:49152/other",
        "http://127.0.0.1:49152/callback/",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.2:49152/callback",
        "http://127.1/callback",
        "http://2130706433/callback",
        "http://0x7f.0.0.1/callback",
        "http://[::1]:49152/callback",
        "http://[::ffff:127.0.0.1]/callback",
        "http://localhost:49152/callback",
        "https://127.0.0.1:49152/callback",
    ];
    for uri in bad {
        stays_here(site.send(&Jar::default(), &[("redirect_uri", uri)]).await?).context(uri)?;
    }
    Ok(format!("another port passes, {} other spellings do not", bad.len()))
}

/// RFC 9207: against mix-up, every answer names its issuer.
async fn each_answer_says_who_it_is_from(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let origin = ground.http().origin().to_owned();
    let transaction = site.transaction(&[]).await?;
    let (page, back) = site.sign_in(&device, &[]).await?;
    let cancel = format!("/oauth/cancel?transaction={transaction}");
    let called_off = visit(&site.http, &Jar::default(), &cancel).await?.header("location").to_owned();
    let mut answers = vec![back, called_off];
    for changes in [
        &[("prompt", "none")][..],
        &[("response_type", "token")],
        &[("scope", "\"")],
        &[("prompt", "none login")],
    ] {
        answers.push(site.send(&page.jar, changes).await?.header("location").to_owned());
    }
    for answer in &answers {
        ensure!(answer.starts_with(&site.redirect_uri), "{answer} is no answer");
        ensure!(parameter(answer, "iss")? == origin, "{answer} names another issuer");
        ensure!(parameter(answer, "state")? == "st4te", "{answer} has another state");
    }
    Ok(format!("{} answers, codes and errors", answers.len()))
}

async fn challenge_in_plain_or_none(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (page, _) = site.sign_in(&device, &[]).await?;
    let bad = [
        &[("code_challenge", ""), ("code_challenge_method", "")][..],
        &[("code_challenge", "")],
        &[("code_challenge_method", "")],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "s256")],
        &[("code_challenge_method", "S512")],
        &[("code_challenge", "short")],
    ];
    for changes in bad {
        hears(&site.send(&page.jar, changes).await?, "invalid_request")?;
    }
    Ok(format!("{} ways without a challenge by S256: invalid_request", bad.len()))
}

/// Who is signed in has agreed to one site, not to all.
async fn code_for_a_client_that_nobody_agreed_to(ground: Ground) -> Held {
    let (site, other, device) = (ground.site(&[]).await?, ground.site(&[]).await?, ground.device().await?);
    let (page, _) = site.sign_in(&device, &[]).await?;
    let again = site.send(&page.jar, &[]).await?;
    parameter(again.header("location"), "code").context("agreed to, it is answered at once")?;
    transaction_in(&other.send(&page.jar, &[]).await?)?;
    hears(&other.send(&page.jar, &[("prompt", "none")]).await?, "consent_required")?;
    let (plain, _) = ground.signed_in().await?;
    transaction_in(&site.send(&plain.jar, &[]).await?)?;
    Ok("a code at once for the site that was agreed to; the login page for another one and for another account"
        .to_owned())
}

async fn more_scopes_than_were_agreed_to(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (page, _) = site.sign_in(&device, &[("scope", "openid")]).await?;
    for scope in ["openid email", "openid groups", "profile"] {
        transaction_in(&site.send(&page.jar, &[("scope", scope)]).await?)?;
        hears(&site.send(&page.jar, &[("scope", scope), ("prompt", "none")]).await?, "consent_required")?;
    }
    Ok("three wider requests: the person is asked again".to_owned())
}

async fn scopes_that_the_client_may_not_have(ground: Ground) -> Held {
    let site = ground.site(&["--scope", "repo:read"]).await?;
    let device = ground.device().await?;
    let asked = [("scope", "openid repo:read repo:write admin")];
    let page = site.started(&site.transaction(&asked).await?).await?;
    let scan = device.take(&page).await?;
    let shown = scan.read_context()?["scopes"].clone();
    ensure!(shown == json!(["openid", "repo:read"]), "the person is asked for {shown}");
    let (_, tokens) = site.tokens(&device, &asked).await?;
    ensure!(tokens["scope"] == "openid repo:read", "{tokens}");
    hears(&site.send(&Jar::default(), &[("scope", "admin")]).await?, "invalid_scope")?;
    Ok("left out before the person is asked, and in the token".to_owned())
}

/// `prompt=login` and `max_age`: whoever sits at an unlocked computer is not the person once more.
async fn approval_that_was_for_something_else(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (page, _) = site.sign_in(&device, &[]).await?;
    ground.hand()?.pass(30).await?;
    for changes in [
        ("prompt", "login"),
        ("prompt", "consent"),
        ("prompt", "select_account"),
        ("max_age", "29"),
        ("max_age", "0"),
    ] {
        transaction_in(&site.send(&page.jar, &[changes]).await?).with_context(|| format!("{changes:?}"))?;
    }
    hears(&site.send(&page.jar, &[("max_age", "29"), ("prompt", "none")]).await?, "login_required")?;
    let recent = site.send(&page.jar, &[("max_age", "30")]).await?;
    parameter(recent.header("location"), "code")?;
    Ok("a login of 30 s ago is no answer to prompt=login or to a max_age of 29".to_owned())
}

async fn somebody_else_than_was_meant(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (site, ada, grace) = (ground.site(&[]).await?, ground.device().await?, ground.device().await?);
    let (page, _) = site.sign_in(&ada, &[]).await?;
    let (_, tokens) = site.tokens(&grace, &[]).await?;
    ground.hand()?.pass(1).await?;
    let hint = text(&tokens, "id_token")?;
    let silent = site.send(&page.jar, &[("id_token_hint", hint), ("prompt", "none")]).await?;
    hears(&silent, "login_required")?;
    transaction_in(&site.send(&page.jar, &[("id_token_hint", hint)]).await?)?;
    Ok("the site means Grace, Ada is signed in: no code".to_owned())
}

async fn person_who_was_not_verified(ground: Ground) -> Held {
    let id = fresh_name();
    let redirect_uri = format!("https://{id}.example/callback");
    let site = ground.site_at(&id, &redirect_uri, &[]).await?;
    let device = ground.device().await?;
    let (page, _) = site.sign_in(&device, &[]).await?;
    // The operator makes it a site that wants verified people; the browser's session is older than that.
    let server = ground.server()?;
    server.operate(&["clients", "remove", &id]).await?;
    let site = ground.site_at(&id, &redirect_uri, &["--step-up"]).await?;
    transaction_in(&site.send(&page.jar, &[]).await?)?;
    let asked = site.started(&site.transaction(&[]).await?).await?;
    let scan = device.take(&asked).await?;
    let context = scan.read_context()?;
    ensure!(context["user_verification"] == "required", "the authenticator is told {context}");
    let check = asked.check().await?;
    let answer = device.decide(&scan, "approve", Some(&check)).await?;
    ensure!(answer.status >= 400, "{answer}: an approval by nobody verified");
    let other = ground.site(&[]).await?;
    let (page, _) = other.sign_in(&device, &[]).await?;
    // Agreed to by a verified person elsewhere, here by nobody verified.
    let verified = site.started(&site.transaction(&[]).await?).await?;
    let scan = device.take(&verified).await?;
    let check = verified.check().await?;
    let statement = device.statement(&scan, "approve", Some(&check))?.claim("user_verified", true);
    send_statement(ground.http(), &statement.sign(&device.key)).await?.is(204)?;
    let mut verified = verified;
    verified.sign_in().await?;
    transaction_in(&site.send(&page.jar, &[]).await?)?;
    hears(&site.send(&page.jar, &[("prompt", "none")]).await?, "interaction_required")?;
    Ok("a session without verification is no answer to a site that asks for it".to_owned())
}

/// RFC 8252 §8.6: any program of the computer can send a browser here with a native client's id, and listen at a port.
async fn program_in_the_name_of_another_one(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let device = ground.device().await?;
    for uri in ["http://127.0.0.1/callback", "http://localhost:4711/callback", "com.example.app:/callback"] {
        let site = ground.site_at(&fresh_name(), uri, &["--public"]).await?;
        let (page, back) = site.sign_in(&device, &[]).await?;
        parameter(&back, "code").context("a native app signs in")?;
        ground.hand()?.pass(1).await?;
        transaction_in(&site.send(&page.jar, &[]).await?).with_context(|| uri.to_owned())?;
        hears(&site.send(&page.jar, &[("prompt", "none")]).await?, "interaction_required")?;
    }
    Ok("three native clients that were agreed to: the person is asked each time".to_owned())
}

async fn transaction_altered(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    let good = site.transaction(&[]).await?;
    let other = site.transaction(&[("state", "other")]).await?;
    let middle = good.len() / 2;
    let flipped = if good.as_bytes()[middle] == b'A' { 'B' } else { 'A' };
    let bad = [
        format!("{}{flipped}{}", &good[..middle], &good[middle + 1..]),
        format!("{}{}", &good[..middle], &other[middle..]),
        good[1..].to_owned(),
        good[..good.len() - 4].to_owned(),
        format!("{good}AAAA"),
        format!("{good}="),
        "A".repeat(4_096),
        "A".repeat(20_000),
        "%00".to_owned(),
        "../../login".to_owned(),
    ];
    for transaction in &bad {
        for path in ["resume", "cancel"] {
            let path = format!("/oauth/{path}?transaction={transaction}");
            let answer = visit(&site.http, &Jar::default(), &path).await?;
            ensure!([400, 414].contains(&answer.status) && answer.header("location").is_empty(), "{answer}");
        }
        let body = json!({ "transaction": transaction });
        let start = Page::starting(&site.http, &Jar::default()).json(&body).proof(&Key::fresh()).await?;
        start.send().await?.one_of(&[400, 413])?;
    }
    let twice = format!("/oauth/resume?transaction={good}&transaction={other}");
    stays_here(visit(&site.http, &Jar::default(), &twice).await?)?;
    Ok(format!("{} texts that were not made here, at three endpoints", bad.len()))
}

async fn transaction_of_another_server(ground: Ground) -> Held {
    let elsewhere = Ground::standing(&[]).await?;
    let redirect_uri = "https://twin.example/callback";
    let theirs = elsewhere.site_at("twin", redirect_uri, &[]).await?.transaction(&[]).await?;
    let ours = ground.site_at("twin", redirect_uri, &[]).await?;
    stays_here(visit(&ours.http, &Jar::default(), &format!("/oauth/resume?transaction={theirs}")).await?)?;
    let start = Page::starting(&ours.http, &Jar::default()).json(&json!({ "transaction": theirs }));
    start.proof(&Key::fresh()).await?.send().await?.is(400)?;
    Ok("the same client at another server: 400".to_owned())
}

async fn transaction_of_a_client_that_changed(ground: Ground) -> Held {
    let id = fresh_name();
    let site = ground.site_at(&id, "https://before.example/callback", &[]).await?;
    let device = ground.device().await?;
    let transaction = site.transaction(&[]).await?;
    let mut page = site.started(&transaction).await?;
    device.approve(&page).await?;
    page.sign_in().await?;
    let server = ground.server()?;
    server.operate(&["clients", "remove", &id]).await?;
    ground.site_at(&id, "https://after.example/callback", &[]).await?;
    for path in ["resume", "cancel"] {
        stays_here(visit(&site.http, &page.jar, &format!("/oauth/{path}?transaction={transaction}")).await?)?;
    }
    Ok("its address was taken from it meanwhile: no answer goes there".to_owned())
}

async fn transaction_after_its_life(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (page, _) = site.sign_in(&device, &[]).await?;
    let transaction = site.transaction(&[]).await?;
    let hand = ground.hand()?;
    let path = format!("/oauth/resume?transaction={transaction}");
    hand.pass(899).await?;
    // The session's own token is older than ten minutes by then, so the way leads on to its renewal.
    let answer = visit(&site.http, &page.jar, &path).await?.is(303)?;
    ensure!(answer.header("location").starts_with("/renew?"), "{answer}");
    hand.pass(1).await?;
    stays_here(visit(&site.http, &page.jar, &path).await?)?;
    let start = Page::starting(&site.http, &Jar::default()).json(&json!({ "transaction": transaction }));
    start.proof(&Key::fresh()).await?.send().await?.is(410)?;
    Ok("good for 899 s, over at 900".to_owned())
}

async fn pages_in_frames_and_caches(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    let transaction = site.transaction(&[]).await?;
    let pages = [
        site.asks(&[("client_id", "nobody")]),
        format!("/login?transaction={transaction}"),
        "/oauth/resume?transaction=x".to_owned(),
        "/oauth/end-session".to_owned(),
        "/device".to_owned(),
        site.asks(&[]),
    ];
    for path in &pages {
        let answer = visit(&site.http, &Jar::default(), path).await?;
        let policy = answer.header("content-security-policy");
        ensure!(policy.contains("frame-ancestors 'none'"), "{path} may be framed: {policy:?}");
        ensure!(answer.header("x-frame-options") == "DENY", "{path}: {:?}", answer.header("x-frame-options"));
        ensure!(answer.header("cache-control").contains("no-store"), "{path} is kept by caches");
        ensure!(answer.header("referrer-policy") != "unsafe-url", "{path} tells its address");
        ensure!(answer.header("access-control-allow-origin").is_empty(), "{path} is read by other sites");
    }
    Ok(format!("{} pages: no frame, no cache, no other site", pages.len()))
}
