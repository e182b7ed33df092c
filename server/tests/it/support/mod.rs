//! A node, a page and an authenticator.

mod answer;
mod device;
mod node;
mod page;
mod remote;
mod site;
mod tool;
mod wire;

pub use answer::Answer;
pub use device::{Device, Scanned, wrong_number};
pub use node::{Node, Options};
pub use page::{Page, Request, code_of};
pub use remote::{Line, Remote};
pub use site::{Site, challenge};
pub use tool::{Tool, add_client};
pub use wire::{Extras, fresh_bytes, new_key, random};

use protocol::statement::Decision;

/// A page that was scanned and approved, not redeemed.
pub async fn approved(node: &Node) -> (Page, Request, Device, Scanned) {
    let (page, request, device, scanned) = scanned(node).await;
    let number = page.number(&request).await;
    device.decide(&scanned, Decision::Approve, Some(&number)).await.expect(204);
    (page, request, device, scanned)
}

/// A page that was scanned.
pub async fn scanned(node: &Node) -> (Page, Request, Device, Scanned) {
    let device = node.device("ada").await;
    let page = node.page();
    let request = page.start().await;
    let scanned = device.scanned(&request).await;
    (page, request, device, scanned)
}

/// A page that is signed in.
pub async fn signed_in(node: &Node) -> (Page, Request, Device) {
    let (page, request, device, _) = approved(node).await;
    page.redeem(&request).await.expect(201);
    (page, request, device)
}
