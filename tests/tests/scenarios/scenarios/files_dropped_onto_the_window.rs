use std::fs::{self, File};

use anyhow::{Result, ensure};
use e2e::app::App;
use e2e::stage::play;

use super::scene::{Scene, is_signed_in};

/// Larger than any picture that is read, and than what a window could hold.
const HUGE: u64 = 6 << 30;

/// Files are dragged out of another program and dropped onto the window. What is no picture, a folder, a file of 6 GB
/// and one that is gone are told in a sentence, wherever the window was; the view and the camera stay as they were, and
/// the picture of a code that comes next signs in.
#[tokio::test(flavor = "multi_thread")]
async fn files_dropped_onto_the_window() -> Result<()> {
    play("files_dropped_onto_the_window", async |stage| {
        let scene = Scene::begin(stage).await?;
        let app = &scene.app;
        let folder = stage.folder("to drop, 100%")?;
        let note = folder.join("note.txt");
        fs::write(&note, "no picture")?;
        let huge = folder.join("film.png");
        File::create(&huge)?.set_len(HUGE)?;
        let page = scene.page().await?;
        let code = page.picture_of_code(&folder).await?;

        let camera = settled_camera(app).await?;
        for (path, expected) in
            [(&note, "picture_unreadable"), (&folder, "picture_unreadable"), (&huge, "picture_too_large")]
        {
            app.drop_file(stage, &scene.desktop, path).await?;
            app.until_error(expected).await?;
            ensure!(app.view().await? == "scan", "the drop led to {}", app.view().await?);
            ensure!(settled_camera(app).await? == camera, "the camera was disturbed");
        }

        app.drop_file_quickly(stage, &scene.desktop, &code).await?;
        app.approve(&page.number().await?).await?;
        is_signed_in(&page, "ada").await?;
        let outcome = app.outcome().await?;
        ensure!(outcome == "signed_in", "the app says {outcome}");

        // From a view that shows something else, the sentence comes all the same.
        app.drop_file(stage, &scene.desktop, &huge).await?;
        app.until("scan").await?;
        app.until_error("picture_too_large").await?;
        ensure!(app.signed_in_browsers().await? == 1, "the browser is not listed");
        Ok(())
    })
    .await
}

/// What the window says of the camera (there is none on this computer) once it has looked.
async fn settled_camera(app: &App) -> Result<(String, String)> {
    Ok((app.attribute("camera-error", "data-code").await?, app.attribute("camera", "data-camera").await?))
}
