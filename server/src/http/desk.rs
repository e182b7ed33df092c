//! What the pages ask the service.

use std::sync::Arc;

use http::HeaderMap;
use protocol::origin::Origin;

use super::cookies::CookieNames;
use crate::pages::Desk;
use crate::service::Service;

impl Desk for Arc<Service> {
    async fn nonce(&self) -> String {
        Service::nonce(self).await.unwrap_or_default()
    }

    /// A store that does not answer stales nothing: the page's own script finds out and says so.
    async fn is_stale(&self, cookies: &HeaderMap) -> bool {
        let cookies = CookieNames::of(self.origin()).session(cookies);
        Service::is_stale(self, &cookies).await.unwrap_or(false)
    }

    /// A store that does not answer lets nobody frame anything.
    async fn embedders(&self, transaction: &str) -> Vec<Origin> {
        Service::embedders(self, transaction).await.unwrap_or_default()
    }
}
