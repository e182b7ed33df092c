//! Redis ends, hangs or forgets, and comes back by itself.

use anyhow::{Context, Result, ensure};
use e2e::patience;
use services::redis::{PASSWORD, Redis};

use super::site::Site;
use crate::client::{Page, Socket};

#[tokio::test]
async fn without_redis_calls_are_refused_with_a_time_and_work_again_after_it() -> Result<()> {
    let mut site = Site::new().await?;
    let page = Page::start(&site.a.http()?).await?;
    let mut socket = Socket::open(&page).await?;
    socket.until("waiting").await?;
    site.redis.kill();
    for node in [&site.a, &site.b] {
        patience::until_is("the node's readiness", false, async || node.is_ready().await).await?;
        node.http()?.get("/health/live").await?.is(200)?;
    }
    let refused = page.poll().await?.refuses(503, "store_unavailable")?;
    ensure!(!refused.header("retry-after").is_empty(), "{refused} names no time to come back");

    site.redis.start_again()?;
    for node in [&site.a, &site.b] {
        patience::until_is("the node's readiness", true, async || node.is_ready().await).await?;
    }
    // Everything was forgotten: the page is told to come back, and then that it must begin anew.
    ensure!(socket.end().await? == 1001, "the page waits for nothing");
    page.poll().await?.refuses(404, "not_found")?;
    site.signed_in().await?.whoami().await?.is(200)?;
    let log = site.a.log()?;
    ensure!(log.contains("Redis is in reach again"), "{log}");
    Ok(())
}

#[tokio::test]
async fn over_tls_and_with_a_password_that_nobody_is_told() -> Result<()> {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let pem = certificate.cert.pem();
    let redis = Redis::guarded(&pem, &certificate.signing_key.serialize_pem())?;
    let url = redis.tcp_url();
    let folder = tempfile::tempdir()?;
    let trusted = folder.path().join("trusted.pem");
    std::fs::write(&trusted, &pem)?;
    let trusted = trusted.to_str().context("a path of plain text")?;
    let site = Site::on(redis, &url, &[("SSL_CERT_FILE", trusted)]).await?;
    site.signed_in().await?.whoami().await?.is(200)?;

    // A certificate that nobody vouches for, and a password that is another.
    let (code, distrust) = site.another(&[("SSL_CERT_FILE", "/dev/null")])?.start_fails().await?;
    ensure!(code == Some(1) && distrust.contains("could not use rediss://localhost"), "{code:?} {distrust}");
    let other = url.replace(PASSWORD, "another-word");
    let (code, wrong) = site.another(&[("COUNTERSIGN_REDIS", &other)])?.start_fails().await?;
    ensure!(code == Some(1) && wrong.to_lowercase().contains("password"), "{code:?} {wrong}");
    for said in [distrust, wrong, site.a.log()?, site.b.log()?] {
        ensure!(!said.contains(PASSWORD) && !said.contains("another-word"), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_redis_that_was_flushed_voids_nonces_and_costs_fresh_codes_alone() -> Result<()> {
    let site = Site::new().await?;
    let signed_in = site.signed_in().await?;
    let page = Page::start(&site.a.http()?).await?;
    let spent = page.redeeming().proof(&page.key).await?;
    site.redis.flush()?;
    spent.send().await?.refuses(401, "use_dpop_nonce")?;
    page.poll().await?.refuses(404, "not_found")?;
    signed_in.whoami().await?.is(200)?;
    // The other node has its next nonces from the new life as soon as it has heard of it.
    let again = patience::until("a login", async || Ok(site.signed_in().await.ok())).await?;
    again.whoami().await?.is(200)?;
    Ok(())
}
