//! The store for what lives for minutes: in this process, or in Redis with other nodes.

use std::sync::Arc;

use protocol::id::StoreId;
use protocol::origin::Origin;
use tracing::{info, warn};

use super::ServeError;
use crate::config::Settings;
use crate::data::{self, Place};
use crate::entropy::Entropy;
use crate::server_keys::ServerKeys;
use crate::store::ShortLived;
use crate::store::in_process::InProcess;
use crate::store::redis::{Fingerprint, RedisStore};

/// Opens what the setting `redis` names, else a store of this process alone.
///
/// # Errors
/// [`ServeError::Redis`] when it cannot be used; its sources say what to do.
pub(super) async fn open(
    settings: &Settings,
    keys: &ServerKeys,
    origin: &Origin,
    entropy: &dyn Entropy,
) -> Result<Arc<dyn ShortLived>, ServeError> {
    let (lives, open_max) = (settings.lives(), settings.limits.live_requests);
    let Some(address) = &settings.redis else {
        let open_max = usize::try_from(open_max).unwrap_or(usize::MAX);
        return Ok(Arc::new(InProcess::new(StoreId::from_random(entropy.bytes_16()), lives, open_max)));
    };
    let store = RedisStore::open(address, Fingerprint::of(keys, origin), lives, open_max).await;
    let store = store.map_err(|source| ServeError::Redis { address: address.clone(), source })?;
    info!(redis = %address, "Login requests are in Redis, shared with other nodes");
    match data::place(settings) {
        Place::Postgres(_) => {}
        place @ (Place::Memory | Place::File(_)) => warn!(
            data = %place,
            "Accounts and sessions are on this machine alone; several nodes need PostgreSQL for them as well (--database)"
        ),
    }
    Ok(Arc::new(store))
}
