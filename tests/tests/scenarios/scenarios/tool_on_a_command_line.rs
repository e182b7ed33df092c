use std::process::Command;

use anyhow::{Result, ensure};
use e2e::process::Program;
use e2e::stage::{Stage, play};
use e2e::{patience, programs};

use super::scene::Scene;

/// `examples/cli` as its readers have it: it prints a code, the person types that into the app, and it prints who they
/// are. When they say no, it says so and fails.
#[tokio::test(flavor = "multi_thread")]
async fn tool_on_a_command_line() -> Result<()> {
    play("tool_on_a_command_line", async |stage| {
        let scene = Scene::begin(stage).await?;
        let added = ["clients", "add", "Backup", "--id", "backup", "--public", "--device-grant"];
        scene.server.operate(&added)?;

        let mut tool = start(stage, &scene)?;
        type_code(&scene, &mut tool).await?;
        scene.app.click("approve").await?;
        ensure!(scene.app.outcome().await? == "signed_in", "the app says {}", scene.app.outcome().await?);
        tool.end_within(patience::limit()).await?;
        let said = tool.output()?;
        ensure!(said.lines().last() == Some("Signed in as ada"), "it says {said}");
        ensure!(scene.app.signed_in_browsers().await? == 1, "the app does not list it");
        let row = scene.app.text("session-row").await?;
        ensure!(row.contains("Backup"), "the list says {row}");

        let mut tool = start(stage, &scene)?;
        scene.app.click("go-scan").await?;
        scene.app.until("scan").await?;
        type_code(&scene, &mut tool).await?;
        scene.app.click("deny").await?;
        patience::until("the tool to end", async || Ok((!tool.runs()?).then_some(()))).await?;
        let said = tool.output()?;
        ensure!(said.contains("nobody signed in") && !said.contains("Signed in as"), "it says {said}");
        Ok(())
    })
    .await
}

fn start(stage: &Stage, scene: &Scene) -> Result<Program> {
    let mut command = Command::new(programs::built("example-cli")?);
    command.args(["--issuer", scene.server.origin(), "--client-id", "backup"]);
    Program::start("cli", &mut command, &stage.logs())
}

/// The person types what the tool printed; the app asks, and names the tool.
async fn type_code(scene: &Scene, tool: &mut Program) -> Result<()> {
    let code = tool.line(|line| line.split_once("and type: ").map(|(_, code)| code.to_owned())).await?;
    scene.app.click("type-code").await?;
    scene.app.until("type_code").await?;
    scene.app.fill("code-input", &code).await?;
    scene.app.click("submit-code").await?;
    scene.app.until("authorize").await?;
    let client = scene.app.text("client").await?;
    ensure!(client == "Backup", "the prompt names {client}");
    Ok(())
}
