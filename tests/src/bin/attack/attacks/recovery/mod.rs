//! Recovery codes: used again, used by others, guessed, and what they give away (docs/protocol.md, "Additions").

mod guesses;
mod uses;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Attack, Held, attacks};
use crate::client::{Answer, Device, Key, random_bytes};
use crate::ground::{Ground, fresh_name};

/// All of them.
pub(super) fn all() -> Vec<Attack> {
    [uses::all(), guesses::all()].into_iter().flatten().collect()
}

/// An account, the device that made its codes, and the codes.
struct Owner {
    name: String,
    device: Device,
    codes: Vec<String>,
}

impl Owner {
    async fn ready(ground: &Ground) -> Result<Self> {
        let name = fresh_name();
        let link = ground.server()?.add_account(&name).await?;
        let device = Device::enrol(ground.http(), &link).await?;
        let codes = made(&device).await?;
        Ok(Self { name, device, codes })
    }
}

async fn made(device: &Device) -> Result<Vec<String>> {
    let body = device.call("POST", "/api/recovery-codes").await?.send().await?.is(201)?.json()?;
    let codes = body["codes"].as_array().with_context(|| format!("no codes in {body}"))?;
    ensure!(codes.len() == 10, "{} codes", codes.len());
    Ok(codes.iter().filter_map(|code| code.as_str().map(str::to_owned)).collect())
}

async fn left(device: &Device) -> Result<Value> {
    Ok(device.get("/api/recovery-codes").await?.is(200)?.json()?["left"].clone())
}

fn recovery(name: &str, code: &str) -> Value {
    json!({"username": name, "recovery_code": code, "device": {"name": "New desk", "kind": "linux"}})
}

async fn recover(ground: &Ground, name: &str, code: &str) -> Result<Answer> {
    Device::enrolling(ground.http(), &Key::fresh(), &recovery(name, code)).await
}

/// A code as the server makes them, that it did not make.
fn invented() -> String {
    let text = data_encoding::BASE32_NOPAD.encode(&random_bytes(10));
    format!("{}-{}-{}-{}", &text[..4], &text[4..8], &text[8..12], &text[12..])
}

async fn device_count(device: &Device) -> Result<usize> {
    let list = device.get("/api/devices").await?.is(200)?.json()?;
    list["devices"].as_array().map(Vec::len).with_context(|| format!("no devices in {list}"))
}
