//! Redis ends, hangs or forgets, and comes back by itself; and how often a login asks it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result, ensure};
use e2e::patience;
use services::redis::{PASSWORD, Redis};

use super::site::Site;
use crate::client::{Page, Scan, Socket};

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

/// Questions of nodes to Redis for one login whose page waits on a socket at one node and whose app calls the other. Each is a
/// round trip that the call waits for.
const ROUND_TRIPS: usize = 17;

#[tokio::test]
async fn a_login_asks_redis_no_more_often_than_it_must() -> Result<()> {
    let site = Site::new().await?;
    // Afterwards every script is known.
    watched_login(&site).await?;
    let mut monitor = Monitor::begin(&site.redis)?;
    watched_login(&site).await?;
    let asked = monitor.asked(&site.redis)?;
    ensure!(asked.len() <= ROUND_TRIPS, "{} round trips: {asked:#?}", asked.len());
    Ok(())
}

async fn watched_login(site: &Site) -> Result<()> {
    let mut page = Page::start(&site.a.http()?).await?;
    let mut socket = Socket::open(&page).await?;
    let shown = socket.until("waiting").await?;
    let code = shown["frame"]["url"].as_str().and_then(|url| url.rsplit('/').next()).context("no frame")?;
    let device = site.device_at_b()?;
    let scan = Scan::read(device.scan(code).await?)?;
    let shown = socket.until("scanned").await?;
    device.decide(&scan, "approve", shown["check"].as_str()).await?.is(204)?;
    socket.until("approved").await?;
    page.sign_in().await?;
    socket.until("redeemed").await?;
    ensure!(socket.end().await? == 1000, "the socket ends with the login");
    page.whoami().await?.is(200)?;
    Ok(())
}

/// Hears all that Redis is asked.
struct Monitor(BufReader<UnixStream>);

impl Monitor {
    fn begin(redis: &Redis) -> Result<Self> {
        let url = redis.url();
        let mut stream = UnixStream::connect(url.strip_prefix("unix:").context("no socket")?)?;
        stream.write_all(b"MONITOR\r\n")?;
        let mut monitor = Self(BufReader::new(stream));
        let said = monitor.line()?;
        ensure!(said == "+OK", "{said}");
        Ok(monitor)
    }

    /// What nodes have asked so far, without signs of life and what scripts do inside.
    fn asked(&mut self, redis: &Redis) -> Result<Vec<String>> {
        redis.ask(&["ECHO", "enough"])?;
        let mut asked = Vec::new();
        loop {
            let line = self.line()?;
            if line.contains("\"enough\"") {
                return Ok(asked);
            }
            if !line.contains(" lua] ") && !line.contains("\"PING\"") {
                asked.push(line.chars().take(160).collect());
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}
