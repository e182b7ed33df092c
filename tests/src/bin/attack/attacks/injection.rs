//! Text from outside that wants to be more than text: in pages, logs, headers, statements of the database and terminals.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Attack, Held, attacks};
use crate::client::{Device, Jar, Key, Page, Scan};
use crate::ground::{Ground, fresh_name};

pub(super) fn all() -> Vec<Attack> {
    let mut all = attacks!["injection", OneAccount;
        html_in_the_user_agent,
        controls_in_the_user_agent,
        html_in_a_device_name,
        bidi_in_a_device_name,
        controls_in_a_device_name_after_renaming,
        long_names,
        sql_everywhere,
        paths_out_of_the_assets,
        header_by_return_to,
        nul_and_lone_surrogates,
        deep_and_wide_json,
    ];
    all.extend(attacks!["injection", OwnServer;
        log_lines_cannot_be_forged,
        user_names_are_plain,
        display_names_are_cleaned,
        site_name_is_escaped,
    ]);
    all
}

async fn context_for(ground: &Ground, headers: &[(&str, &str)]) -> Result<Value> {
    let page = Page::start_with(ground.http(), &Key::fresh(), &Jar::default(), &json!({}), headers).await?;
    ground.device().await?.take(&page).await?.read_context()
}

/// Characters that turn text around, end lines or drive terminals.
fn hostile(text: &str) -> Option<char> {
    text.chars().find(|sign| {
        sign.is_control() || matches!(*sign, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    })
}

fn clean(value: &Value) -> Result<()> {
    match value {
        Value::String(text) => {
            ensure!(hostile(text).is_none(), "{:?} in {text:?}", hostile(text));
            ensure!(text.len() <= 1_000, "{} bytes came through", text.len());
        }
        Value::Array(all) => all.iter().try_for_each(clean)?,
        Value::Object(all) => all.values().try_for_each(clean)?,
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

async fn html_in_the_user_agent(ground: Ground) -> Held {
    let agent = "Mozilla/5.0 (X11; <script>alert(1)</script>) \"'><img src=x onerror=alert(1)> Firefox/120.0";
    let context =
        context_for(&ground, &[("user-agent", agent), ("accept-language", "<b>de</b>;q=1,\"'")]).await?;
    let claimed = context["claimed"].clone();
    clean(&claimed)?;
    ensure!(!claimed.to_string().contains('<'), "markup came through: {claimed}");
    Ok(claimed.to_string())
}

async fn controls_in_the_user_agent(ground: Ground) -> Held {
    let agents = [
        "Firefox\t\t/1.0".to_owned(),
        "Chrome/120 \u{202e}moc.elgoog\u{2066}".to_owned(),
        format!("{}Chrome/120.0 (Windows NT 10.0)", "x".repeat(6_000)),
        "Mozilla/5.0 (\u{feff}Windows\u{200b} NT 10.0) Chrome/120".to_owned(),
    ];
    for agent in &agents {
        clean(&context_for(&ground, &[("user-agent", agent), ("accept-language", agent)]).await?)?;
    }
    let raw = Page::starting(ground.http(), &Jar::default())
        .json(&json!({}))
        .header("user-agent", [0xff, 0xfe, 0x80]);
    raw.proof(&Key::fresh()).await?.send().await?.one_of(&[201, 400])?;
    Ok("tabs, bidi, 6 KB and bytes that are no UTF-8".to_owned())
}

async fn named(ground: &Ground, name: &str) -> Result<(Device, String)> {
    let device = Device::enrol_named(ground.http(), &ground.link().await?, name).await?;
    let kept = name_of(&device, &device.id).await?;
    Ok((device, kept))
}

async fn name_of(device: &Device, id: &str) -> Result<String> {
    let list = device.get("/api/devices").await?.is(200)?.json()?;
    let all = list["devices"].as_array().cloned().unwrap_or_default();
    let entry = all.iter().find(|entry| entry["id"] == id).context("the device is not listed")?;
    Ok(entry["name"].as_str().context("no name")?.to_owned())
}

/// JSON carries markup as text; what counts is that the server's own pages never print it.
async fn html_in_a_device_name(ground: Ground) -> Held {
    let (device, kept) = named(&ground, "<script>alert(1)</script>").await?;
    let mut page = ground.page().await?;
    device.approve(&page).await?;
    page.sign_in().await?;
    for path in ["/", "/login", "/renew"] {
        let answer = page.call("GET", path).header("accept", "text/html").send().await?;
        ensure!(!answer.text().contains("<script>alert"), "{path} prints the name as markup");
    }
    let answer = page.whoami().await?.is(200)?;
    ensure!(answer.header("content-type").starts_with("application/json"), "{answer}");
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok(format!("kept as text: {kept}"))
}

async fn bidi_in_a_device_name(ground: Ground) -> Held {
    let (device, kept) = named(&ground, "lap\u{202e}pot\u{2066}\u{200b}\u{feff}\u{2028}top").await?;
    ensure!(hostile(&kept).is_none(), "{kept:?}");
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok(format!("kept as {kept}"))
}

async fn controls_in_a_device_name_after_renaming(ground: Ground) -> Held {
    let device = ground.device().await?;
    let path = format!("/api/devices/{}", device.id);
    for name in ["a\u{0}b\u{1b}[31mred\r\nx", "\u{85}\u{9b}31m", "\u{202e}x", "\u{7f}"] {
        let answer = device.call("PATCH", &path).await?.json(&json!({"name": name})).send().await?;
        answer.one_of(&[204, 400])?;
        let kept = name_of(&device, &device.id).await?;
        ensure!(hostile(&kept).is_none() && !kept.trim().is_empty(), "{name:?} kept as {kept:?}");
    }
    let log = device.get("/api/activity?after=0").await?.is(200)?.json()?;
    for entry in log["entries"].as_array().cloned().unwrap_or_default() {
        clean(&entry["summary"])?;
        clean(&entry["body"])?;
    }
    Ok("no control characters in names or activity".to_owned())
}

async fn long_names(ground: Ground) -> Held {
    let (device, kept) = named(&ground, &"💥".repeat(3_000)).await?;
    ensure!(kept.chars().count() <= 200, "{} characters kept", kept.chars().count());
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok(format!("cut to {} characters", kept.chars().count()))
}

async fn sql_everywhere(ground: Ground) -> Held {
    let evil = "x'); DROP TABLE devices; --";
    let (device, kept) = named(&ground, evil).await?;
    ensure!(kept == evil, "kept as {kept}");
    let encoded = "x'%29%3B%20DROP%20TABLE%20devices%3B%20--";
    device.delete(&format!("/api/devices/{encoded}")).await?.is(404)?;
    device.delete(&format!("/api/sessions/{encoded}")).await?.is(404)?;
    device.get("/api/activity?after=0%20OR%201=1").await?.is(400)?;
    device.scan(evil).await?.one_of(&[400, 404])?;
    ground.http().get(&format!("/api/login-requests/{encoded}")).await?.is(404)?;
    let body = json!({"username": "' OR '1'='1", "password": "' OR '1'='1", "device": {"name": "x", "kind": "linux"}});
    Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(401)?;
    device.get("/api/devices").await?.is(200)?;
    device.delete(&format!("/api/devices/{}", device.id)).await?.is(204)?;
    Ok("quotes stay text".to_owned())
}

async fn paths_out_of_the_assets(ground: Ground) -> Held {
    for path in [
        "/assets/../server.key",
        "/assets/%2e%2e/server.key",
        "/assets/..%2f..%2fserver.key",
        "/assets/..%5c..%5cserver.key",
        "/assets/%2e%2e%2fcountersign.sqlite",
        "/assets//etc/passwd",
        "/assets/%00",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/login.js%00.html",
        "/assets/",
        "/.git/config",
        "/server.key",
    ] {
        let answer = ground.http().get(path).await?;
        ensure!([400, 404].contains(&answer.status), "{answer}");
    }
    Ok("12 paths: 404".to_owned())
}

async fn header_by_return_to(ground: Ground) -> Held {
    let key = Key::fresh();
    for text in
        ["/\r\nSet-Cookie: a=b", "/\nLocation: https://evil.example", "/\u{0}", "/%0d%0aSet-Cookie:%20a=b"]
    {
        let start = Page::starting(ground.http(), &Jar::default()).json(&json!({"return_to": text}));
        let answer = start.proof(&key).await?.send().await?;
        ensure!(answer.status == 400 || text.contains('%'), "{answer} for {text:?}");
        ensure!(!answer.cookies().iter().any(|cookie| cookie.name == "a"), "{answer} sets a cookie");
    }
    Ok("400".to_owned())
}

async fn nul_and_lone_surrogates(ground: Ground) -> Held {
    let device = ground.device().await?;
    for body in [
        "{\"code\": \"\\ud800\", \"via\": \"camera\"}".as_bytes().to_vec(),
        b"{\"code\": \"\xff\xfe\", \"via\": \"camera\"}".to_vec(),
        b"{\"code\": \"a\x00b\", \"via\": \"camera\"}".to_vec(),
        b"{\"code\": \"\\u0000\", \"via\": \"camera\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
    ] {
        let call =
            device.call("POST", "/api/scans").await?.header("content-type", "application/json").body(body);
        call.send().await?.one_of(&[400, 404])?;
    }
    ground.http().get("/api/login-requests/%00").await?.is(404)?;
    ground.http().get("/api/login-requests/%ff%fe").await?.one_of(&[400, 404])?;
    Ok("400 or 404".to_owned())
}

async fn deep_and_wide_json(ground: Ground) -> Held {
    let http = ground.http();
    let key = Key::fresh();
    let wide = format!("{{{}\"x\":1}}", "\"a\":1,".repeat(2_500));
    for body in
        ["[".repeat(16_000), format!("{{\"a\":{}", "{\"a\":".repeat(3_000)), "1e999999999".to_owned(), wide]
    {
        let start = Page::starting(http, &Jar::default()).header("content-type", "application/json");
        start.proof(&key).await?.body(body).send().await?.one_of(&[201, 400])?;
    }
    // The same inside a proof and a statement.
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let part = crate::client::base64url(deep.as_bytes());
    let body = json!({"statement": format!("{part}.{part}.{part}")});
    http.call("POST", "/api/decisions").json(&body).send().await?.one_of(&[400, 404, 413])?;
    http.call("POST", "/api/devices")
        .json(&json!({}))
        .header("dpop", format!("{part}.{part}.x"))
        .send()
        .await?
        .one_of(&[400, 401, 431])?;
    Ok("16,000 brackets, 2,500 members, huge numbers: refused".to_owned())
}

/// Guard: what comes from outside is one field of one line.
async fn log_lines_cannot_be_forged(_: Ground) -> Held {
    for format in ["human", "json"] {
        let ground = Ground::with(&[("LOG_FORMAT", format), ("LOG", "debug")]).await?;
        let forged = "2026-01-01T00:00:00Z  INFO Login approved user=mallory";
        let (device, _) = named(&ground, &format!("x\n{forged}")).await?;
        let agent = [("user-agent", forged), ("x-request-id", forged), ("referer", forged)];
        let page =
            Page::start_with(ground.http(), &Key::fresh(), &Jar::default(), &json!({}), &agent).await?;
        device.take(&page).await?;
        ground
            .http()
            .get("/api/login-requests/x%0A2026-01-01T00:00:00Z%20%20INFO%20Login%20approved")
            .await?
            .is(404)?;
        ground.http().get("/api/activity?after=%0A2026-01-01T00:00:00Z%20INFO%20mallory").await?;
        let body = json!({"username": format!("x\n{forged}"), "password": "x", "device": {"name": "x", "kind": "linux"}});
        Device::enrolling(ground.http(), &Key::fresh(), &body).await?.is(401)?;
        let log = ground.server()?.log().await?;
        ensure!(!log.lines().any(|line| line.starts_with("2026-01-01T00:00:00Z")), "a forged line: {log}");
        ensure!(!log.contains('\u{1b}'), "terminal codes in the log");
        if format == "json" {
            for line in log.lines() {
                serde_json::from_str::<Value>(line)
                    .with_context(|| format!("not one line of JSON: {line}"))?;
            }
        }
    }
    Ok("names, headers and paths make no lines of their own".to_owned())
}

async fn user_names_are_plain(ground: Ground) -> Held {
    let server = ground.server()?;
    let bad = [
        "",
        " ",
        "a\nb",
        "a\u{202e}b",
        "\u{1b}[31m",
        "<b>",
        "a b",
        "../x",
        "x'--",
        "аdmin",
        "a\u{200b}b",
        "-x",
    ];
    for name in bad {
        let (code, out, error) = server.operate_freely(&["users", "add", "--", name]).await?;
        ensure!(code != 0, "{name:?} was taken: {out}{error}");
        ensure!(
            !error.contains('\u{1b}') && !error.contains('\u{202e}'),
            "{name:?} is printed raw: {error:?}"
        );
    }
    let name = fresh_name();
    server.add_account(&name).await?;
    let (code, _, _) = server.operate_freely(&["users", "add", &name.to_uppercase()]).await?;
    ensure!(code != 0, "{} and {name} are two accounts", name.to_uppercase());
    Ok(format!("{} names refused", bad.len() + 1))
}

async fn display_names_are_cleaned(ground: Ground) -> Held {
    let server = ground.server()?;
    let name = fresh_name();
    let text = "Ada\u{202e}\u{1b}[31m\u{2066}\n<script>alert(1)</script>";
    let (code, out, _) = server.operate_freely(&["users", "add", &name, "--display-name", text]).await?;
    if code != 0 {
        return Ok("refused".to_owned());
    }
    let said: Value = serde_json::from_str(&out)?;
    let device = Device::enrol(ground.http(), said["link"].as_str().unwrap_or_default()).await?;
    clean(&device.enrolled.json()?)?;
    let mut page = ground.page().await?;
    device.approve(&page).await?;
    clean(&page.sign_in().await?.json()?)?;
    let served = page.call("GET", "/").header("accept", "text/html").send().await?.text();
    ensure!(!served.contains("<script>alert"), "the page prints the name as markup");
    Ok("kept without control and bidirectional characters".to_owned())
}

async fn site_name_is_escaped(_: Ground) -> Held {
    let evil = "\"><script>alert(1)</script><meta name='";
    let ground = match Ground::with(&[("NAME", evil)]).await {
        Ok(ground) => ground,
        Err(error) => {
            return Ok(format!("refused: {}", error.to_string().lines().next().unwrap_or_default()));
        }
    };
    for path in ["/", "/login", "/Q/A", "/E/A", "/renew"] {
        let text = ground.http().call("GET", path).header("accept", "text/html").send().await?.text();
        ensure!(!text.contains("<script>alert"), "{path} prints the site's name as markup");
    }
    let body = json!({"code": ground.page().await?.code().await?, "via": "camera"});
    Scan::read(ground.device().await?.scan_via(&body).await?)?;
    Ok("escaped on five pages".to_owned())
}
