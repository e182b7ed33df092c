//! The served pages: framing, foreign scripts, redirects.

use anyhow::{Context as _, Result, ensure};

use crate::attacks::{Attack, Held, attacks};
use crate::client::Answer;
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["browser", OneAccount; pages_cannot_be_framed, pages_run_no_foreign_script, pages_send_no_referrer_and_no_guess, renewal_leads_nowhere_else, sign_in_leads_nowhere_else];
    all.extend(attacks!["browser", OwnServer; https_is_asked_to_stay]);
    all
}

const PAGES: [&str; 6] = ["/", "/login", "/Q/AAAA", "/E/AAAA", "/renew", "/device"];

async fn each_page(ground: &Ground, judge: impl Fn(&Answer) -> Result<()>) -> Result<usize> {
    let mut judged = 0;
    for path in PAGES {
        let answer = ground.http().call("GET", path).header("accept", "text/html").send().await?;
        if answer.header("content-type").starts_with("text/html") {
            judge(&answer)?;
            judged += 1;
        } else {
            ensure!(answer.status != 200, "{answer} is no HTML");
        }
    }
    ensure!(judged >= 3, "only {judged} pages are HTML");
    Ok(judged)
}

fn policy(answer: &Answer, directive: &str) -> Result<String> {
    let policy = answer.header("content-security-policy");
    let found = policy.split(';').map(str::trim).find(|part| part.split(' ').next() == Some(directive));
    Ok(found.with_context(|| format!("{} has no {directive}: {policy:?}", answer.call))?.to_owned())
}

/// Clickjacking.
async fn pages_cannot_be_framed(ground: Ground) -> Held {
    let count = each_page(&ground, |answer| {
        let ancestors = policy(answer, "frame-ancestors")?;
        ensure!(ancestors == "frame-ancestors 'none'", "{}: {ancestors}", answer.call);
        Ok(())
    })
    .await?;
    Ok(format!("{count} pages: frame-ancestors 'none'"))
}

async fn pages_run_no_foreign_script(ground: Ground) -> Held {
    let origin = ground.http().origin().to_owned();
    let count = each_page(&ground, |answer| {
        let all = answer.header("content-security-policy").to_owned();
        for bad in ["unsafe-inline", "unsafe-eval", "unsafe-hashes", "*", "http:", "https:"] {
            let own = all.replace(&origin, "").replace(&origin.replacen("http", "ws", 1), "");
            ensure!(!own.contains(bad), "{}: {all} has {bad}", answer.call);
        }
        ensure!(policy(answer, "default-src")? == "default-src 'none'", "{}: {all}", answer.call);
        for directive in ["base-uri", "form-action"] {
            policy(answer, directive)?;
        }
        ensure!(answer.header("x-content-type-options") == "nosniff", "{}: may be sniffed", answer.call);
        let text = answer.text();
        for foreign in
            ["src=\"http", "src=\"//", "href=\"//", "onclick=", "onload=", "javascript:", "<style>"]
        {
            ensure!(!text.contains(foreign), "{} has {foreign}", answer.call);
        }
        ensure!(!text.contains("<script>"), "{} has an inline script", answer.call);
        Ok(())
    })
    .await?;
    Ok(format!("{count} pages: default-src 'none', nothing inline, nothing foreign, nosniff"))
}

async fn pages_send_no_referrer_and_no_guess(ground: Ground) -> Held {
    let count = each_page(&ground, |answer| {
        let referrer = answer.header("referrer-policy");
        ensure!(
            ["no-referrer", "same-origin"].contains(&referrer),
            "{}: Referrer-Policy {referrer:?}",
            answer.call
        );
        let opener = answer.header("cross-origin-opener-policy");
        ensure!(opener == "same-origin", "{}: Cross-Origin-Opener-Policy {opener:?}", answer.call);
        Ok(())
    })
    .await?;
    Ok(format!("{count} pages"))
}

async fn https_is_asked_to_stay(_: Ground) -> Held {
    let ground = Ground::with(&[("ORIGIN", "https://login.example.com")]).await?;
    let answer = ground.http().get("/login").await?;
    let strict = answer.header("strict-transport-security");
    ensure!(strict.contains("max-age="), "Strict-Transport-Security {strict:?}");
    let plain = Ground::with(&[]).await?.http().get("/login").await?;
    ensure!(plain.header("strict-transport-security").is_empty(), "loopback asks for HTTPS");
    Ok(strict.to_owned())
}

/// Open redirect.
const AWAY: [&str; 10] = [
    "//evil.example",
    "https://evil.example/",
    "/\\evil.example",
    "%2F%2Fevil.example",
    "/%09/evil.example",
    "javascript:alert(1)",
    "///evil.example",
    "https:evil.example",
    "%0d%0aLocation:%20https://evil.example",
    "/%5Cevil.example",
];

async fn renewal_leads_nowhere_else(ground: Ground) -> Held {
    let (mut page, _) = ground.signed_in().await?;
    page.jar.remove(&page.http.cookie_name("session"));
    for away in AWAY {
        for name in ["to", "path", "next", "return_to", "url"] {
            let call =
                ground.http().call("GET", &format!("/renew?{name}={away}")).header("accept", "text/html");
            leads_nowhere(&call.header("cookie", page.jar.header()).send().await?)?;
        }
    }
    Ok("50 addresses: none is followed or printed into the page".to_owned())
}

async fn sign_in_leads_nowhere_else(ground: Ground) -> Held {
    for away in AWAY {
        for path in ["/login", "/", "/device"] {
            for name in ["return_to", "next"] {
                let call =
                    ground.http().call("GET", &format!("{path}?{name}={away}")).header("accept", "text/html");
                leads_nowhere(&call.send().await?)?;
            }
        }
    }
    Ok("60 addresses: none is followed or printed into the page".to_owned())
}

fn leads_nowhere(answer: &Answer) -> Result<()> {
    let to = answer.header("location");
    ensure!(
        !to.contains("evil.example") || to.starts_with("/renew?") || to.starts_with("/login?"),
        "{}: Location {to}",
        answer.call
    );
    for live in ["href=\"https://evil", "href=\"//evil", "url=https://evil", "javascript:alert"] {
        ensure!(!answer.text().contains(live), "{} prints {live}", answer.call);
    }
    Ok(())
}
