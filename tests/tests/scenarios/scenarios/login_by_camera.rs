use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::process::Program;
use e2e::stage::play;
use e2e::{camera, programs};
use image::GrayImage;

/// The emulated machine is about that many times slower.
const PATIENCE: &str = "20";

/// A picture that a slow window can still paint: at 30 frames/s nothing else would get through.
const MODE: &str = "mjpeg:640x480@2";

/// Longest time for the whole story, in seconds.
const LIMIT_S: u64 = 1800;

/// Server, browser and app inside a machine with a real V4L2 camera: the app reads the page's code from its picture; a
/// camera that is unplugged, frozen or busy is told apart and recovered from.
#[tokio::test(flavor = "multi_thread")]
async fn login_by_camera() -> Result<()> {
    let Some(machine) = camera::machine() else {
        // Past the test runner's capture: a test that did not run has to be seen.
        let said = b"skipped: login_by_camera (no machine with a camera; COUNTERSIGN_CAMERA_VM names one)\n";
        return std::io::stdout().write_all(said).context("cannot say that it is skipped");
    };
    play("login_by_camera", async |stage| {
        let shared = stage.pictures().join("machine");
        fs::create_dir_all(&shared)?;
        let picture = shared.join("held-up.png");
        GrayImage::new(640, 480).save(&picture)?;
        let mut command = Command::new(machine);
        command
            .args(["--memory", "4096", "--timeout", &LIMIT_S.to_string(), "--mode", MODE])
            .arg("--image")
            .arg(&picture)
            .arg("--share")
            .arg(&shared)
            .args(["--env", &format!("COUNTERSIGN_E2E_PATIENCE={PATIENCE}"), "--"])
            .arg(programs::built("camera-login")?)
            .arg("--picture")
            .arg(&picture)
            .arg("--kept")
            .arg(shared.join("inside"));
        let mut told = Program::start("machine", &mut command, &stage.logs())?;
        told.end_within(Duration::from_secs(LIMIT_S + 60)).await?;
        ensure!(told.output()?.contains("signed in by camera"), "it told {}", told.output()?);
        Ok(())
    })
    .await
}
