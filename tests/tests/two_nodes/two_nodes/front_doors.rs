//! The standard front doors of a site with two nodes: what a client hears of one holds at the other.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::node::Node;
use super::site::Site;
use super::tool::{REGISTER, Tool, post, userinfo};
use crate::client::{Answer, Http, from_base64url};

const DAY_S: u32 = 86_400;
const SIGKILL: i32 = 9;

/// A tool that started at a, whose person typed its code at b.
async fn approved(site: &Site) -> Result<Tool> {
    let tool = Tool::start(&site.a.http()?).await?;
    tool.approved_by(&site.device_at_b()?).await?;
    Ok(tool)
}

#[tokio::test]
async fn both_nodes_publish_the_same_whoever_is_asked_first() -> Result<()> {
    let site = Site::new().await?;
    // The first key is made at the first need, here by both at once.
    let (a, b) = tokio::join!(published(&site.a), published(&site.b));
    let (a, b) = (a?, b?);
    ensure!(a == b, "{a:?} and {b:?}");
    ensure!(kids(&site.a).await?.len() == 1, "not one key");
    Ok(())
}

async fn published(node: &Node) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    for path in [
        "/oauth/jwks",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/countersign",
    ] {
        documents.push(node.http()?.get(path).await?.is(200)?.json()?);
    }
    ensure!(documents[1]["issuer"] == "https://login.example.com", "{}", documents[1]);
    Ok(documents)
}

/// A rotation is done at one node's command line; both follow, and no client is left with a token that nobody takes.
#[tokio::test]
async fn a_rotation_of_the_signing_key_reaches_both_nodes() -> Result<()> {
    let site = Site::new().await?;
    site.a.operate(&REGISTER).await?;
    let tool = approved(&site).await?;
    let tokens = tool.poll(&site.b.http()?).await?.is(200)?.json()?;
    let first = kid_of(&tokens)?;

    // For a key that leaked: within a minute both sign with the next one, and take nothing of the other.
    site.a.operate(&["signing-keys", "rotate", "--at-once"]).await?;
    pass(&site, 60).await?;
    let (at_a, at_b) = (kids(&site.a).await?, kids(&site.b).await?);
    ensure!(at_a == at_b && at_a.len() == 1 && !at_a.contains(&first), "{at_a:?} {at_b:?} after {first}");
    for node in [&site.a, &site.b] {
        userinfo(&node.http()?, &tokens).await?.is(401)?;
    }
    let tokens = refresh(&site.a.http()?, &tokens).await?.is(200)?.json()?;
    let second = kid_of(&tokens)?;
    ensure!(at_a == [second.clone()], "a signs with {second}, and publishes {at_a:?}");
    let tokens = refresh(&site.b.http()?, &tokens).await?.is(200)?.json()?;
    ensure!(kid_of(&tokens)? == second, "b signs with another one");
    userinfo(&site.a.http()?, &tokens).await?.is(200)?;

    // In order: published by both at once, used by both a day later.
    site.b.operate(&["signing-keys", "rotate"]).await?;
    let (at_a, at_b) = (kids(&site.a).await?, kids(&site.b).await?);
    ensure!(at_a == at_b && at_a.len() == 2, "{at_a:?} {at_b:?}");
    let tokens = refresh(&site.a.http()?, &tokens).await?.is(200)?.json()?;
    ensure!(kid_of(&tokens)? == second, "used before its time");
    pass(&site, DAY_S).await?;
    let tokens = refresh(&site.a.http()?, &tokens).await?.is(200)?.json()?;
    let third = kid_of(&tokens)?;
    ensure!(third != second && at_a.contains(&third), "{third} is not the one that was published");
    userinfo(&site.b.http()?, &tokens).await?.is(200)?;
    let tokens = refresh(&site.b.http()?, &tokens).await?.is(200)?.json()?;
    ensure!(kid_of(&tokens)? == third, "b goes on with the one before");
    userinfo(&site.a.http()?, &tokens).await?.is(200).map(drop)
}

/// RFC 8628 §3.5: the tool polls on. The node that had begun to answer is dead; the other one finishes.
#[tokio::test]
async fn a_poll_that_a_dying_node_began_is_finished_by_the_other_one() -> Result<()> {
    for place in ["before grant: device", "before refresh: device"] {
        let mut site = Site::new().await?;
        site.a.operate(&REGISTER).await?;
        let tool = approved(&site).await?;
        site.a.die_at(place).await?;
        if let Ok(answer) = tool.poll(&site.a.http()?).await {
            anyhow::bail!("a lived past the place {place}: {answer}");
        }
        let status = site.a.left().await?;
        ensure!(std::os::unix::process::ExitStatusExt::signal(&status) == Some(SIGKILL), "{place}: {status}");
        let tokens = tool.poll(&site.b.http()?).await?.is(200)?.json()?;
        userinfo(&site.b.http()?, &tokens).await?.is(200)?;
        let again = tool.poll(&site.b.http()?).await?.is(200)?.json()?;
        ensure!(tokens["refresh_token"] == again["refresh_token"], "{place}: two refresh tokens");
        ensure!(site.sessions().await? == 1, "{place}: {} sessions", site.sessions().await?);
        refresh(&site.b.http()?, &tokens).await?.is(200)?;
    }
    Ok(())
}

async fn pass(site: &Site, seconds: u32) -> Result<()> {
    site.a.pass_s(seconds).await?;
    site.b.pass_s(seconds).await
}

/// Asks for the next tokens.
async fn refresh(http: &Http, tokens: &Value) -> Result<Answer> {
    let token = tokens["refresh_token"].as_str().context("no refresh token")?;
    let form = format!("client_id=backup&grant_type=refresh_token&refresh_token={token}");
    post(http, "/oauth/token", &form).await
}

/// Names of the keys that a node publishes.
async fn kids(node: &Node) -> Result<Vec<String>> {
    let set = node.http()?.get("/oauth/jwks").await?.is(200)?.json()?;
    let keys = set["keys"].as_array().context("no keys")?;
    keys.iter().map(|key| key["kid"].as_str().map(str::to_owned).context("a key without name")).collect()
}

/// Name of the key that signed the access token.
fn kid_of(tokens: &Value) -> Result<String> {
    let token = tokens["access_token"].as_str().context("no access token")?;
    let header = from_base64url(token.split('.').next().unwrap_or_default())?;
    let header: Value = serde_json::from_slice(&header)?;
    Ok(header["kid"].as_str().context("a token without kid")?.to_owned())
}
