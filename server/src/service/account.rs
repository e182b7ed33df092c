//! What an authenticator sees of its account: where it is signed in, and what happened.

use std::collections::HashMap;

use protocol::id::SessionId;
use protocol::wire::{ActivityBody, SessionRow, SessionRowDevice, SessionsBody};

use super::{ClientAddress, Failure, Service};
use crate::store::{AuditEntry, By, EndReason, Holder};

/// Entries of activity in one answer.
const ACTIVITY_PAGE: u32 = 100;

impl Service {
    /// `GET /api/sessions`: the account's live sessions, newest first.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn sessions(&self, holder: &Holder) -> Result<SessionsBody, Failure> {
        let (account, now) = (holder.account.id, self.now());
        let sessions = self.durable.sessions(account, &self.session_lives, now).await?;
        let mut clients: HashMap<SessionId, Vec<String>> = HashMap::new();
        for (session, client) in self.durable.clients_in_use(account, now).await? {
            clients.entry(session).or_default().push(client);
        }
        let sessions = sessions
            .into_iter()
            .map(|view| SessionRow {
                // A device grant's session is called by its client itself.
                clients: clients
                    .remove(&view.session.id)
                    .unwrap_or_default()
                    .into_iter()
                    .filter(|client| *client != view.session.browser)
                    .collect(),
                id: view.session.id,
                request: view.session.request,
                created_at: view.session.created_at,
                last_seen_at: view.session.last_seen_at,
                address: view.session.address,
                browser: view.session.browser,
                system: view.session.system,
                device: SessionRowDevice { id: view.session.device, name: view.device_name },
            })
            .collect();
        Ok(SessionsBody { sessions })
    }

    /// `DELETE /api/sessions/{id}`: ends one session of the account, from the next call on.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for a session of another account, or one that is over.
    pub async fn end_one_session(
        &self,
        holder: &Holder,
        session: SessionId,
        address: ClientAddress,
    ) -> Result<(), Failure> {
        let by = By::device(&holder.device, address.to_string());
        let ended =
            self.durable.end_session(holder.account.id, session, EndReason::Ended, &by, self.now()).await?;
        self.ring(holder.account.id);
        if ended { Ok(()) } else { Err(Failure::NotFound) }
    }

    /// `DELETE /api/sessions`: ends all, and what the account has scanned or approved.
    ///
    /// # Errors
    /// [`Failure::Store`].
    pub async fn end_all_sessions(&self, holder: &Holder, address: ClientAddress) -> Result<(), Failure> {
        let by = By::device(&holder.device, address.to_string());
        self.durable.end_sessions(holder.account.id, &by, self.now()).await?;
        self.ring(holder.account.id);
        self.revoke_requests(holder.account.id, |_| true).await
    }

    /// `GET /api/activity?after=SEQ`: what happened, contiguous from `after`, oldest first, a page at a time.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for a place before the chain's start.
    pub async fn activity(&self, holder: &Holder, after: i64) -> Result<ActivityBody, Failure> {
        if after < 0 {
            return Err(Failure::Malformed("after counts from 0"));
        }
        let page = self.durable.activity(holder.account.id, after, ACTIVITY_PAGE).await?;
        Ok(ActivityBody {
            entries: page.entries.iter().map(AuditEntry::to_wire).collect(),
            head: page.head.to_wire(),
        })
    }
}
