//! A live relay shows the victim frame and number alike; what stands against it is what the server sees and says.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Attack, Held, attacks};
use crate::client::{Answer, Device, Jar, Key, Page, Scan};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["relay", OwnServer;
        same_network_is_told_by_address,
        unknown_networks_are_null,
        proxy_that_is_not_listed_makes_it_null,
        loopback_peer_under_a_public_origin_is_null,
        claimed_address_of_a_page_is_not_believed,
        screen_and_link_are_refused_from_afar,
        screen_and_link_can_be_allowed,
        refusing_guard_ends_the_login,
        refused_login_stays_refused,
        page_address_is_that_of_its_start,
        scan_again_does_not_change_the_way,
    ]
}

const HERE: &str = "203.0.113.9";
const AFAR: &str = "198.51.100.7";

/// A server behind a listed proxy, so that addresses are ours to choose.
async fn proxied(more: &[(&str, &str)]) -> Result<Ground> {
    let settings = [("ORIGIN", "https://login.example.com"), ("PROXIES_TRUSTED", "127.0.0.0/8")];
    Ground::with(&[&settings, more].concat()).await
}

async fn page_from(ground: &Ground, address: &str) -> Result<Page> {
    let headers = [("x-forwarded-for", address)];
    Page::start_with(ground.http(), &Key::fresh(), &Jar::default(), &json!({}), &headers).await
}

async fn scan_from(device: &Device, page: &Page, address: &str, via: &str) -> Result<Answer> {
    let body = json!({"code": page.code().await?, "via": via});
    device.call("POST", "/api/scans").await?.json(&body).header("x-forwarded-for", address).send().await
}

/// `seen.same_network` for a page and a device at these addresses.
async fn same_network(ground: &Ground, page: &str, device: &str) -> Result<Value> {
    let started = page_from(ground, page).await?;
    let scanner = ground.device().await?;
    let scan = Scan::read(scan_from(&scanner, &started, device, "camera").await?)?;
    let context = scan.read_context()?;
    let seen = &context["seen"];
    ensure!(
        seen["address"] == page
            || page.contains(',')
            || page.is_empty()
            || page.starts_with('2') && page.contains(':'),
        "{seen}"
    );
    Ok(seen["same_network"].clone())
}

async fn same_network_is_told_by_address(_: Ground) -> Held {
    let ground = proxied(&[]).await?;
    for (page, device, due) in [
        (HERE, HERE, true),
        (HERE, AFAR, false),
        (HERE, "203.0.113.10", false),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
    ] {
        let seen = same_network(&ground, page, device).await?;
        ensure!(seen == due, "{page} and {device}: {seen}, {due} was due");
    }
    Ok("equal IPv4, equal /64: true; else false".to_owned())
}

async fn unknown_networks_are_null(_: Ground) -> Held {
    let ground = proxied(&[]).await?;
    for (page, device) in [(HERE, "2001:db8::1"), ("2001:db8::1", HERE)] {
        let seen = same_network(&ground, page, device).await?;
        ensure!(seen.is_null(), "{page} and {device}: {seen}, null was due");
    }
    Ok("different families: null".to_owned())
}

async fn proxy_that_is_not_listed_makes_it_null(ground: Ground) -> Held {
    let (page, device) = (page_from(&ground, HERE).await?, ground.device().await?);
    let scan = Scan::read(scan_from(&device, &page, HERE, "camera").await?)?;
    let seen = scan.read_context()?["seen"].clone();
    ensure!(seen["same_network"].is_null(), "{seen}: a forwarding header of somebody who is no proxy");
    ensure!(seen["address"] != HERE, "{seen}: the header of somebody who is no proxy was believed");
    Ok("null, and the header is not believed".to_owned())
}

async fn loopback_peer_under_a_public_origin_is_null(_: Ground) -> Held {
    let ground = Ground::with(&[("ORIGIN", "https://login.example.com")]).await?;
    let (_, _, scan) = ground.scanned().await?;
    let seen = scan.read_context()?["seen"].clone();
    ensure!(seen["same_network"].is_null(), "{seen}");
    Ok("null".to_owned())
}

/// The relay's page cannot say that it is where the victim is.
async fn claimed_address_of_a_page_is_not_believed(_: Ground) -> Held {
    let ground = proxied(&[]).await?;
    let device = ground.device().await?;
    for chain in [format!("{HERE}, {AFAR}"), format!("{HERE},{AFAR}, 127.0.0.8")] {
        let page = page_from(&ground, &chain).await?;
        let seen =
            Scan::read(scan_from(&device, &page, HERE, "camera").await?)?.read_context()?["seen"].clone();
        ensure!(seen["address"] == AFAR && seen["same_network"] == false, "{chain}: {seen}");
    }
    for (header, value) in [("forwarded", format!("for={HERE}")), ("x-real-ip", HERE.to_owned())] {
        let headers = [("x-forwarded-for", AFAR), (header, value.as_str())];
        let page =
            Page::start_with(ground.http(), &Key::fresh(), &Jar::default(), &json!({}), &headers).await?;
        let seen =
            Scan::read(scan_from(&device, &page, HERE, "camera").await?)?.read_context()?["seen"].clone();
        ensure!(seen["address"] == AFAR, "{header}: {seen}");
    }
    Ok("the proxy's word counts alone".to_owned())
}

/// A shared screen and a mailed link are the easiest relays.
async fn screen_and_link_are_refused_from_afar(_: Ground) -> Held {
    let ground = proxied(&[]).await?;
    let device = ground.device().await?;
    for via in ["screen", "link"] {
        for from in [AFAR, "2001:db8::1"] {
            let page = page_from(&ground, HERE).await?;
            scan_from(&device, &page, from, via).await?.refuses(403, "network_refused")?;
            ensure!(page.stage().await? == "denied network", "{via}: {}", page.stage().await?);
        }
        let page = page_from(&ground, HERE).await?;
        scan_from(&device, &page, HERE, via).await?.is(201)?;
    }
    for via in ["camera", "image"] {
        let page = page_from(&ground, HERE).await?;
        scan_from(&device, &page, AFAR, via).await?.is(201)?;
    }
    Ok("403 network_refused from afar or unknown; 201 in the same network".to_owned())
}

async fn screen_and_link_can_be_allowed(_: Ground) -> Held {
    let ground = proxied(&[("RELAY_ALLOW_SCREEN", "true")]).await?;
    let device = ground.device().await?;
    let page = page_from(&ground, HERE).await?;
    scan_from(&device, &page, AFAR, "screen").await?.is(201)?;
    let page = page_from(&ground, HERE).await?;
    scan_from(&device, &page, AFAR, "link").await?.refuses(403, "network_refused")?;
    let ground = proxied(&[("RELAY_ALLOW_LINK", "true")]).await?;
    let device = ground.device().await?;
    let page = page_from(&ground, HERE).await?;
    scan_from(&device, &page, AFAR, "link").await?.is(201)?;
    Ok("each by its own setting".to_owned())
}

async fn refusing_guard_ends_the_login(_: Ground) -> Held {
    let ground = proxied(&[("RELAY_GUARD", "refuse")]).await?;
    let device = ground.device().await?;
    for (from, via) in [(AFAR, "camera"), (AFAR, "image"), ("2001:db8::1", "camera"), (AFAR, "screen")] {
        let page = page_from(&ground, HERE).await?;
        scan_from(&device, &page, from, via).await?.refuses(403, "network_refused")?;
        ensure!(page.stage().await? == "denied network", "{via} from {from}: {}", page.stage().await?);
    }
    let page = page_from(&ground, HERE).await?;
    let code = page.type_instead().await?.is(200)?.json()?["user_code"].clone();
    let body = json!({"user_code": code, "via": "typed"});
    let call = device.call("POST", "/api/scans").await?.json(&body).header("x-forwarded-for", AFAR);
    call.send().await?.refuses(403, "network_refused")?;
    let page = page_from(&ground, HERE).await?;
    scan_from(&device, &page, HERE, "camera").await?.is(201)?;
    Ok("whatever is not in the same network: 403, denied network".to_owned())
}

/// No second try from the right place, or with another way.
async fn refused_login_stays_refused(_: Ground) -> Held {
    let ground = proxied(&[("RELAY_GUARD", "refuse")]).await?;
    let device = ground.device().await?;
    let page = page_from(&ground, HERE).await?;
    let body = json!({"code": page.code().await?, "via": "camera"});
    let from = async |address: &str| {
        device.call("POST", "/api/scans").await?.json(&body).header("x-forwarded-for", address).send().await
    };
    from(AFAR).await?.refuses(403, "network_refused")?;
    from(HERE).await?.is(410)?;
    page.redeem().await?.is(410)?;
    Ok("410".to_owned())
}

/// A page cannot move after its start: what is told is where it started.
async fn page_address_is_that_of_its_start(_: Ground) -> Held {
    let ground = proxied(&[]).await?;
    let page = page_from(&ground, AFAR).await?;
    page.call("GET", &page.path("")).header("x-forwarded-for", HERE).send().await?.is(200)?;
    let device = ground.device().await?;
    let seen = Scan::read(scan_from(&device, &page, HERE, "camera").await?)?.read_context()?["seen"].clone();
    ensure!(seen["address"] == AFAR && seen["same_network"] == false, "{seen}");
    Ok("the address of the start".to_owned())
}

/// What the person was warned of stays in what she signs: a link does not become a camera by a second scan.
async fn scan_again_does_not_change_the_way(_: Ground) -> Held {
    let ground = proxied(&[]).await?;
    let device = ground.device().await?;
    let page = page_from(&ground, HERE).await?;
    let body = |via: &str, code: &str| json!({"code": code, "via": via});
    let code = page.code().await?;
    let scan = async |via: &str, from: &str| {
        let call = device.call("POST", "/api/scans").await?.json(&body(via, &code));
        call.header("x-forwarded-for", from).send().await
    };
    let first = Scan::read(scan("link", HERE).await?)?;
    let again = Scan::read(scan("camera", AFAR).await?)?;
    ensure!(
        first.context == again.context,
        "another context: {} {}",
        first.read_context()?,
        again.read_context()?
    );
    Ok("the first context stays".to_owned())
}
