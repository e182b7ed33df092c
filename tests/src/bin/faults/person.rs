//! A person: a browser, and an authenticator with an account of its own.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cast::Cast;
use crate::client::{Device, Http, random_bytes};

/// Calls any node.
pub(crate) struct Person {
    /// One for each node.
    nodes: Vec<Http>,
    device: Device,
    /// The last entry of the account's activity that was read.
    pub(crate) read_to: u64,
}

impl Person {
    /// Makes an account and enrols its authenticator.
    pub(crate) async fn enrol(cast: &Cast, number: u32) -> Result<Self> {
        let said = cast.nodes[0].operate(&["users", "add", &format!("person{number}")]).await?;
        let said: Value = serde_json::from_str(&said)?;
        let link = said["link"].as_str().with_context(|| format!("no link in {said}"))?;
        let nodes = cast.nodes.iter().map(crate::node::Node::http).collect::<Result<Vec<_>>>()?;
        let device = Device::enrol(&nodes[0], link).await?;
        Ok(Self { nodes, device, read_to: 0 })
    }

    /// A node, as a load balancer would choose it.
    pub(crate) fn any_node(&self) -> Http {
        self.nodes[chance() % self.nodes.len()].clone()
    }

    /// The authenticator, calling that node.
    pub(crate) fn device_at(&self, http: &Http) -> Device {
        Device { http: http.clone(), ..self.device.clone() }
    }

    /// The authenticator, for what needs no call.
    pub(crate) const fn device(&self) -> &Device {
        &self.device
    }
}

/// A number by chance, 0 to 255.
pub(crate) fn chance() -> usize {
    usize::from(random_bytes(1)[0])
}
