//! Another host, scheme, path or method than the real one, claimed in headers and settings.

use anyhow::ensure;
use serde_json::json;

use super::{Attack, Held, attacks};
use crate::client::{Jar, Key, Page};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all =
        attacks!["spoofing", OneAccount; spoofed_host, spoofed_forwarded_host, methods_in_other_spellings];
    all.extend(
        attacks!["spoofing", OwnServer; origin_setting_must_be_exact, spoofed_host_in_an_enrolment_link],
    );
    all
}

/// Guard: the configured origin is used and never `Host`.
async fn spoofed_host(ground: Ground) -> Held {
    let origin = ground.http().origin().to_owned();
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "x@evil.example"] {
        let start = Page::starting(ground.http(), &Jar::default()).json(&json!({})).header("host", host);
        let answer = start.proof(&Key::fresh()).await?.send().await?;
        // Refusing a foreign host is fine, using it is not.
        ensure!([201, 400, 421].contains(&answer.status), "{answer}");
        ensure!(!answer.text().to_lowercase().contains("evil"), "{host}: {answer}");
        ensure!(
            answer.status != 201 || answer.text().contains(&format!("{}/Q/", origin.to_uppercase())),
            "{answer}"
        );
        for path in ["/", "/login", "/Q/A", "/E/A", "/renew", "/.well-known/countersign"] {
            let answer = ground.http().call("GET", path).header("host", host).send().await?;
            let headers = format!("{:?}", answer.headers);
            ensure!(!answer.text().contains("evil.example"), "{host} is on {path}");
            ensure!(!headers.contains("evil.example"), "{host} is in the headers of {path}: {headers}");
        }
    }
    Ok("codes, pages and headers keep the configured origin".to_owned())
}

async fn spoofed_forwarded_host(ground: Ground) -> Held {
    for (header, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/evil.example"),
        ("x-original-url", "/evil.example"),
        ("x-rewrite-url", "/evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
    ] {
        let headers = [(header, value)];
        let page =
            Page::start_with(ground.http(), &Key::fresh(), &Jar::default(), &json!({}), &headers).await?;
        ensure!(!page.started.text().to_lowercase().contains("evil"), "{header}: {}", page.started);
        let secret = page.started.cookie(&page.id)?;
        ensure!(secret.name == page.secret_name(), "{header}: the cookie is {}", secret.name);
        let answer = ground.http().call("GET", "/login").header(header, value).send().await?.is(200)?;
        ensure!(!answer.text().contains("evil.example"), "{header} is on the page");
    }
    Ok("six headers: ignored".to_owned())
}

async fn methods_in_other_spellings(ground: Ground) -> Held {
    let page = ground.page().await?;
    for method in ["get", "Delete", "PURGE", "DELETE2", "PROPFIND"] {
        let answer = page.call(method, &page.path("")).send().await?;
        ensure!([400, 405, 501].contains(&answer.status), "{answer}");
    }
    ensure!(page.stage().await? == "waiting", "{}", page.stage().await?);
    Ok("refused".to_owned())
}

/// "ASCII, lower case, default port omitted, no path"; plain http only on loopback.
async fn origin_setting_must_be_exact(_: Ground) -> Held {
    let bad = [
        "https://Login.example.com",
        "https://login.example.com/",
        "https://login.example.com:443",
        "https://login.example.com/x",
        "https://user@login.example.com",
        "https://login.exämple.com",
        "http://login.example.com",
        "ftp://login.example.com",
        "login.example.com",
        "https://",
        "null",
        "https://login.example.com?x",
        "https://login.example.com#x",
        "https://login.example.com ",
    ];
    for origin in bad {
        ensure!(
            Ground::with(&[("ORIGIN", origin)]).await.is_err(),
            "the server starts with origin {origin:?}"
        );
    }
    Ok(format!("{} origins refused at the start", bad.len()))
}

async fn spoofed_host_in_an_enrolment_link(ground: Ground) -> Held {
    let device = ground.device().await?;
    let call = device.call("POST", "/api/enrolments").await?.header("host", "evil.example");
    let answer = call.header("x-forwarded-host", "evil.example").send().await?;
    ensure!(!answer.text().to_lowercase().contains("evil"), "{answer}");
    let link = device.enrolment().await?;
    ensure!(link.starts_with(&ground.http().origin().to_uppercase()), "{link}");
    Ok("the configured origin".to_owned())
}
