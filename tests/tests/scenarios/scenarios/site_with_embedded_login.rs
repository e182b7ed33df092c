use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use e2e::accessibility::check;
use e2e::driver::Driver;
use e2e::process::Program;
use e2e::server::Server;
use e2e::stage::{Stage, play};
use e2e::{patience, ports, programs};
use serde_json::Value;

use super::scene::Scene;

/// A site shows the code inside its own page; approved, the whole page is signed in. Next time it asks first, and no
/// message of anybody else is heard.
#[tokio::test(flavor = "multi_thread")]
async fn site_with_embedded_login() -> Result<()> {
    play("site_with_embedded_login", async |stage| {
        let scene = Scene::begin(stage).await?;
        let site = Club::start(stage, &scene.server, "127.0.0.1").await?;
        scene.browser.resize(1000, 1000).await?;
        let page = scene.browser.open(&site.origin).await?;
        let driver = page.driver();
        let frame = driver.shown("iframe.countersign").await?;
        ensure!(
            frame.attr("title").await?.as_deref() == Some("Sign in with Countersign"),
            "the frame's title"
        );
        ensure!(!link_is_shown(driver).await?, "link and frame are both there");
        let forged: String = driver.read(&forgeries(scene.server.origin())).await?;
        ensure!(forged.is_empty(), "heard: {forged}");

        driver.window().enter_frame(0).await?;
        page.until("waiting").await?;
        driver.says("Club").await?;
        ensure!(!driver.read::<bool>("return Boolean(document.getElementById('back'))").await?, "a way back");
        patience::until("the frame to be as high as the page in it", async || {
            let fits = "return document.documentElement.scrollHeight <= innerHeight && innerHeight < 900";
            Ok(driver.read::<bool>(fits).await?.then_some(()))
        })
        .await?;
        check("embedded, waiting", driver).await?;
        scene.scan(stage, &page).await?;
        let prompt = scene.app.driver().all_text().await?;
        ensure!(prompt.contains("Club"), "the app does not say which site asks: {prompt}");
        scene.app.approve(&page.number().await?).await?;
        // The frame leads the page on by itself.
        is_signed_in(driver).await?;
        ensure!(scene.app.outcome().await? == "signed_in", "the app saw another end");

        driver.click("#leave").await?;
        driver.shown("iframe.countersign").await?;
        driver.window().enter_frame(0).await?;
        page.until("confirm").await?;
        let button = driver.shown("#continue").await?;
        // The driver may lose the frame in the middle of the click: that is what the click is for.
        drop(button.click().await);
        is_signed_in(driver).await?;
        ensure!(scene.app.signed_in_browsers().await? == 1, "another session was made");
        Ok(())
    })
    .await
}

/// Pages of origins that are not the site's get no frame, be they of the same site to the browser or not; nor does a site
/// for the sign-in of another one.
#[tokio::test(flavor = "multi_thread")]
async fn page_elsewhere_frames_nothing() -> Result<()> {
    play("page_elsewhere_frames_nothing", async |stage| {
        let scene = Scene::begin(stage).await?;
        let site = Club::start(stage, &scene.server, "127.0.0.1").await?;
        let port = serve_elsewhere(&scene.server, &site).await?;
        for host in ["127.0.0.1", "localhost"] {
            let page = scene.browser.open(&format!("http://{host}:{port}/")).await?;
            let driver = page.driver();
            patience::until("the frame to have come to its end", async || {
                Ok(driver.read::<bool>("return window.loaded === true").await?.then_some(()))
            })
            .await?;
            ensure!(link_is_shown(driver).await?, "{host}: no ordinary link");
            let hidden = "return document.querySelector('iframe.countersign').style.visibility === 'hidden'";
            ensure!(driver.read::<bool>(hidden).await?, "{host}: the frame is shown");
            has_nothing_framed(driver, 0).await.context(host)?;
        }
        // A sign-in of another site, which frames none, inside the page of one that may frame its own.
        let other = format!("{}/oauth/authorize?{}", scene.server.origin(), another_sites(&scene.server)?);
        let page = scene.browser.open(&site.origin).await?;
        let driver = page.driver();
        driver.shown("iframe.countersign").await?;
        driver
            .read::<Value>(&format!(
                "const frame = document.createElement('iframe'); frame.src = {}; \
                 frame.onload = () => document.body.dataset.loaded = 'yes'; document.body.append(frame); return null",
                serde_json::to_string(&other)?
            ))
            .await?;
        patience::until("the other frame to have come to its end", async || {
            Ok(driver.read::<bool>("return document.body.dataset.loaded === 'yes'").await?.then_some(()))
        })
        .await?;
        has_nothing_framed(driver, 1).await.context("another site's sign-in")
    })
    .await
}

/// Where the browser keeps no cookies of the server in a frame, since the two are different sites to it, the link stays and
/// leads to the ordinary way.
#[tokio::test(flavor = "multi_thread")]
async fn embedded_login_of_another_site_stays_a_link() -> Result<()> {
    play("embedded_login_of_another_site_stays_a_link", async |stage| {
        let scene = Scene::begin(stage).await?;
        let site = Club::start(stage, &scene.server, "localhost").await?;
        let page = scene.browser.open(&site.origin).await?;
        let driver = page.driver();
        patience::until("the frame to be taken away", async || {
            let gone = "return document.querySelector('[data-countersign=framed]') && \
                        !document.querySelector('iframe')";
            Ok(driver.read::<Value>(gone).await?.as_bool().filter(|gone| *gone))
        })
        .await?;
        ensure!(link_is_shown(driver).await?, "no ordinary link");
        driver.click("#sign-in").await?;
        scene.approve_site(stage, &page, "Club").await?;
        is_signed_in(driver).await
    })
    .await
}

/// `examples/embedded`, which the server lets frame its login page.
struct Club {
    _program: Program,
    origin: String,
}

impl Club {
    async fn start(stage: &Stage, server: &Server, host: &str) -> Result<Self> {
        let origin = format!("http://{host}:{}", ports::free()?);
        let back = format!("{origin}/signed-in");
        let added =
            server.operate(&["clients", "add", "Club", "--id", "club", "--embed", "--redirect", &back])?;
        let added: Value = serde_json::from_str(&added)?;
        let mut command = Command::new(programs::repo().join("examples/embedded/start"));
        command.env("ISSUER", server.origin()).env("SITE", &origin).env("CLIENT_ID", "club");
        command.env("CLIENT_SECRET", added["client_secret"].as_str().context("no secret")?);
        let mut program = Program::start("club", &mut command, &stage.logs())?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        patience::until("the site to serve pages", async || {
            if !program.runs()? {
                return Ok(Some(Err(anyhow!("the site ended: {}", program.output()?))));
            }
            client.get(format!("{origin}/style.css")).send().await?;
            Ok(Some(Ok(())))
        })
        .await??;
        Ok(Self { _program: program, origin })
    }
}

/// The page on top says who is signed in.
async fn is_signed_in(driver: &Driver) -> Result<()> {
    driver.window().enter_default_frame().await?;
    let user = driver.text("#user").await?;
    ensure!(user == "ada", "the site takes the visitor for {user}");
    Ok(())
}

async fn link_is_shown(driver: &Driver) -> Result<bool> {
    driver.read("return getComputedStyle(document.getElementById('sign-in')).display !== 'none'").await
}

/// That frame of the page holds no login page.
async fn has_nothing_framed(driver: &Driver, frame: u16) -> Result<()> {
    driver.window().enter_frame(frame).await?;
    let shows: bool = driver.read("return Boolean(document.querySelector('main'))").await?;
    driver.window().enter_default_frame().await?;
    ensure!(!shows, "the login page is shown in a frame");
    Ok(())
}

/// Sends what others might, as the browser would deliver it: what came of it, else nothing. A page that follows one of them
/// is gone, and the story with it.
fn forgeries(server: &str) -> String {
    format!(
        "const server = '{server}', frame = document.querySelector('iframe.countersign'); \
         const resume = server + '/oauth/resume?transaction=x'; \
         const send = (origin, source, data) => \
             dispatchEvent(new MessageEvent('message', {{ origin, source, data }})); \
         const news = [{{ countersign: 'go', to: resume }}, {{ countersign: 'unusable' }}, {{ countersign: 'again' }}, \
             {{ countersign: 'shown', height: 7 }}]; \
         for (const data of news) {{ \
             send('https://evil.example', frame.contentWindow, data); \
             send(server + '.evil.example', frame.contentWindow, data); \
             send(location.origin, window, data); send(server, window, data); send(server, null, data); \
             window.postMessage(data, '*'); \
         }} \
         for (const to of ['https://evil.example/oauth/resume', '//evil.example/oauth/resume', server + '/login', \
             server + '/oauth/resume/../cancel', 'javascript:document.title=1', '/oauth/resumed']) \
             send(server, frame.contentWindow, {{ countersign: 'go', to }}); \
         for (const data of [null, 7, 'go', {{ countersign: 'shown', height: 'x' }}, {{ countersign: 'shown' }}]) \
             send(server, frame.contentWindow, data); \
         if (!frame.isConnected) return 'the frame was taken away'; \
         if (frame.height === '7') return 'another height'; \
         return '';"
    )
}

/// A page that is not the site's, with the site's own two lines; its port.
async fn serve_elsewhere(server: &Server, site: &Club) -> Result<u16> {
    let page = format!(
        "<!doctype html><title>Elsewhere</title>\
         <script>document.addEventListener('load', (event) => {{ if (event.target.tagName === 'IFRAME') window.loaded = true }}, \
         true)</script>\
         <script src=\"{}/countersign.js\" async></script>\
         <a data-countersign id=\"sign-in\" href=\"{}/sign-in\">Sign in</a>",
        server.origin(),
        site.origin
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let routes = Router::new().route("/", get(async move || Html(page.clone())));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(port)
}

/// The question of a site that may frame nothing, as a query.
fn another_sites(server: &Server) -> Result<String> {
    server.operate(&[
        "clients",
        "add",
        "Bank",
        "--id",
        "bank",
        "--public",
        "--redirect",
        "https://bank.example/cb",
    ])?;
    Ok("response_type=code&client_id=bank&redirect_uri=https%3A%2F%2Fbank.example%2Fcb&scope=openid\
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        .to_owned())
}
