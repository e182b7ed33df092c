//! Pushed authorization requests (RFC 9126), and the login page inside a page of a site.

use anyhow::{Context as _, Result, ensure};

use super::super::{Attack, Held, attacks};
use crate::client::site::{form, parameter, refuses, text, transaction_in, visit};
use crate::client::{Answer, Jar, Site, base64url};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    attacks!["pushed", StandingTime;
        request_of_another_client,
        request_used_twice,
        request_after_its_life,
        request_altered,
        parameters_beside_it,
        request_without_the_secret,
        request_for_somebody_elses_address,
        request_in_the_address_after_all,
        login_in_a_frame_of_another_site,
    ]
}

/// What a site pushes, with these parameters in place of its own.
async fn push(site: &Site, changes: &[(&str, &str)]) -> Result<Answer> {
    let asks = site.asks(changes);
    let (_, query) = asks.split_once('?').context("a request has parameters")?;
    let secret = site.secret.as_ref().map(|secret| format!("&{}", form(&[("client_secret", secret)])));
    let body = format!("{query}{}", secret.unwrap_or_default());
    let call =
        site.http.call("POST", "/oauth/par").header("content-type", "application/x-www-form-urlencoded");
    call.body(body).send().await
}

async fn pushed(site: &Site, changes: &[(&str, &str)]) -> Result<String> {
    let answer = push(site, changes).await?.is(201)?;
    Ok(text(&answer.json()?, "request_uri")?.to_owned())
}

async fn bring(site: &Site, request_uri: &str, more: &[(&str, &str)]) -> Result<Answer> {
    let pairs = [&[("client_id", site.id.as_str()), ("request_uri", request_uri)][..], more].concat();
    visit(&site.http, &Jar::default(), &format!("/oauth/authorize?{}", form(&pairs))).await
}

/// A page that leads nowhere.
fn stays_here(answer: Answer) -> Result<()> {
    let answer = answer.is(400)?;
    ensure!(answer.header("location").is_empty(), "{answer} leads on");
    Ok(())
}

fn hears_that_it_is_over(answer: &Answer) -> Result<()> {
    let said = parameter(answer.header("location"), "error").with_context(|| answer.to_string())?;
    ensure!(said == "invalid_request_uri", "{answer}: the client hears {said}");
    Ok(())
}

async fn request_of_another_client(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    // At the same address even, as two tenants of one program are.
    let other = ground.site_at(&fresh_name(), &site.redirect_uri, &[]).await?;
    let request_uri = pushed(&site, &[]).await?;
    stays_here(bring(&other, &request_uri, &[]).await?)?;
    transaction_in(&bring(&site, &request_uri, &[]).await?).context("it is still its own client's")?;
    Ok("a page, and nowhere on".to_owned())
}

async fn request_used_twice(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    let request_uri = pushed(&site, &[]).await?;
    transaction_in(&bring(&site, &request_uri, &[]).await?)?;
    hears_that_it_is_over(&bring(&site, &request_uri, &[]).await?)?;
    Ok("the second time: invalid_request_uri".to_owned())
}

async fn request_after_its_life(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let site = ground.site(&[]).await?;
    let (early, late) = (pushed(&site, &[]).await?, pushed(&site, &[]).await?);
    ground.hand()?.pass(89).await?;
    transaction_in(&bring(&site, &early, &[]).await?)?;
    ground.hand()?.pass(1).await?;
    hears_that_it_is_over(&bring(&site, &late, &[]).await?)?;
    Ok("good for 89 s, over at 90".to_owned())
}

async fn request_altered(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    let (good, other) = (pushed(&site, &[]).await?, pushed(&site, &[("state", "other")]).await?);
    let middle = good.len() - 40;
    let flipped = if good.as_bytes()[middle] == b'A' { 'B' } else { 'A' };
    let transaction = site.transaction(&[]).await?;
    let urn = "urn:ietf:params:oauth:request_uri:";
    for bad in [
        format!("{}{flipped}{}", &good[..middle], &good[middle + 1..]),
        format!("{}{}", &good[..middle], &other[middle..]),
        good[..good.len() - 4].to_owned(),
        format!("{good}A"),
        urn.to_owned(),
        format!("{urn}{}", base64url(b"{}")),
        // What is sealed for something else.
        format!("{urn}{transaction}"),
    ] {
        stays_here(bring(&site, &bad, &[]).await?).with_context(|| bad.clone())?;
    }
    // And the other way round.
    let sealed = good.strip_prefix(urn).context("another kind of reference")?;
    stays_here(visit(&site.http, &Jar::default(), &format!("/oauth/resume?transaction={sealed}")).await?)?;
    // Nothing is fetched from anywhere.
    let fetched =
        bring(&site, "https://evil.example/request.jwt", &[("redirect_uri", &site.redirect_uri)]).await?;
    let said = parameter(fetched.header("location"), "error")?;
    ensure!(said == "request_uri_not_supported", "{fetched}");
    Ok("seven texts that are no pushed request, one that is no transaction, one elsewhere".to_owned())
}

/// RFC 9101 §6.3: what the browser brings beside it does not count.
async fn parameters_beside_it(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let request_uri = pushed(&site, &[("scope", "openid"), ("state", "mine")]).await?;
    let more = [
        ("redirect_uri", "https://evil.example/"),
        ("scope", "openid profile email groups"),
        ("state", "theirs"),
        ("prompt", "none"),
        ("code_challenge", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("response_type", "token"),
    ];
    let page = site.started(&transaction_in(&bring(&site, &request_uri, &more).await?)?).await?;
    let scan = device.take(&page).await?;
    let shown = scan.read_context()?["scopes"].clone();
    ensure!(shown == serde_json::json!(["openid"]), "the person is asked for {shown}");
    let mut page = page;
    let check = page.check().await?;
    device.decide(&scan, "approve", Some(&check)).await?.is(204)?;
    let redeemed = page.sign_in().await?.json()?;
    let back = visit(&site.http, &page.jar, text(&redeemed, "return_to")?).await?.is(303)?;
    let back = back.header("location").to_owned();
    ensure!(back.starts_with(&site.redirect_uri), "the answer goes to {back}");
    ensure!(parameter(&back, "state")? == "mine", "{back}");
    let code = parameter(&back, "code")?;
    site.ask(&site.exchange(&code)).await?.is(200).context("the challenge is the pushed one")?;
    Ok("address, scopes, state, prompt and challenge are those that were pushed".to_owned())
}

async fn request_without_the_secret(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    for secret in [None, Some(String::new()), Some("A".repeat(43))] {
        let stranger = Site { secret, ..site.clone() };
        refuses(push(&stranger, &[]).await?, 401, "invalid_client")?;
    }
    Ok("none, an empty and a wrong one".to_owned())
}

async fn request_for_somebody_elses_address(ground: Ground) -> Held {
    let (site, other) = (ground.site(&[]).await?, ground.site(&[]).await?);
    let bad = [
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", other.redirect_uri.as_str()),
        ("redirect_uri", ""),
        ("code_challenge_method", "plain"),
        ("code_challenge", ""),
        ("response_type", "token"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:x"),
    ];
    for changes in bad {
        let answer = push(&site, &[changes]).await?;
        ensure!(answer.status == 400, "{changes:?}: {answer}");
    }
    Ok("as at the authorization endpoint, told to the client itself".to_owned())
}

/// A client that has to push is not heard by what a browser brings.
async fn request_in_the_address_after_all(ground: Ground) -> Held {
    let site = ground.site(&["--require-par"]).await?;
    let answer = site.send(&Jar::default(), &[]).await?;
    let said = parameter(answer.header("location"), "error").with_context(|| answer.to_string())?;
    ensure!(said == "invalid_request", "{answer}");
    transaction_in(&bring(&site, &pushed(&site, &[]).await?, &[]).await?)?;
    Ok("invalid_request; pushed, it is heard".to_owned())
}

/// Clickjacking (RFC 9700 §4.16): whose pages may hold the login page in a frame.
async fn login_in_a_frame_of_another_site(ground: Ground) -> Held {
    let id = fresh_name();
    let site = ground.site_at(&id, &format!("https://{id}.example/callback"), &["--embed"]).await?;
    let plain = ground.site(&[]).await?;
    let policy = |answer: &Answer| {
        let policy = answer.header("content-security-policy");
        let rest = policy.split_once("frame-ancestors ").map(|(_, rest)| rest).unwrap_or_default();
        (rest.split(';').next().unwrap_or_default().to_owned(), answer.header("x-frame-options").to_owned())
    };
    let login = |transaction: String| format!("/login?transaction={transaction}");
    let own = visit(&site.http, &Jar::default(), &login(site.transaction(&[]).await?)).await?.is(200)?;
    ensure!(policy(&own).0 == format!("https://{id}.example"), "{:?}", policy(&own));
    let nobody = ("'none'".to_owned(), "DENY".to_owned());
    let transaction = site.transaction(&[]).await?;
    for path in [
        login(plain.transaction(&[]).await?),
        login("x".to_owned()),
        format!("/login?transaction=x&transaction={transaction}"),
        "/login".to_owned(),
        "/device".to_owned(),
        "/oauth/end-session".to_owned(),
        format!("/renew?return_to=%2Foauth%2Fresume%3Ftransaction%3D{transaction}"),
        format!("/oauth/cancel?transaction={transaction}"),
        format!("/oauth/resume?transaction=x{transaction}"),
    ] {
        let answer = visit(&site.http, &Jar::default(), &path).await?;
        ensure!(policy(&answer) == nobody, "{path}: {:?}", policy(&answer));
    }
    // In a frame nobody is signed in by opening a page: the person is asked, also who has agreed before.
    let device = ground.device().await?;
    let (page, _) = site.sign_in(&device, &[]).await?;
    let framed = site.http.call("GET", &site.asks(&[])).header("cookie", page.jar.header());
    let answer = framed.header("sec-fetch-dest", "iframe").send().await?;
    ensure!(answer.header("location").starts_with("/login?transaction="), "{answer}: a code in a frame");
    Ok("its own origins, its own login page, and nothing else".to_owned())
}
