use async_trait::async_trait;
use futures_util::FutureExt as _;
use protocol::id::{AccountId, DeviceId, SessionId, Ticket};
use protocol::key::Thumbprint;
use protocol::secret::SecretHash;
use protocol::time::Timestamp;
use tokio::sync::mpsc;

use super::{PostgresStore, Work, accounts, audit, decisions, devices, recovery, sessions, sweep};
use crate::store::accounts::{Account, AccountState, CreateAccount, NewAccount};
use crate::store::audit::{ActivityPage, AuditKind, Body, By};
use crate::store::decisions::{NewDecision, Recorded, StoredDecision};
use crate::store::devices::{
    Device, EnrolPassword, EnrolRecovery, Enrolled, Holder, NewDevice, NewEnrolment, RecoveryCodes,
};
use crate::store::durable::{Durable, Keep, Swept};
use crate::store::error::StoreError;
use crate::store::sessions::{EndReason, NewSession, Redeemed, Refreshed, SessionLives, SessionView};

/// The advisory lock of what one node does for all: no two of them at once.
const HOUSEKEEPING: i64 = 0x0063_6f75_6e74_6572;

#[async_trait]
impl Durable for PostgresStore {
    fn connections(&self) -> Option<(&'static str, u64)> {
        Some(("postgres_connections", u64::try_from(self.pool.open()).unwrap_or(u64::MAX)))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.write_at_once("be reached", (), |tx, ()| accounts::ping(tx).boxed()).await
    }

    async fn latest(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read("look for the newest moment", (), |c, ()| audit::latest(c).boxed()).await
    }

    async fn create_account(
        &self,
        new: &NewAccount,
        by: &By,
        now: Timestamp,
    ) -> Result<CreateAccount, StoreError> {
        let args = (new, by, now);
        self.write("create an account", args, |tx, (new, by, now)| {
            accounts::create(tx, new, by, *now).boxed()
        })
        .await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        self.read("read an account", id, |c, id| accounts::by_id(c, *id).boxed()).await
    }

    async fn account_by_name(&self, username: &str) -> Result<Option<Account>, StoreError> {
        self.read("read an account", username, |c, name| accounts::by_name(c, name).boxed()).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.read("list accounts", (), |c, ()| accounts::all(c).boxed()).await
    }

    async fn set_password(
        &self,
        account: AccountId,
        password_hash: Option<&str>,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = (account, password_hash, by, now);
        self.write("set a password", args, |tx, (account, hash, by, now)| {
            accounts::set_password(tx, *account, *hash, by, *now).boxed()
        })
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
        let args = (account, (email, groups), by, now);
        self.write("change an account", args, |tx, (account, profile, by, now)| {
            accounts::set_profile(tx, *account, *profile, by, *now).boxed()
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
        let args = (account, state, by, now);
        self.write("enable or disable an account", args, |tx, (account, state, by, now)| {
            accounts::set_state(tx, *account, *state, by, *now).boxed()
        })
        .await
    }

    async fn remove_account(
        &self,
        account: AccountId,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let args = (account, by, now);
        self.write("remove an account", args, |tx, (account, by, now)| {
            accounts::remove(tx, *account, by, *now).boxed()
        })
        .await
    }

    async fn create_enrolment(
        &self,
        new: &NewEnrolment,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = (new, by, now);
        self.write("make an enrolment link", args, |tx, (new, by, now)| {
            devices::create_enrolment(tx, new, by, *now).boxed()
        })
        .await
    }

    async fn enrol_by_code(
        &self,
        code: &SecretHash,
        device: &NewDevice,
        devices_max: u32,
        by: &By,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError> {
        let args = (code, device, devices_max, by, now);
        self.write("enrol a device", args, |tx, (code, device, max, by, now)| {
            devices::enrol_by_code(tx, code, device, *max, by, *now).boxed()
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
        let args = (password, device, devices_max, by, now);
        self.write("enrol a device", args, |tx, (password, device, max, by, now)| {
            devices::enrol_by_password(tx, password, device, *max, by, *now).boxed()
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
        let args = (account, made_by, codes, by, now);
        self.write("make recovery codes", args, |tx, (account, made_by, codes, by, now)| {
            recovery::make(tx, *account, *made_by, codes, by, *now).boxed()
        })
        .await
    }

    async fn recovery_codes(&self, account: AccountId) -> Result<RecoveryCodes, StoreError> {
        self.read("count recovery codes", account, |c, account| recovery::of_account(c, *account).boxed())
            .await
    }

    async fn enrol_by_recovery(
        &self,
        recovery: &EnrolRecovery,
        device: &NewDevice,
        devices_max: u32,
        by: &By,
        now: Timestamp,
    ) -> Result<Enrolled, StoreError> {
        let args = (recovery, device, devices_max, by, now);
        self.write("recover an account", args, |tx, (recovery, device, max, by, now)| {
            recovery::enrol(tx, recovery, device, *max, by, *now).boxed()
        })
        .await
    }

    async fn holder_by_token(&self, token: &SecretHash) -> Result<Option<Holder>, StoreError> {
        self.read("check a device token", token, |c, token| devices::by_token(c, token).boxed()).await
    }

    async fn holder(&self, device: DeviceId) -> Result<Option<Holder>, StoreError> {
        self.read("read a device", device, |c, id| devices::by_id(c, *id).boxed()).await
    }

    async fn devices(&self, account: AccountId) -> Result<Vec<Device>, StoreError> {
        self.read("list devices", account, |c, id| devices::of_account(c, *id).boxed()).await
    }

    async fn rename_device(
        &self,
        account: AccountId,
        device: DeviceId,
        name: &str,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = (account, device, name, by, now);
        self.write("rename a device", args, |tx, (account, device, name, by, now)| {
            devices::rename(tx, *account, *device, name, by, *now).boxed()
        })
        .await
    }

    async fn revoke_device(
        &self,
        account: AccountId,
        device: DeviceId,
        by: &By,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let args = (account, device, by, now);
        self.write("remove a device", args, |tx, (account, device, by, now)| {
            devices::revoke(tx, *account, *device, by, *now).boxed()
        })
        .await
    }

    async fn touch_device(&self, device: &Device, now: Timestamp) -> Result<(), StoreError> {
        if now.since_s(device.last_seen_at) < devices::TOUCH_STEP_S {
            return Ok(());
        }
        self.write_at_once("note a device's call", (device.id, now), |tx, (id, now)| {
            devices::touch(tx, *id, *now).boxed()
        })
        .await
    }

    async fn record_decision(
        &self,
        new: &NewDecision,
        by: &By,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let args = (new, by, now);
        self.write_at_once("record a decision", args, |tx, (new, by, now)| {
            decisions::record(tx, new, by, *now).boxed()
        })
        .await
    }

    async fn decision(&self, ticket: Ticket) -> Result<Option<StoredDecision>, StoreError> {
        self.read("read a decision", ticket, |c, ticket| decisions::by_ticket(c, *ticket).boxed()).await
    }

    async fn redeem(
        &self,
        new: &NewSession,
        approved_s: i64,
        lives: &SessionLives,
        by: &By,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        let args = (new, approved_s, lives, by, now);
        self.write_behind(
            decisions::lock_of(new),
            "redeem a login",
            args,
            |tx, (new, approved_s, lives, by, now)| {
                decisions::redeem(tx, new, *approved_s, lives, by, *now).boxed()
            },
        )
        .await
    }

    async fn session(
        &self,
        id: SessionId,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<SessionView>, StoreError> {
        self.read("read a session", (id, lives, now), |c, (id, lives, now)| {
            sessions::by_id(c, *id, lives, *now).boxed()
        })
        .await
    }

    async fn session_by_token(
        &self,
        token: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Option<SessionView>, StoreError> {
        let args = (token, lives, now);
        self.read("check a session token", args, |c, (token, lives, now)| {
            sessions::by_token(c, token, lives, *now).boxed()
        })
        .await
    }

    async fn refresh_session(
        &self,
        id: SessionId,
        key: &Thumbprint,
        token: &SecretHash,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        let args = (id, key, token, lives, now);
        self.write("refresh a session", args, |tx, (id, key, token, lives, now)| {
            sessions::refresh(tx, *id, key, token, lives, *now).boxed()
        })
        .await
    }

    async fn touch_session(&self, session: &SessionView, now: Timestamp) -> Result<(), StoreError> {
        if now.since_s(session.session.last_seen_at) < devices::TOUCH_STEP_S {
            return Ok(());
        }
        self.write_at_once("note a session's use", (session.session.id, now), |tx, (id, now)| {
            sessions::touch(tx, *id, *now).boxed()
        })
        .await
    }

    async fn sessions(
        &self,
        account: AccountId,
        lives: &SessionLives,
        now: Timestamp,
    ) -> Result<Vec<SessionView>, StoreError> {
        let args = (account, lives, now);
        self.read("list sessions", args, |c, (account, lives, now)| {
            sessions::of_account(c, *account, lives, *now).boxed()
        })
        .await
    }

    async fn end_session(
        &self,
        account: AccountId,
        session: SessionId,
        reason: EndReason,
        by: &By,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let args = (account, session, reason, by, now);
        self.write("end a session", args, |tx, (account, session, reason, by, now)| {
            sessions::end(tx, *account, *session, *reason, by, *now).boxed()
        })
        .await
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        by: &By,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let args = (account, by, now);
        self.write("end all sessions", args, |tx, (account, by, now)| {
            sessions::end_all(tx, *account, by, *now).boxed()
        })
        .await
    }

    async fn is_known_browser(&self, account: AccountId, key: &Thumbprint) -> Result<bool, StoreError> {
        self.read("look a browser up", (account, key), |c, (account, key)| {
            sessions::is_known(c, *account, key).boxed()
        })
        .await
    }

    async fn note(
        &self,
        account: AccountId,
        kind: AuditKind,
        body: Body,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let args = (account, kind, body, now);
        self.write("append to an activity", args, |tx, (account, kind, body, now)| {
            audit::append(tx, *account, *kind, body, *now).boxed()
        })
        .await
    }

    async fn activity(&self, account: AccountId, after: i64, limit: u32) -> Result<ActivityPage, StoreError> {
        let args = (account, after, limit);
        self.read("read an activity", args, |c, (account, after, limit)| {
            audit::activity(c, *account, *after, *limit).boxed()
        })
        .await
    }

    async fn anchor(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.write_behind(HOUSEKEEPING, "anchor the audit chains", now, |tx, now| {
            audit::anchor(tx, *now).boxed()
        })
        .await
    }

    async fn export_audit(&self, lines: mpsc::Sender<String>) -> Result<(), StoreError> {
        let during = "export the audit chains";
        let mut lent = self.lend_for(during).await?;
        // Not given back: whoever left early has not read to the end.
        audit::export_all(lent.connection(), &lines).await.map_err(|fault| fault.during(during))
    }

    async fn sweep(&self, keep: &Keep, now: Timestamp) -> Result<Swept, StoreError> {
        let expire: Step = |tx, (keep, now)| sweep::expire(tx, keep, *now).boxed();
        let steps: [Step; 6] = [
            |tx, (keep, now)| sweep::forget_sessions(tx, keep, *now).boxed(),
            |tx, (_, now)| sweep::forget_grants(tx, *now).boxed(),
            |tx, (keep, now)| sweep::forget_refresh_tokens(tx, keep, *now).boxed(),
            |tx, (keep, now)| sweep::forget_decisions(tx, keep, *now).boxed(),
            |tx, (keep, now)| sweep::forget_rest(tx, keep, *now).boxed(),
            |tx, (keep, now)| sweep::trim(tx, keep, *now).boxed(),
        ];
        let mut swept = Swept { expired_sessions: self.repeat(expire, *keep, now).await?, rows: 0 };
        for step in steps {
            swept.rows += self.repeat(step, *keep, now).await?;
        }
        Ok(swept)
    }
}

/// A part of a sweep.
type Step = Work<(Keep, Timestamp), sweep::Step>;

impl PostgresStore {
    /// Takes a step until nothing is left of it, each time in a transaction of its own: logins get in between.
    async fn repeat(&self, step: Step, keep: Keep, now: Timestamp) -> Result<u64, StoreError> {
        let mut rows = 0;
        loop {
            let done = self.write_behind(HOUSEKEEPING, "sweep", (keep, now), step).await?;
            rows += done.rows;
            if !done.again {
                return Ok(rows);
            }
        }
    }
}
