//! How many of a camera's pictures the window draws, and what that costs: `cargo xtask bench preview`.
//!
//! The real window shows a film: a camera out of a folder that sends 1280x720 JPEG files 30 times a second through the
//! real way (lane, command, webview). The window counts what it draws, the camera what it sends; CPU is read from /proc.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod cpu;
mod film;
mod view;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use e2e::app::App;
use e2e::desktop::Desktop;
use e2e::patience;
use e2e::programs;
use e2e::stage::{Stage, play};
use serde::Deserialize;
use serde_json::json;

#[derive(Parser)]
#[command(about = "Measures the camera's preview in the real window")]
struct Options {
    /// JPEG files of one size to show, by name; without it a film is made.
    #[arg(long)]
    frames: Option<PathBuf>,
    /// How long it is measured, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Instead of measuring, take pictures of the view with a code found, into this folder.
    #[arg(long, value_name = "DIR")]
    picture: Option<PathBuf>,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// What the window has counted.
#[derive(Clone, Copy, Deserialize)]
struct Count {
    drawn: u64,
    newest: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    play("bench-preview", async |stage| match &options.picture {
        Some(folder) => view::take(stage, folder).await,
        None => measure(stage, &options).await,
    })
    .await
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn measure(stage: &Stage, options: &Options) -> Result<()> {
    let films = stage.folder("films")?;
    let film = films.join("Front camera");
    let bytes = match &options.frames {
        Some(frames) => film::link(frames, &film)?,
        None => film::make(&film)?,
    };
    let desktop = Desktop::start(stage, "preview").await?;
    let film_app = programs::built("countersign-film")?;
    let app =
        App::of_program(stage, &desktop, &film_app, &[("COUNTERSIGN_FILM", films.as_os_str())], &[]).await?;
    app.loaded_view().await?;
    app.click("add-account").await?;
    app.click("scan-link").await?;
    app.until("scan").await?;
    patience::until("the first pictures", async || Ok((count(&app).await?.drawn > 30).then_some(()))).await?;

    let (before, cpu_before, began) = (count(&app).await?, cpu::descendants_s()?, Instant::now());
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let (after, cpu_after, took) = (count(&app).await?, cpu::descendants_s()?, began.elapsed());

    let (sent, drawn) = (after.newest - before.newest, after.drawn - before.drawn);
    ensure!(sent > 0, "the camera sent nothing");
    #[expect(clippy::cast_precision_loss, reason = "some hundred pictures")]
    let [sent, drawn] = [sent, drawn].map(|count| count as f64 / took.as_secs_f64());
    let cpu = (cpu_after - cpu_before) / took.as_secs_f64();
    if options.json {
        let figures = json!({
            "sent_per_s": sent, "drawn_per_s": drawn, "cpu_cores": cpu,
            "frame_bytes": bytes, "seconds": took.as_secs_f64(),
        });
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        println!(
            "pictures of {} kB: {sent:.1} sent a second, {drawn:.1} drawn ({:.1} %)",
            bytes / 1000,
            100.0 * drawn / sent
        );
        println!("CPU of app, webview, display and drivers: {cpu:.2} cores");
    }
    app.close().await;
    Ok(())
}

async fn count(app: &App) -> Result<Count> {
    let script = "const data = document.querySelector('[data-testid=preview]')?.dataset; \
                  return { drawn: Number(data?.drawn ?? 0), newest: Number(data?.newest ?? 0) }";
    app.driver().read(script).await
}
