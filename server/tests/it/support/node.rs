use std::net::SocketAddr;
use std::sync::Arc;

use countersign_server::clock::{Clock as _, TestClock};
use countersign_server::config::Settings;
use countersign_server::drain::Drain;
use countersign_server::entropy::OsEntropy;
use countersign_server::server_keys::ServerKeys;
use countersign_server::service::{Parts, Service, hash_password, username};
use countersign_server::store::sqlite::SqliteStore;
use countersign_server::store::{Account, By, CreateAccount, Durable, NewAccount, NewEnrolment, ShortLived};
use countersign_server::{http, tls};
use protocol::id::AccountId;
use protocol::link::EnrolCode;
use protocol::origin::Origin;
use protocol::secret::Secret;
use protocol::time::Timestamp;

use super::wire::Wire;
use super::{Device, Line, Page, Remote, fresh_bytes};

/// The address that pages and devices call from unless a test says otherwise.
pub const HERE: &str = "203.0.113.7";
const START: Timestamp = Timestamp(1_800_000_000);

/// A node of its own with empty stores; pages and devices reach it through a listed proxy.
pub struct Node {
    pub base: String,
    pub origin: Origin,
    pub clock: Arc<TestClock>,
    pub durable: Arc<dyn Durable>,
    pub short_lived: Arc<dyn ShortLived>,
    pub service: Arc<Service>,
    pub drain: Drain,
    /// The line to the short-lived store.
    pub line: Arc<Line>,
    http: reqwest::Client,
}

/// What a test wants otherwise.
pub struct Options {
    pub settings: Settings,
    pub origin: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        let mut settings = Settings::in_memory();
        settings.proxies.trusted = vec!["127.0.0.1".parse().unwrap()];
        Self { settings, origin: "https://login.example.com" }
    }
}

impl Options {
    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut options = Self::default();
        change(&mut options.settings);
        options
    }
}

impl Node {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let line = Arc::<Line>::default();
        let clock = Arc::new(TestClock::at(START));
        let durable: Arc<dyn Durable> = Arc::new(SqliteStore::in_memory().await.unwrap());
        let short_lived: Arc<dyn ShortLived> = Arc::new(Remote::new(&line));
        Self { line, ..Self::on(options, clock, durable, short_lived).await }
    }

    /// Another node on the same stores, as behind one load balancer, or the same node started again.
    pub async fn beside(&self, short_lived: Arc<dyn ShortLived>) -> Self {
        let (clock, durable) = (Arc::clone(&self.clock), Arc::clone(&self.durable));
        Self::on(Options::default(), clock, durable, short_lived).await
    }

    /// Another node on the same stores whose clock is ahead.
    pub async fn beside_at(&self, ahead_s: u32) -> Self {
        let clock = Arc::new(TestClock::at(self.now().plus_s(ahead_s.into())));
        let (durable, short_lived) = (Arc::clone(&self.durable), Arc::clone(&self.short_lived));
        Self::on(Options::default(), clock, durable, short_lived).await
    }

    async fn on(
        options: Options,
        clock: Arc<TestClock>,
        durable: Arc<dyn Durable>,
        short_lived: Arc<dyn ShortLived>,
    ) -> Self {
        tls::install_provider();
        let origin = Origin::parse(options.origin).unwrap();
        let drain = Drain::new();
        let parts = Parts {
            settings: Arc::new(options.settings),
            origin: origin.clone(),
            keys: ServerKeys::one(Secret::new([7; 32])),
            durable: Arc::clone(&durable),
            short_lived: Arc::clone(&short_lived),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(OsEntropy),
            drain: drain.clone(),
            pin: None,
        };
        let service = Arc::new(Service::new(parts).await.unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = http::router(Arc::clone(&service));
        tokio::spawn(async move {
            axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
        });
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let line = Arc::default();
        Self { base, origin, clock, durable, short_lived, service, drain, line, http }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A page in a browser of its own, as seen from [`HERE`].
    pub fn page(&self) -> Page {
        self.page_at(HERE)
    }

    pub fn page_at(&self, address: &str) -> Page {
        Page::new(&self.http, &self.base, &self.origin, address)
    }

    /// An authenticator of `name`, enrolled by link; the account is made when it is missing.
    pub async fn device(&self, name: &str) -> Device {
        let account = self.account(name, None).await;
        let code = self.link(account.id).await;
        let mut device = self.stranger();
        device.enrol(&code).await.expect(201);
        device
    }

    /// A program without a browser.
    pub fn wire(&self) -> Wire {
        Wire::new(&self.http, &self.base, &self.origin, HERE)
    }

    /// An authenticator that is not enrolled.
    pub fn stranger(&self) -> Device {
        self.stranger_at(HERE)
    }

    pub fn stranger_at(&self, address: &str) -> Device {
        Device::new(&self.http, &self.base, &self.origin, address)
    }

    pub async fn account(&self, name: &str, password: Option<&str>) -> Account {
        let new = NewAccount {
            id: AccountId::from_random(fresh_bytes()),
            username: username(name).unwrap(),
            display_name: name.to_uppercase(),
            password_hash: password.map(|password| hash_password(password.as_bytes(), &OsEntropy).unwrap()),
            email: None,
            groups: Vec::new(),
        };
        let made = self.durable.create_account(&new, &By::operator(), self.now()).await.unwrap();
        assert!(matches!(made, CreateAccount::Created | CreateAccount::NameTaken));
        self.durable.account_by_name(&new.username).await.unwrap().unwrap()
    }

    /// The code of a fresh enrolment link by the operator.
    pub async fn link(&self, account: AccountId) -> String {
        let code = EnrolCode::from_random(fresh_bytes());
        let expires_at = self.now().plus_s(600);
        let new = NewEnrolment { code: code.hash(), account, made_by: None, expires_at };
        assert!(self.durable.create_enrolment(&new, &By::operator(), self.now()).await.unwrap());
        code.expose()
    }
}
