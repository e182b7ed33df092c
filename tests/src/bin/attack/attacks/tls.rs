//! TLS without a proxy: the pin in the link, plain http at the port, the key over a restart.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use ring::digest::{SHA256, digest};

use super::{Attack, Held, attacks};
use crate::client::enrolment_in;
use crate::ground::Ground;
use crate::server::Server;

pub(super) fn all() -> Vec<Attack> {
    attacks!["tls", OwnServer;
        pin_in_the_link_is_that_of_the_key,
        key_and_pin_survive_a_restart,
        plain_http_gets_nothing,
        whole_login_over_tls,
        public_origin_needs_no_plain_http,
    ]
}

async fn ground() -> Result<(Ground, Arc<Server>)> {
    let port = e2e::ports::free()?;
    let origin = format!("https://127.0.0.1:{port}");
    let server = Arc::new(Server::start_at(port, &[("ORIGIN", &origin), ("TLS_SELF_SIGNED", "true")]).await?);
    Ok((Ground::own(&server)?, server))
}

/// Base32 SHA-256 of the P-256 public key in the certificate that the server shows: its `SubjectPublicKeyInfo` in DER.
async fn pin_of_the_certificate(ground: &Ground) -> Result<String> {
    let response = ground.http().call("GET", "/health/live").send_unread().await?;
    let info = response.extensions().get::<reqwest::tls::TlsInfo>().context("the call was not over TLS")?;
    let certificate = info.peer_certificate().context("no certificate")?;
    let head = HEXLOWER.decode(b"3059301306072a8648ce3d020106082a8648ce3d030107034200")?;
    let at =
        certificate.windows(head.len()).position(|window| window == head).context("no P-256 key in it")?;
    let key = certificate.get(at..at + head.len() + 65).context("the key is cut")?;
    Ok(BASE32_NOPAD.encode(digest(&SHA256, key).as_ref()))
}

fn pin_in(link: &str) -> Result<String> {
    let (_, pin) = link.rsplit_once('/').context("no pin")?;
    ensure!(link.contains(&format!("/E/{}/", enrolment_in(link)?)), "{link} has no pin");
    Ok(pin.to_owned())
}

async fn pin_in_the_link_is_that_of_the_key(_: Ground) -> Held {
    let (ground, _) = ground().await?;
    let due = pin_of_the_certificate(&ground).await?;
    let link = ground.link().await?;
    ensure!(pin_in(&link)? == due, "the link {link} pins another key than {due}");
    let device = crate::client::Device::enrol(ground.http(), &link).await?;
    let link = device.enrolment().await?;
    ensure!(pin_in(&link)? == due, "the link of a device {link} pins another key than {due}");
    Ok("base32 SHA-256 of the SPKI, from the operator and from a device".to_owned())
}

async fn key_and_pin_survive_a_restart(_: Ground) -> Held {
    let (ground, server) = ground().await?;
    let before = pin_of_the_certificate(&ground).await?;
    server.kill().await?;
    server.start_again().await?;
    let again = Ground::own(&server)?;
    let after = pin_of_the_certificate(&again).await?;
    ensure!(before == after, "the key changed from {before} to {after}");
    Ok("the same key".to_owned())
}

async fn plain_http_gets_nothing(_: Ground) -> Held {
    let (ground, _) = ground().await?;
    let mut raw = ground.raw().await?;
    raw.send(b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let (seen, _) = raw.read_to_end(Duration::from_mins(3)).await;
    ensure!(!seen.contains("dpop-nonce") && !seen.starts_with("HTTP/1.1 200"), "{seen}");
    Ok(if seen.is_empty() { "cut".to_owned() } else { "refused".to_owned() })
}

async fn whole_login_over_tls(_: Ground) -> Held {
    let (ground, _) = ground().await?;
    let (page, _) = ground.signed_in().await?;
    let cookies = page.jar.header();
    ensure!(cookies.contains("__Host-countersign-session="), "{cookies}");
    let mut socket = crate::client::Socket::open(&ground.page().await?).await?;
    socket.state().await?;
    Ok("signed in, with a socket, under __Host- cookies".to_owned())
}

/// A server for a public name starts only with TLS of its own, or where only a proxy can reach it.
async fn public_origin_needs_no_plain_http(_: Ground) -> Held {
    let settings = [("ORIGIN", "http://192.0.2.1:8080")];
    ensure!(Server::start(&settings).await.is_err(), "plain http under a public origin starts");
    Ok("plain http under a public origin is refused at the start".to_owned())
}
