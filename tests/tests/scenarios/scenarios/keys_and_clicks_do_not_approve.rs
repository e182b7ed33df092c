use anyhow::{Context, Result, ensure};
use e2e::page::LoginPage;
use e2e::patience;
use e2e::process::signal;
use e2e::stage::play;
use thirtyfour::{By, Key};

use super::scene::{Scene, is_signed_in};

/// How often everything is pressed once the prompt is there.
const ROUNDS: usize = 12;

/// Enter and Space that are still being pressed when the prompt comes, a double click that was meant for the button before,
/// and a mashed keyboard approve nothing and take no try; the number and one deliberate press do.
#[tokio::test(flavor = "multi_thread")]
async fn keys_and_clicks_do_not_approve() -> Result<()> {
    play("keys_and_clicks_do_not_approve", async |stage| {
        let scene = Scene::begin(stage).await?;
        let window = scene.app.driver();

        // Keys, from the field of the code on.
        let page = scene.page().await?;
        types_the_code(&scene, &page).await?;
        window.press(Key::Enter).await?;
        patience::until("the prompt", async || {
            window.press(Key::Enter).await?;
            window.press(Key::Space).await?;
            Ok((scene.app.view().await? == "authorize").then_some(()))
        })
        .await?;
        for _ in 0..ROUNDS {
            window.press(Key::Enter).await?;
            window.press(Key::Space).await?;
        }
        rests(&scene, &page, "keys on arrival").await?;
        let number = page.number().await?;
        scene.app.type_number(&number).await?;
        for _ in 0..ROUNDS {
            window.press(Key::Enter).await?;
            window.press(Key::Space).await?;
        }
        rests(&scene, &page, "Enter behind the number").await?;
        scene.app.click("approve").await?;
        is_signed_in(&page, "ada").await?;
        ensure!(scene.app.outcome().await? == "signed_in", "the app saw another end");

        // A mouse, from the button of the code on until the prompt is under it.
        let page = again(&page).await?;
        scene.app.go_to_scan().await?;
        types_the_code(&scene, &page).await?;
        let happened = clicks_until_the_prompt(&scene).await?;
        let said_no = happened.iter().position(|what| what == "deny" || what == "not-me");
        let page = if let Some(at) = said_no {
            // Only on a machine so slow that the last click came when the prompt had rested: a press like any other.
            let rested = ["resting", "ready"].map(str::to_owned);
            ensure!(happened[..at].ends_with(&rested), "a stray click decided: {happened:?}");
            page.until("denied").await?;
            let page = again(&page).await?;
            scene.app.go_to_scan().await?;
            types_the_code(&scene, &page).await?;
            window.press(Key::Enter).await?;
            scene.app.until("authorize").await?;
            page
        } else {
            page
        };
        rests(&scene, &page, "double clicks until it came").await?;
        let approve = window.window().find(By::Css("[data-testid=approve]")).await?.rect().await?;
        let (x, y) = approve.icenter();
        for _ in 0..ROUNDS {
            double_click(&scene, x, y).await?;
        }
        rests(&scene, &page, "double clicks on Approve").await?;

        // Everything at once, the number left out: two digits that are not it, and every key that might act.
        let number = page.number().await?;
        let wrong = if number.contains('3') { '8' } else { '3' };
        let wrong = if number.contains(wrong) { '6' } else { wrong };
        for round in 0..ROUNDS {
            if scene.app.view().await? != "authorize" {
                break;
            }
            for key in 0..6 {
                match (round + key) % 6 {
                    0 | 3 => window.press(wrong.to_string()).await?,
                    1 => window.press(Key::Tab).await?,
                    2 | 4 => window.press(Key::Enter).await?,
                    _ => window.press(Key::Space).await?,
                }
            }
        }
        let page_is = page.state().await?;
        ensure!(matches!(page_is.as_str(), "scanned" | "denied"), "a mashed keyboard made it {page_is}");
        ensure!(scene.app.view().await? != "waiting_for_page", "the app says that it was approved");
        Ok(())
    })
    .await
}

/// The page's letters are in the field and not yet handed in.
async fn types_the_code(scene: &Scene, page: &LoginPage) -> Result<()> {
    let code = page.code_to_type().await?;
    scene.app.click("type-code").await?;
    scene.app.until("type_code").await?;
    scene.app.fill("code-input", &code).await
}

/// The prompt is there, nothing was sent, and the page still waits for the decision.
async fn rests(scene: &Scene, page: &LoginPage, what: &str) -> Result<()> {
    let view = scene.app.view().await?;
    ensure!(view == "authorize", "{what}: the window shows {view:?}");
    ensure!(!scene.app.has("error").await?, "{what}: {} is shown", scene.app.error_code().await?);
    let state = e2e::script::view(scene.app.driver()).await?;
    let prompt = &state["screen"]["prompt"];
    ensure!(prompt["tries_left"].is_null() && prompt["deciding"].is_null(), "{what}: {prompt}");
    let page_is = page.state().await?;
    ensure!(page_is == "scanned", "{what}: the page is {page_is}");
    Ok(())
}

/// The same browser, signed out and at the beginning.
async fn again(page: &LoginPage) -> Result<LoginPage> {
    page.driver().window().delete_all_cookies().await?;
    page.reload().await?;
    page.until("waiting").await?;
    Ok(page.clone())
}

/// Double clicks on the button of the code until the prompt has come, and once more; "This wasn't me" is
/// where that button was. Gives what was pressed, and when the prompt rested and was ready.
async fn clicks_until_the_prompt(scene: &Scene) -> Result<Vec<String>> {
    let window = scene.app.driver();
    let listen = "const log = window.happened = []; \
        addEventListener('click', ({ target }) => log.push(target.closest('[data-testid]')?.dataset.testid ?? ''), true); \
        const look = () => { \
            const deny = document.querySelector('[data-testid=deny]'); \
            const is = deny && ('resting' in deny.dataset ? 'resting' : 'ready'); \
            if (is && is !== window.was) log.push(is); \
            window.was = is; \
        }; \
        new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true }); \
        return null";
    window.read::<Option<bool>>(listen).await?;
    // "Added" goes by itself, and with it everything moves.
    patience::until("the notice to go", async || Ok((!scene.app.has("notice").await?).then_some(()))).await?;
    let button = window.shown("[data-testid=submit-code]").await?.rect().await?;
    let (x, y) = button.icenter();
    // The server takes its time, so the prompt comes in the middle of the clicks.
    let server = scene.server.id().context("the server does not run")?.to_string();
    signal("STOP", &server);
    for _ in 0..3 {
        double_click(scene, x, y).await?;
    }
    signal("CONT", &server);
    patience::until("the prompt", async || {
        double_click(scene, x, y).await?;
        Ok((scene.app.view().await? != "type_code").then_some(()))
    })
    .await?;
    if scene.app.view().await? == "authorize" {
        double_click(scene, x, y).await?;
    }
    window.read("return window.happened").await
}

async fn double_click(scene: &Scene, x: i64, y: i64) -> Result<()> {
    Ok(scene.app.driver().window().action_chain().move_to(x, y).double_click().perform().await?)
}
