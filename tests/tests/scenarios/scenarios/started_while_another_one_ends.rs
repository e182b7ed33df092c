use anyhow::{Context, Result};
use e2e::app::App;
use e2e::desktop::Desktop;
use e2e::stage::play;
use futures_util::StreamExt as _;
use zbus::message::Type;

/// By this name a second app finds the first.
const NAME: &str = "app.countersign.desktop.SingleInstance";

/// An app that is started in the moment in which the one before ends finds its name and then nobody who answers. It opens
/// its window all the same.
#[tokio::test(flavor = "multi_thread")]
async fn started_while_another_one_ends() -> Result<()> {
    play("started_while_another_one_ends", async |stage| {
        let desktop = Desktop::start(stage, "ada").await?;
        let address = desktop.bus().await;
        let ending = zbus::connection::Builder::address(address.as_str()).name(NAME).build().await?;
        let gone = async move {
            let mut messages = zbus::MessageStream::from(&ending);
            while let Some(message) = messages.next().await {
                if message?.message_type() == Type::MethodCall {
                    // The last of it: whoever called hears that nobody is there.
                    return Ok(ending.close().await?);
                }
            }
            anyhow::bail!("the bus ended before the app called")
        };
        let (app, gone) = tokio::join!(App::start(stage, &desktop), gone);
        gone.context("the app that ends")?;
        app?.until("first_start").await
    })
    .await
}
