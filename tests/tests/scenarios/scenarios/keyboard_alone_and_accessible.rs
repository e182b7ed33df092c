use anyhow::{Result, bail};
use e2e::accessibility::check;
use e2e::driver::Driver;
use e2e::stage::play;
use thirtyfour::Key;

use super::scene::{Scene, is_signed_in};

/// One login without touching a mouse, on the page and in the window; axe-core finds nothing in any view on the way.
#[tokio::test(flavor = "multi_thread")]
async fn keyboard_alone_and_accessible() -> Result<()> {
    play("keyboard_alone_and_accessible", async |stage| {
        let scene = Scene::begin(stage).await?;
        let (app, window) = (&scene.app, scene.app.driver());
        let page = scene.page().await?;
        page.until("waiting").await?;
        check("page, waiting", page.driver()).await?;
        tab_to(page.driver(), "#type-code").await?;
        page.driver().press(Key::Enter).await?;
        page.until("code").await?;
        let code = page.driver().text("#user-code").await?;
        check("page, code", page.driver()).await?;

        check("window, scan", window).await?;
        tab_to(window, "[data-testid=type-code]").await?;
        window.press(Key::Enter).await?;
        app.until("type_code").await?;
        check("window, type_code", window).await?;
        tab_to(window, "[data-testid=code-input]").await?;
        window.press(code).await?;
        window.press(Key::Enter).await?;

        app.until("authorize").await?;
        check("window, authorize", window).await?;
        let number = page.number().await?;
        check("page, scanned", page.driver()).await?;
        tab_to(window, "[data-testid=check-digit-1]").await?;
        window.press(number).await?;
        tab_to(window, "[data-testid=approve]:not(:disabled)").await?;
        window.press(Key::Space).await?;

        is_signed_in(&page, "ada").await?;
        check("page, confirm", page.driver()).await?;
        app.until("outcome").await?;
        check("window, outcome", window).await?;
        for (hook, view) in [
            ("see-sessions", "sessions"),
            ("go-activity", "activity"),
            ("go-accounts", "accounts"),
            ("go-devices", "devices"),
        ] {
            let css = format!("[data-testid={hook}]");
            tab_to(window, &css).await?;
            window.press(Key::Enter).await?;
            app.until(view).await?;
            check(&format!("window, {view}"), window).await?;
        }
        Ok(())
    })
    .await
}

/// Presses Tab until the focus is there.
async fn tab_to(window: &Driver, css: &str) -> Result<()> {
    window.shown(css).await?;
    let selector = serde_json::to_string(css)?;
    for _ in 0..60 {
        window.press(Key::Tab).await?;
        if window
            .read::<bool>(&format!("return document.activeElement?.matches({selector}) ?? false"))
            .await?
        {
            return Ok(());
        }
    }
    bail!("sixty times Tab never led to {css}")
}
