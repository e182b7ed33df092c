use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::id::{AccountId, DeviceId, GrantId, RequestId, SessionId, Ticket};
use protocol::key::{PublicKey, SigningKey, Thumbprint};
use protocol::secret::{SecretHash, sha256};
use protocol::statement::Decision;
use protocol::time::Timestamp;
use protocol::wire::DeviceKind;

use crate::config::SessionKind;
use crate::store::{
    Alg, By, ClientId, ClientPolicy, CreateAccount, Device, Durable, Enrolled, NewAccount, NewCode,
    NewDecision, NewDevice, NewEnrolment, NewGrant, NewSession, Recorded, Redeemed, SessionLives,
    SessionView, StoredClient, StoredSigningKey, Verdict,
};

pub(in crate::store) const NOW: Timestamp = Timestamp(1_800_000_000);
pub(in crate::store) const APPROVED_S: i64 = 60;
pub(in crate::store) const LIVES: SessionLives =
    SessionLives { token_s: 600, previous_token_s: 60, idle_s: 14 * 86_400, max_s: 90 * 86_400 };

/// An account with one trusted device in a store.
pub(in crate::store) struct World<S> {
    pub(in crate::store) store: Arc<S>,
    pub(in crate::store) account: AccountId,
    pub(in crate::store) device: Device,
}

/// 16 bytes that no other call gives.
pub(in crate::store) fn fresh() -> [u8; 16] {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    *sha256(&n.to_be_bytes()).first_chunk().unwrap()
}

pub(in crate::store) fn fresh_hash() -> SecretHash {
    SecretHash::from_bytes(sha256(&fresh()))
}

pub(in crate::store) fn fresh_thumbprint() -> Thumbprint {
    Thumbprint::from_bytes(sha256(&fresh()))
}

#[expect(clippy::disallowed_methods, reason = "keys of a test are as random as any")]
pub(in crate::store) fn fresh_key() -> PublicKey {
    let (key, _) = SigningKey::generate(&ring::rand::SystemRandom::new()).unwrap();
    *key.public()
}

pub(in crate::store) fn new_device() -> NewDevice {
    NewDevice {
        id: DeviceId::from_random(fresh()),
        name: "Desk".into(),
        kind: DeviceKind::Linux,
        key: fresh_key(),
        token: fresh_hash(),
    }
}

pub(in crate::store) fn page() -> By {
    By::address("192.0.2.7")
}

impl<S: Durable + 'static> World<S> {
    pub(in crate::store) async fn new(store: Arc<S>) -> Self {
        let account = new_account(&*store, None).await;
        let device = enrol(&*store, account, &new_device(), NOW).await;
        Self { store, account, device }
    }

    /// What the account's device decides about a fresh scan.
    pub(in crate::store) fn decision(&self, decision: Decision) -> NewDecision {
        NewDecision {
            ticket: Ticket::from_random(fresh()),
            request: RequestId::from_random(fresh()),
            device: self.device.id,
            account: self.account,
            verdict: Verdict::Decided(decision),
            context: b"{}".to_vec(),
            statement: "a.b.c".into(),
            browser: "Firefox 153".into(),
            system: "Windows 11".into(),
        }
    }

    pub(in crate::store) async fn decide(&self, new: &NewDecision, now: Timestamp) -> Recorded {
        self.store.record_decision(new, &By::device(&self.device, "192.0.2.1"), now).await.unwrap()
    }

    pub(in crate::store) async fn redeem(&self, new: &NewSession, now: Timestamp) -> Redeemed {
        self.store.redeem(new, APPROVED_S, &LIVES, &page(), now).await.unwrap()
    }

    /// A whole sign-in: approve and redeem.
    pub(in crate::store) async fn sign_in(&self, now: Timestamp) -> (NewSession, SessionView) {
        self.sign_in_with(fresh_thumbprint(), SessionKind::Linked, now).await
    }

    pub(in crate::store) async fn sign_in_with(
        &self,
        page_key: Thumbprint,
        kind: SessionKind,
        now: Timestamp,
    ) -> (NewSession, SessionView) {
        let decision = self.decision(Decision::Approve);
        assert_eq!(self.decide(&decision, now).await, Recorded::Recorded);
        let new = NewSession { page_key: Some(page_key), kind, ..new_session(&decision) };
        match self.redeem(&new, now).await {
            Redeemed::Created { session, .. } => (new, session),
            other => panic!("expected a session, got {other:?}"),
        }
    }

    /// Kinds of the account's entries, oldest first.
    pub(in crate::store) async fn kinds(&self) -> Vec<String> {
        let page = self.store.activity(self.account, 0, 1_000).await.unwrap();
        page.entries.into_iter().map(|entry| entry.kind).collect()
    }

    pub(in crate::store) async fn is_good(&self, token: &SecretHash, now: Timestamp) -> bool {
        self.store.session_by_token(token, &LIVES, now).await.unwrap().is_some()
    }
}

pub(in crate::store) async fn new_account<S: Durable>(store: &S, password_hash: Option<&str>) -> AccountId {
    let id = AccountId::from_random(fresh());
    let new = NewAccount {
        id,
        username: format!("user-{id}"),
        display_name: "Ada".into(),
        password_hash: password_hash.map(str::to_owned),
        email: None,
        groups: Vec::new(),
    };
    let created = store.create_account(&new, &By::operator(), NOW).await.unwrap();
    assert_eq!(created, CreateAccount::Created);
    id
}

pub(in crate::store) async fn new_link<S: Durable>(
    store: &S,
    account: AccountId,
    made_by: Option<DeviceId>,
    now: Timestamp,
) -> SecretHash {
    let code = fresh_hash();
    let new = NewEnrolment { code, account, made_by, expires_at: now.plus_s(600) };
    assert!(store.create_enrolment(&new, &By::operator(), now).await.unwrap());
    code
}

pub(in crate::store) async fn enrol<S: Durable>(
    store: &S,
    account: AccountId,
    device: &NewDevice,
    now: Timestamp,
) -> Device {
    let code = new_link(store, account, None, now).await;
    match store.enrol_by_code(&code, device, 20, &page(), now).await.unwrap() {
        Enrolled::Trusted(holder) => holder.device,
        other => panic!("expected a device, got {other:?}"),
    }
}

/// The redeem that follows a decision.
pub(in crate::store) fn new_session(decision: &NewDecision) -> NewSession {
    NewSession {
        id: SessionId::from_random(fresh()),
        ticket: decision.ticket,
        request: decision.request,
        token: fresh_hash(),
        page_key: Some(fresh_thumbprint()),
        consent: None,
        kind: SessionKind::Linked,
        address: "192.0.2.7".into(),
        browser: "Firefox 153".into(),
        system: "Windows 11".into(),
        verified: false,
    }
}

pub(in crate::store) fn a_client(id: &str) -> StoredClient {
    StoredClient {
        id: ClientId::parse(id).unwrap(),
        name: "Grafana".into(),
        secret: Some(fresh_hash()),
        previous_secret: None,
        redirect_uris: vec!["https://grafana.example.com/cb".into()],
        post_logout_redirect_uris: vec!["https://grafana.example.com/".into()],
        device_grant: false,
        policy: ClientPolicy::default(),
        created_at: NOW,
    }
}

/// Good for a minute.
pub(in crate::store) fn new_code(now: Timestamp) -> NewCode {
    NewCode {
        hash: fresh_hash(),
        redirect_uri: "https://grafana.example.com/cb".into(),
        challenge: "challenge".into(),
        ends_at: now.plus_s(60),
    }
}

pub(in crate::store) fn new_grant<S>(world: &World<S>, session: &NewSession, client: &ClientId) -> NewGrant {
    NewGrant {
        id: GrantId::from_random(fresh()),
        client: client.clone(),
        client_name: "Grafana".into(),
        account: world.account,
        session: session.id,
        scopes: vec!["openid".into(), "email".into()],
        nonce: None,
        verified: false,
        dpop: None,
        ends_at: NOW.plus_s(86_400),
        code: None,
    }
}

/// A grant with a code, made now.
pub(in crate::store) async fn granted<S: Durable + 'static>(
    world: &World<S>,
    session: &NewSession,
    client: &ClientId,
    now: Timestamp,
) -> NewGrant {
    let new = NewGrant { code: Some(new_code(now)), ..new_grant(world, session, client) };
    assert!(world.store.create_grant(&new, &LIVES, &page(), now).await.unwrap());
    new
}

pub(in crate::store) fn fresh_key_row(alg: Alg, used_from: Timestamp) -> StoredSigningKey {
    StoredSigningKey {
        kid: fresh_thumbprint().to_string(),
        alg,
        sealed: "sealed".into(),
        public_jwk: "{}".into(),
        used_from,
        created_at: NOW,
    }
}
