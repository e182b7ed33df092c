//! The call that enrols.

use std::sync::Arc;

use protocol::id::{AccountId, DeviceId};
use protocol::secret::Secret;
use protocol::text::{NAME_LENGTH_MAX, clean};
use protocol::wire::EnrolDevice;
use zeroize::Zeroizing;

use super::offer::Offer;
use crate::accounts::Account;
use crate::secrets::{Failure, Reach};
use crate::server_client::{CallError, Credentials, ServerClient};
use crate::view::AccountRef;

/// An enrolled device, not kept yet.
pub(in crate::controller) struct Enrolled {
    pub(in crate::controller) client: ServerClient,
    pub(super) auth: Credentials,
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
    pub(super) device: DeviceId,
    account: AccountId,
    /// By what.
    pub(super) offer: Offer,
    /// Name of the server, cleaned.
    pub(in crate::controller) server_name: String,
    /// Name of the account, cleaned.
    pub(in crate::controller) username: String,
    /// Name of the person, cleaned.
    pub(in crate::controller) display_name: String,
}

impl Enrolled {
    /// The account to keep, under `id`.
    pub(super) fn to_account(&self, id: AccountRef) -> Account {
        Account {
            id,
            origin: self.client.origin().clone(),
            pin: self.offer.pin.map(|pin| pin.to_string()),
            server_name: self.server_name.clone(),
            account: self.account,
            username: self.username.clone(),
            display_name: self.display_name.clone(),
            device: self.device,
            head: None,
            alarm: false,
            signed_out: false,
        }
    }
}

/// Enrols, with a key that is in the keychain first. A lost reply is repeated once: the same key gets the same device.
pub(super) async fn enrol(reach: &Reach, offer: Offer, device: EnrolDevice) -> Result<Enrolled, Failure> {
    let client = reach.client(offer.origin.clone(), offer.pin)?;
    let key = reach.enrolment_key(&[offer.origin.as_str(), &offer.what()]).await?;
    let body = offer.body(device);
    let mut answer = client.enrol(&body, &key.key).await;
    if answer.as_ref().is_err_and(CallError::reply_lost) {
        answer = client.enrol(&body, &key.key).await;
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(error.into()),
    };
    let token = Secret::parse(&answer.token).ok_or_else(|| CallError::NotProtocol {
        host: offer.origin.host_and_port().to_owned(),
        what: "the token has another form".to_owned(),
    })?;
    // What a server leaves empty is called by the next best name, so that nothing nameless is asked about or listed.
    let name = |text: &str, instead: &str| {
        let cleaned = clean(text, NAME_LENGTH_MAX);
        if cleaned.is_empty() { instead.to_owned() } else { cleaned }
    };
    let username = name(&answer.account.username, &answer.account.id.to_string());
    Ok(Enrolled {
        client,
        auth: Credentials { key: Arc::clone(&key.key), token },
        pkcs8: key.pkcs8,
        device: answer.device_id,
        account: answer.account.id,
        server_name: name(&answer.server.name, offer.origin.host_and_port()),
        display_name: name(&answer.account.display_name, &username),
        username,
        offer,
    })
}
