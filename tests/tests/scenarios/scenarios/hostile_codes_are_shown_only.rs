use anyhow::{Result, ensure};
use e2e::gate::Trap;
use e2e::qr;
use e2e::stage::play;

use super::scene::Scene;

/// Whatever a picture holds that is no code of an enrolled server is shown as text; nothing is fetched or opened.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_codes_are_shown_only() -> Result<()> {
    play("hostile_codes_are_shown_only", async |stage| {
        let scene = Scene::begin(stage).await?;
        let trap = Trap::set().await?;
        let (there, here) = (trap.address(), scene.server.listen());
        let code = "A".repeat(40);
        let hostile = [
            ("other-host", format!("HTTP://{there}/Q/{code}")),
            ("other-enrolment-host", format!("http://{there}/anything?next=/Q/{code}")),
            ("lookalike-userinfo", format!("http://{here}@{there}/Q/{code}")),
            ("lookalike-subdomain", format!("http://{here}.{there}/Q/{code}")),
            ("javascript", "javascript:fetch('http://".to_owned() + there + "')"),
            ("file", "file:///etc/passwd".to_owned()),
            ("long-text", format!("http://{there}/ {}", "countersign ".repeat(240))),
        ];
        for (name, text) in hostile {
            let picture = qr::picture(&text, &stage.folder("hostile")?, name)?;
            scene.app.scan_picture(&picture).await?;
            scene.app.until("foreign_text").await?;
            let shown = scene.app.text("foreign-text").await?;
            let beginning: String = text.chars().take(60).collect();
            ensure!(shown.contains(&beginning), "{name}: {shown:?} is shown");
            ensure!(
                scene.app.driver().read::<bool>("return document.querySelector('main a') === null").await?,
                "{name} became a link"
            );
        }
        // The app has had every chance: it went on to other pictures and back to its scan view.
        scene.app.go_to_scan().await?;
        let page = scene.page().await?;
        scene.sign_in(stage, &page).await?;
        ensure!(trap.visits() == 0, "somebody came {} times", trap.visits());
        Ok(())
    })
    .await
}
