//! Forward auth: a proxy asks who comes to a host, and others speak in its place or bring what is another host's.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::super::{Attack, Held, attacks};
use crate::client::site::{form, parameter, transaction_in, visit};
use crate::client::{Answer, Device, Jar, Key, Page};
use crate::ground::Ground;

const FILES: &str = "files.example.com";
const WIKI: &str = "wiki.example.com:8443";
const COOKIE: &str = "__Host-countersign-forward";

pub(super) fn all() -> Vec<Attack> {
    attacks!["forward_auth", StandingTime;
        cookie_of_another_host,
        cookie_that_was_invented,
        host_that_is_not_guarded,
        headers_that_do_not_agree,
        calls_that_are_no_page_are_not_led,
        sign_in_of_another_browser,
        sign_in_of_another_host,
        answer_of_another_issuer,
        way_back_to_another_site,
        code_of_a_host_at_the_token_endpoint,
        session_that_was_ended,
        names_in_headers,
    ]
}

async fn guarding() -> Result<Ground> {
    Ground::standing(&[("FORWARD_AUTH_HOSTS", &format!("{FILES},{WIKI}"))]).await
}

/// A browser at a guarded host, through its proxy.
#[derive(Clone)]
struct Visitor {
    ground: Ground,
    host: &'static str,
    jar: Jar,
}

impl Visitor {
    fn new(ground: &Ground, host: &'static str) -> Self {
        Self { ground: ground.clone(), host, jar: Jar::default() }
    }

    /// A call to `/.countersign/` that the proxy passes on.
    async fn call(&mut self, path: &str, more: &[(&str, &str)]) -> Result<Answer> {
        let mut call = self.ground.http().call("GET", path).header("accept", "text/html");
        if !self.jar.header().is_empty() {
            call = call.header("cookie", self.jar.header());
        }
        for (name, value) in [("x-forwarded-host", self.host), ("x-forwarded-proto", "https")] {
            call = call.header(name, value);
        }
        for (name, value) in more {
            call = call.instead(name, value);
        }
        let answer = call.send().await?;
        self.jar.absorb(&answer);
        Ok(answer)
    }

    /// What the proxy asks at each call.
    async fn guarded(&self) -> Result<Answer> {
        let url = format!("https://{}/a?b=c", self.host);
        let call = self.ground.http().call("GET", "/forward-auth").header("x-original-url", url);
        call.header("cookie", self.jar.header()).send().await
    }

    /// Starts, signs in with the device, and has the address that leads back.
    async fn up_to_callback(&mut self, device: &Device, wanted: &str) -> Result<(Page, String)> {
        let start = format!("/.countersign/start?{}", form(&[("rd", wanted)]));
        let answer = self.call(&start, &[]).await?.is(302)?;
        let login = answer.header("location").to_owned();
        let http = self.ground.http();
        let path = login.strip_prefix(http.origin()).with_context(|| format!("it leads to {login}"))?;
        let transaction = transaction_in(&visit(http, &Jar::default(), path).await?)?;
        let body = json!({ "transaction": transaction });
        let mut page = Page::start_with(http, &Key::fresh(), &Jar::default(), &body, &[]).await?;
        device.approve(&page).await?;
        let redeemed = page.sign_in().await?.json()?;
        let onwards = redeemed["return_to"].as_str().context("no way on after the login")?;
        let back = visit(http, &page.jar, onwards).await?.is(303)?.header("location").to_owned();
        let path = back.strip_prefix(&format!("https://{}", self.host));
        Ok((page, path.with_context(|| format!("it leads back to {back}"))?.to_owned()))
    }

    async fn sign_in(&mut self, device: &Device) -> Result<()> {
        let (_, callback) = self.up_to_callback(device, "/").await?;
        self.call(&callback, &[]).await?.is(302)?;
        self.guarded().await?.is(200).map(drop)
    }
}

/// Nobody was signed in by it.
fn stopped(answer: Answer) -> Result<()> {
    let answer = answer.is(400)?;
    ensure!(answer.cookies().is_empty() && answer.header("location").is_empty(), "{answer} leads on");
    ensure!(answer.text().contains("data-state=\"stopped\""), "{answer} is another page");
    Ok(())
}

async fn cookie_of_another_host(_: Ground) -> Held {
    let ground = guarding().await?;
    let mut files = Visitor::new(&ground, FILES);
    files.sign_in(&ground.device().await?).await?;
    let wiki = Visitor { host: WIKI, ..files.clone() };
    wiki.guarded().await?.is(401)?;
    files.guarded().await?.is(200)?;
    Ok("what the site at one host sees opens nothing at the other".to_owned())
}

async fn cookie_that_was_invented(_: Ground) -> Held {
    let ground = guarding().await?;
    let mut files = Visitor::new(&ground, FILES);
    files.sign_in(&ground.device().await?).await?;
    let good = files.jar.get(COOKIE).context("no cookie of the host")?.to_owned();
    let elsewhere = guarding().await?;
    let mut theirs = Visitor::new(&elsewhere, FILES);
    theirs.sign_in(&elsewhere.device().await?).await?;
    let theirs = theirs.jar.get(COOKIE).context("no cookie of the host")?.to_owned();
    let start = files.jar.get("__Host-countersign-forward-start").unwrap_or_default().to_owned();
    let middle = good.len() / 2;
    let flipped = if good.as_bytes()[middle] == b'A' { 'B' } else { 'A' };
    let changed = format!("{}{flipped}{}", &good[..middle], &good[middle + 1..]);
    for bad in ["x", &theirs, &start, &changed, &good[1..], &good[..good.len() - 4], &"A".repeat(3_000)] {
        files.jar.put(COOKIE, bad);
        files.guarded().await?.is(401).with_context(|| bad.to_owned())?;
    }
    Ok("another server's, altered, cut, the other cookie: 401".to_owned())
}

async fn host_that_is_not_guarded(_: Ground) -> Held {
    let ground = guarding().await?;
    let mut files = Visitor::new(&ground, FILES);
    files.sign_in(&ground.device().await?).await?;
    let cookie = files.jar.header();
    let asks = |url: &str| {
        ground
            .http()
            .call("GET", "/forward-auth")
            .header("x-original-url", url)
            .header("cookie", &cookie)
            .send()
    };
    for host in [
        "evil.example.com",
        "files.example.com:444",
        "files.example.com.",
        "files.example.com.evil.example",
        "x.files.example.com",
        "example.com",
        "127.0.0.1",
    ] {
        let answer = asks(&format!("https://{host}/")).await?;
        ensure!(answer.status == 403, "{host}: {answer}");
    }
    for odd in
        ["https://files.example.com@evil.example/", "https://a@files.example.com/", "//files.example.com/"]
    {
        let answer = asks(odd).await?;
        ensure!([400, 403].contains(&answer.status), "{odd}: {answer}");
    }
    for path in ["start", "callback"] {
        let call = ground.http().call("GET", &format!("/.countersign/{path}")).header("accept", "text/html");
        call.clone().send().await?.is(404)?;
        call.header("x-forwarded-host", "evil.example").send().await?.is(404)?;
    }
    Ok("403 at the question, 404 at the sign-in".to_owned())
}

/// A visitor's own forwarding headers, beside those of the proxy.
async fn headers_that_do_not_agree(_: Ground) -> Held {
    let ground = guarding().await?;
    let mut files = Visitor::new(&ground, FILES);
    files.sign_in(&ground.device().await?).await?;
    let call = || ground.http().call("GET", "/forward-auth").header("cookie", files.jar.header());
    // Caddy and Traefik pass on what they do not set: the visitor names the host whose cookie he has.
    let proxied = call().header("x-forwarded-proto", "https").header("x-forwarded-host", WIKI);
    proxied.header("x-original-url", format!("https://{FILES}/")).send().await?.is(400)?;
    let nginx = call().header("x-original-url", format!("https://{WIKI}/")).header("x-forwarded-host", FILES);
    nginx.send().await?.is(400)?;
    let twice = call().header("x-original-url", format!("https://{FILES}/"));
    let twice = twice.header("x-original-url", format!("https://{WIKI}/")).send().await?;
    ensure!(twice.status != 200, "{twice}: one of both counted");
    let twice = call().header("x-forwarded-proto", "https").header("x-forwarded-host", FILES);
    let twice = twice.header("x-forwarded-host", WIKI).send().await?;
    ensure!(twice.status != 200, "{twice}: one of both counted");
    Ok("two hosts in one question: refused".to_owned())
}

async fn calls_that_are_no_page_are_not_led(_: Ground) -> Held {
    let ground = guarding().await?;
    let call = || {
        let call = ground.http().call("GET", "/forward-auth").header("x-forwarded-proto", "https");
        call.header("x-forwarded-host", FILES).header("x-forwarded-uri", "/a").header("accept", "text/html")
    };
    call().send().await?.is(302).context("a page is led to the sign-in")?;
    for (name, value) in [
        ("upgrade", "websocket"),
        ("x-forwarded-method", "POST"),
        ("sec-fetch-mode", "cors"),
        ("accept", "*/*"),
    ] {
        let answer = call().instead(name, value).send().await?.is(401)?;
        ensure!(answer.header("location").is_empty(), "{name}: {answer}");
    }
    let lies = call().header("remote-user", "root").header("remote-groups", "admin").send().await?;
    ensure!(lies.header("remote-user").is_empty() && lies.status == 302, "{lies}");
    Ok("sockets, forms and scripts hear 401".to_owned())
}

/// Login CSRF: a link that signs somebody in as its sender.
async fn sign_in_of_another_browser(_: Ground) -> Held {
    let ground = guarding().await?;
    let device = ground.device().await?;
    let mut attacker = Visitor::new(&ground, FILES);
    let (_, callback) = attacker.up_to_callback(&device, "/").await?;
    let mut victim = Visitor::new(&ground, FILES);
    stopped(victim.call(&callback, &[]).await?)?;
    // One that was on its way itself.
    victim.call("/.countersign/start", &[]).await?.is(302)?;
    stopped(victim.call(&callback, &[]).await?)?;
    victim.guarded().await?.is(401)?;
    attacker.call(&callback, &[]).await?.is(302).context("it is the browser's that asked")?;
    Ok("a browser that did not ask, and one that asked for itself".to_owned())
}

async fn sign_in_of_another_host(_: Ground) -> Held {
    let ground = guarding().await?;
    let device = ground.device().await?;
    let mut files = Visitor::new(&ground, FILES);
    let (_, callback) = files.up_to_callback(&device, "/").await?;
    let mut wiki = Visitor { host: WIKI, ..files.clone() };
    stopped(wiki.call(&callback, &[]).await?)?;
    let (_, other) = Visitor::new(&ground, WIKI).up_to_callback(&device, "/").await?;
    let of = |callback: &str, name: &str| parameter(&format!("https://x.example{callback}"), name);
    let mixed = form(&[
        ("code", &of(&other, "code")?),
        ("state", &of(&callback, "state")?),
        ("iss", &of(&callback, "iss")?),
    ]);
    stopped(files.call(&format!("/.countersign/callback?{mixed}"), &[]).await?)?;
    Ok("one host's answer at the other, one's code with the other's state".to_owned())
}

/// RFC 9207 §2.4: against mix-up.
async fn answer_of_another_issuer(_: Ground) -> Held {
    let ground = guarding().await?;
    let mut files = Visitor::new(&ground, FILES);
    let (_, callback) = files.up_to_callback(&ground.device().await?, "/").await?;
    let (before, _) = callback.split_once("&iss=").context("an answer without its issuer")?;
    for iss in ["", "&iss=", "&iss=https%3A%2F%2Fevil.example", "&iss=a&iss=b"] {
        stopped(files.call(&format!("{before}{iss}"), &[]).await?)?;
    }
    files.call(&callback, &[]).await?.is(302)?;
    Ok("no issuer, another one, two".to_owned())
}

async fn way_back_to_another_site(_: Ground) -> Held {
    let ground = guarding().await?;
    let device = ground.device().await?;
    let ways = [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/.//evil.example",
        "/x/..//evil.example",
        "/%2e%2e//evil.example",
        "https:evil.example",
        "https://files.example.com@evil.example/",
        "https://files.example.com.evil.example/",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: a=b",
        "\t//evil.example",
        " //evil.example",
    ];
    for wanted in ways {
        let mut visitor = Visitor::new(&ground, FILES);
        let (_, callback) = visitor.up_to_callback(&device, wanted).await?;
        let led = visitor.call(&callback, &[]).await?.is(302)?.header("location").to_owned();
        let url = reqwest::Url::parse(&led).with_context(|| led.clone())?;
        ensure!(url.host_str() == Some(FILES) && url.scheme() == "https", "{wanted:?} leads to {led}");
    }
    Ok(format!("{} ways, all on the host", ways.len()))
}

/// The client that is built in for a host is public: its codes need the browser's own secret.
async fn code_of_a_host_at_the_token_endpoint(_: Ground) -> Held {
    let ground = guarding().await?;
    let mut files = Visitor::new(&ground, FILES);
    let (page, callback) = files.up_to_callback(&ground.device().await?, "/").await?;
    let code = parameter(&format!("https://x.example{callback}"), "code")?;
    let id = format!("forward:{FILES}");
    let redirect_uri = format!("https://{FILES}/.countersign/callback");
    let body = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", &id),
        ("code", &code),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", crate::client::site::VERIFIER),
    ]);
    let call = ground.http().call("POST", "/oauth/token");
    let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
    call.send().await?.is(400)?;
    let device = form(&[("client_id", &id), ("scope", "openid")]);
    let call = ground.http().call("POST", "/oauth/device-authorization");
    let call = call.header("content-type", "application/x-www-form-urlencoded").body(device);
    call.send().await?.is(400)?;
    let elsewhere = form(&[
        ("response_type", "code"),
        ("client_id", &id),
        ("redirect_uri", &format!("https://{FILES}:8443/.countersign/callback")),
        ("code_challenge", &crate::client::site::challenge()),
        ("code_challenge_method", "S256"),
    ]);
    visit(ground.http(), &page.jar, &format!("/oauth/authorize?{elsewhere}")).await?.is(400)?;
    Ok("without the verifier, by the device grant, at another address".to_owned())
}

async fn session_that_was_ended(_: Ground) -> Held {
    let ground = guarding().await?;
    let device = ground.device().await?;
    let mut files = Visitor::new(&ground, FILES);
    files.sign_in(&device).await?;
    device.delete("/api/sessions").await?.is(204)?;
    let answer = files.guarded().await?.is(401)?;
    ensure!(answer.header("remote-user").is_empty(), "{answer}");
    Ok("401 at the next call".to_owned())
}

/// Names go into headers: no line, no list and no other header may come of one.
async fn names_in_headers(_: Ground) -> Held {
    let ground = guarding().await?;
    let server = ground.server()?;
    for name in ["a\r\nRemote-User: root", "a\nb", "a,b"] {
        let (code, _, _) = server.operate_freely(&["users", "add", "ada", "--group", name]).await?;
        ensure!(code != 0, "the operator may make a group {name:?}");
    }
    for name in ["root\r\nRemote-Groups: admin", "a\nb", "gr\u{fc}n", "a,b"] {
        let (code, told, _) = server.operate_freely(&["users", "add", name]).await?;
        ensure!(code != 0, "the operator may make an account {name:?}: {told}");
    }
    let args = ["users", "add", "ada", "--group", "\u{e4}rzte", "--group", "b c"];
    let told: serde_json::Value = serde_json::from_str(&server.operate(&args).await?)?;
    let link = told["link"].as_str().context("no link")?;
    let device = Device::enrol(ground.http(), link).await?;
    let mut files = Visitor::new(&ground, FILES);
    files.sign_in(&device).await?;
    let answer = files.guarded().await?.is(200)?;
    let raw =
        |name: &str| answer.headers.get(name).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    ensure!(raw("remote-groups") == "\u{e4}rzte,b c".as_bytes(), "{:?}", answer.headers);
    ensure!(raw("remote-user") == b"ada", "{:?}", answer.headers);
    Ok("line ends, commas and zeros are refused, letters of others are told as UTF-8".to_owned())
}
