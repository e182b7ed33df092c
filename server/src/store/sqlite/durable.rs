use async_trait::async_trait;
use protocol::id::{AccountId, DeviceId, SessionId, Ticket};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use tokio::sync::mpsc;

use super::rows::Fault;
use super::transaction::Tx;
use super::{Kept, SqliteStore, accounts, audit, decisions, devices, lock, recovery, sessions, sweep};
use crate::store::accounts::{Account, AccountState, CreateAccount, NewAccount};
use crate::store::audit::{ActivityPage, AuditKind, Body, By};
use crate::store::decisions::{NewDecision, Recorded, StoredDecision};
use crate::store::devices::{
    Device, EnrolPassword, EnrolRecovery, Enrolled, Holder, NewDevice, NewEnrolment, RecoveryCodes,
};
use crate::store::durable::{Durable, Keep, Swept};
use crate::store::error::StoreError;
use crate::store::sessions::{EndReason, NewSession, Redeemed, Refreshed, SessionLives, SessionView};

#[async_trait]
impl Durable for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        // Waits for the writer as well: a store that can only be read is not ready.
        self.write("be reached", accounts::ping).await
    }

    async fn latest(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read("look for the newest moment", audit::latest).await
    }

    async fn create_account(
        &self,
        new: &NewAccount,
        by: &By,
        now: Timestamp,
    ) -> Result<CreateAccount, StoreError> {
        let (new, by) = (new.clone(), by.clone());
        self.write("create an account", move |tx| accounts::create(tx, &new, &by, now)).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.read("read an account", move |c| accounts::by_id(c, id)).await
    }

    async fn account_by_name(&self, username: &str) -> Result<Option<Account>, StoreError> {
        let name = username.to_owned();
        self.read("read an account", move |c| accounts::by_name(c, &name)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.read("list accounts", accounts::all).await
    }

    async fn set_password(
        &self,
        account: AccountId,
        password_hash: Option<&str>,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (hash, by) = (password_hash.map(str::to_owned), by.clone());
        self.write("set a password", move |tx| accounts::set_password(tx, account, hash.as_deref(), &by, now))
            .await
    }

    async fn set_profile(
        &self,
        account: AccountId,
        email: Option<&str>,
        groups: &[String],
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (email, groups, by) = (email.map(str::to_owned), groups.to_vec(), by.clone());
        self.write("change an account", move |tx| {
            accounts::set_profile(tx, account, email.as_deref(), &groups, &by, now)
        })
        .await
    }

    async fn set_account_state(
        &self,
        account: AccountId,
        state: AccountState,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let by = by.clone();
        self.write("enable or disable an account", move |tx| {
            accounts::set_state(tx, account, state, &by, now)
        })
        .await
    }

    async fn remove_account(
        &self,
        account: AccountId,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let by = by.clone();
        self.write("remove an account", move |tx| accounts::remove(tx, account, &by, now)).await
    }

    async fn create_enrolment(
        &self,
        new: &NewEnrolment,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (new, by) = (new.clone(), by.clone());
        self.write("make an enrolment link", move |tx| devices::create_enrolment(tx, &new, &by, now)).await
    }

    async fn enrol_by_code(
        &self,
        code: &SecretHash,
        device: &NewDevice,
        devices_max: u32,
        by: &By,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError> {
        let (code, device, by) = (*code, device.clone(), by.clone());
        self.write("enrol a device", move |tx| {
            devices::enrol_by_code(tx, &code, &device, devices_max, &by, now)
        })
        .await
    }

    async fn enrol_by_password(
        &self,
        password: &EnrolPassword,
        device: &NewDevice,
        devices_max: u32,
        by: &By,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError> {
        let (password, device, by) = (password.clone(), device.clone(), by.clone());
        self.write("enrol a device", move |tx| {
            devices::enrol_by_password(tx, &password, &device, devices_max, &by, now)
        })
        .await
    }

    async fn make_recovery_codes(
        &self,
        account: AccountId,
        made_by: DeviceId,
        codes: &[SecretHash],
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (codes, by) = (codes.to_vec(), by.clone());
        self.write("make recovery codes", move |tx| recovery::make(tx, account, made_by, &codes, &by, now))
            .await
    }

    async fn recovery_codes(&self, account: AccountId) -> Result<RecoveryCodes, StoreError> {
        self.read("count recovery codes", move |c| recovery::of_account(c, account)).await
    }

    async fn enrol_by_recovery(
        &self,
        recovery: &EnrolRecovery,
        device: &NewDevice,
        devices_max: u32,
        by: &By,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError> {
        let (recovery, device, by) = (recovery.clone(), device.clone(), by.clone());
        self.write("recover an account", move |tx| {
            recovery::enrol(tx, &recovery, &device, devices_max, &by, now)
        })
        .await
    }

    async fn holder_by_token(&self, token: &SecretHash) -> Result<Option<Holder>, StoreError> {
        let token = *token;
        self.read("check a device token", move |c| devices::by_token(c, &token)).await
    }

    async fn holder(&self, device: DeviceId) -> Result<Option<Holder>, StoreError> {
        self.read("read a device", move |c| devices::by_id(c, device)).await
    }

    async fn devices(&self, account: AccountId) -> Result<Vec<Device>, StoreError> {
        self.read("list devices", move |c| devices::of_account(c, account)).await
    }

    async fn rename_device(
        &self,
        account: AccountId,
        device: DeviceId,
        name: &str,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (name, by) = (name.to_owned(), by.clone());
        self.write("rename a device", move |tx| devices::rename(tx, account, device, &name, &by, now)).await
    }

    async fn revoke_device(
        &self,
        account: AccountId,
        device: DeviceId,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let by = by.clone();
        self.write("remove a device", move |tx| devices::revoke(tx, account, device, &by, now)).await
    }

    async fn touch_device(&self, device: &Device, now: Timestamp) -> Result<(), StoreError> {
        if now.since_s(device.last_seen_at) < devices::TOUCH_STEP_S {
            return Ok(());
        }
        let id = device.id;
        self.write("note a device's call", move |tx| devices::touch(tx, id, now)).await
    }

    async fn record_decision(
        &self,
        new: &NewDecision,
        by: &By,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let (new, by) = (new.clone(), by.clone());
        self.write("record a decision", move |tx| decisions::record(tx, &new, &by, now)).await
    }

    async fn decision(&self, ticket: Ticket) -> Result<Option<StoredDecision>, StoreError> {
        self.read("read a decision", move |c| decisions::by_ticket(c, ticket)).await
    }

    async fn redeem(
        &self,
        new: &NewSession,
        approved_s: i64,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        let (new, lives, by) = (new.clone(), *lives, by.clone());
        self.write("redeem a login", move |tx| decisions::redeem(tx, &new, approved_s, &lives, &by, now))
            .await
    }

    async fn session(
        &self,
        id: SessionId,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<SessionView>, StoreError> {
        let lives = *lives;
        self.read("read a session", move |c| sessions::by_id(c, id, &lives, now)).await
    }

    async fn session_by_token(
        &self,
        token: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<SessionView>, StoreError> {
        let (token, lives) = (*token, *lives);
        self.read("check a session token", move |c| sessions::by_token(c, &token, &lives, now)).await
    }

    async fn refresh_session(
        &self,
        id: SessionId,
        key: &Thumbprint,
        token: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        let (key, token, lives) = (*key, *token, *lives);
        self.write("refresh a session", move |tx| sessions::refresh(tx, id, &key, &token, &lives, now)).await
    }

    async fn touch_session(&self, session: &SessionView, now: Timestamp) -> Result<(), StoreError> {
        if now.since_s(session.session.last_seen_at) < devices::TOUCH_STEP_S {
            return Ok(());
        }
        let id = session.session.id;
        self.write("note a session's use", move |tx| sessions::touch(tx, id, now)).await
    }

    async fn sessions(
        &self,
        account: AccountId,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Vec<SessionView>, StoreError> {
        let lives = *lives;
        self.read("list sessions", move |c| sessions::of_account(c, account, &lives, now)).await
    }

    async fn end_session(
        &self,
        account: AccountId,
        session: SessionId,
        reason: EndReason,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let by = by.clone();
        self.write("end a session", move |tx| sessions::end(tx, account, session, reason, &by, now)).await
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        by: &By,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let by = by.clone();
        self.write("end all sessions", move |tx| sessions::end_all(tx, account, &by, now)).await
    }

    async fn is_known_browser(&self, account: AccountId, key: &Thumbprint) -> Result<bool, StoreError> {
        let key = *key;
        self.read("look a browser up", move |c| sessions::is_known(c, account, &key)).await
    }

    async fn note(
        &self,
        account: AccountId,
        kind: AuditKind,
        body: Body,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write("append to an activity", move |tx| audit::append(tx, account, kind, &body, now)).await
    }

    async fn activity(&self, account: AccountId, after: i64, limit: u32) -> Result<ActivityPage, StoreError> {
        self.read("read an activity", move |c| audit::activity(c, account, after, limit)).await
    }

    async fn anchor(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.write("anchor the audit chains", move |tx| audit::anchor(tx, now)).await
    }

    async fn export_audit(&self, lines: mpsc::Sender<String>) -> Result<(), StoreError> {
        let during = "export the audit chains";
        match &self.kept {
            Kept::File { readers, .. } => {
                let take = move |line| lines.blocking_send(line).is_ok();
                readers.read_elsewhere(during, move |c| audit::export_all(c, take)).await
            }
            Kept::Memory(tx) => {
                let mut all = Vec::new();
                let take = |line| {
                    all.push(line);
                    true
                };
                let exported = audit::export_all(&lock(tx, during).await?.connection, take);
                exported.map_err(|fault| fault.during(during))?;
                for line in all {
                    if lines.send(line).await.is_err() {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    async fn sweep(&self, keep: &Keep, now: Timestamp) -> Result<Swept, StoreError> {
        let steps: [Step; 6] = [
            sweep::forget_sessions,
            sweep::forget_grants,
            sweep::forget_refresh_tokens,
            sweep::forget_decisions,
            sweep::forget_rest,
            sweep::trim,
        ];
        let mut swept = Swept { expired_sessions: self.repeat(sweep::expire, *keep, now).await?, rows: 0 };
        for step in steps {
            swept.rows += self.repeat(step, *keep, now).await?;
        }
        Ok(swept)
    }
}

/// A part of a sweep.
type Step = fn(&mut Tx, &Keep, Timestamp) -> Result<sweep::Step, Fault>;

impl SqliteStore {
    /// Takes a step until nothing is left of it, each time in a transaction of its own: logins get in between.
    async fn repeat(&self, step: Step, keep: Keep, now: Timestamp) -> Result<u64, StoreError> {
        let mut rows = 0;
        loop {
            let done = self.write("sweep", move |tx| step(tx, &keep, now)).await?;
            rows += done.rows;
            if !done.again {
                return Ok(rows);
            }
        }
    }
}
