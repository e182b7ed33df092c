use anyhow::{Result, ensure};
use e2e::gate::Trap;
use e2e::hostile;
use e2e::qr;
use e2e::stage::play;

use super::scene::Scene;

/// One of each kind; the authenticator's own tests let all of them in.
const SAMPLE: &[&str] = &[
    "another server, a perfect login code",
    "an address that redirects to a code",
    "our address in decimal",
    "our host as a user name",
    "our host as the beginning of another",
    "punycode",
    "a script",
    "a file",
    "our scheme around a script",
    "a command for a shell",
    "a picture that loads",
    "an address turned around",
    "three kilobytes of an address",
];

/// Whatever a picture holds that is no code of an enrolled server is shown as text; nothing is fetched, opened or run.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_codes_are_shown_only() -> Result<()> {
    play("hostile_codes_are_shown_only", async |stage| {
        let scene = Scene::begin(stage).await?;
        let trap = Trap::set().await?;
        let canary = stage.folder("canary")?.join("made-by-a-shell");
        let there = trap.address();
        for hostile in hostile::codes(SAMPLE, scene.server.listen(), there, &canary.to_string_lossy())? {
            let name = &hostile.name;
            let picture = qr::picture(&hostile.text, &stage.folder("hostile")?, "code")?;
            scene.app.scan_picture(&picture).await?;
            scene.app.until("foreign_text").await?;
            let shown = scene.app.text("foreign-text").await?;
            let seen = |c: &char| !matches!(c, '\u{202e}');
            let beginning: String = hostile.text.chars().take_while(seen).take(60).collect();
            ensure!(shown.contains(beginning.trim()), "{name}: {shown:?} is shown");
            ensure!(!shown.contains('\u{202e}'), "{name} is turned around");
            let inert = "const shown = document.querySelector('[data-testid=foreign-text]'); \
                         return shown.childElementCount === 0 && document.querySelector('main a, main img, iframe') === null";
            ensure!(scene.app.driver().read::<bool>(inert).await?, "{name} became more than text");
        }
        // The app has had every chance: it went on to other pictures and back to its scan view.
        scene.app.go_to_scan().await?;
        let page = scene.page().await?;
        scene.sign_in(stage, &page).await?;
        ensure!(trap.visits() == 0, "somebody came {} times", trap.visits());
        ensure!(!canary.exists(), "a shell ran");
        Ok(())
    })
    .await
}
