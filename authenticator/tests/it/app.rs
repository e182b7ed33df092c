//! The app under test: the real controller, a keychain in memory, a folder of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authenticator::command::{Command, DecisionInput};
use authenticator::error_code::ErrorCode;
use authenticator::pin::PinText;
use authenticator::ports::{Clock, Notification, Notifier, System, Vault, VaultError};
use authenticator::view::{AccountRef, Place, Prompt, Screen, ViewState};
use authenticator::{Config, DeviceKind, Handle, Ports};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::server::Server;

/// How long a state may take to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running app.
pub struct App {
    pub handle: Handle,
    pub vault: MemoryVault,
    pub folder: TempDir,
    pub told: Arc<Told>,
    clock: Arc<TestClock>,
}

/// A keychain in memory, shared by the runs of an app.
#[derive(Clone, Default)]
pub struct MemoryVault(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    entries: HashMap<String, Vec<u8>>,
    fault: Option<VaultError>,
}

impl MemoryVault {
    /// Every call fails so from here on.
    pub fn fail(&self, fault: Option<VaultError>) {
        self.0.lock().unwrap().fault = fault;
    }

    /// All entries, sorted by name.
    pub fn entries(&self) -> Vec<(String, String)> {
        let inner = self.0.lock().unwrap();
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
        let mut all: Vec<_> = inner.entries.iter().map(|(name, bytes)| (name.clone(), text(bytes))).collect();
        all.sort();
        all
    }

    /// Loses everything.
    pub fn clear(&self) {
        self.0.lock().unwrap().entries.clear();
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, Vec<u8>>) -> T) -> Result<T, VaultError> {
        let mut inner = self.0.lock().unwrap();
        match &inner.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(act(&mut inner.entries)),
        }
    }
}

impl Vault for MemoryVault {
    fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.with(|entries| entries.get(name).cloned().map(Zeroizing::new))
    }
    fn put(&mut self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        self.with(|entries| drop(entries.insert(name.to_owned(), secret.to_vec())))
    }
    fn delete(&mut self, name: &str) -> Result<(), VaultError> {
        self.with(|entries| drop(entries.remove(name)))
    }
}

/// The system's clock, moved ahead by the test.
struct TestClock {
    system: System,
    ahead_s: AtomicU64,
}

impl Clock for TestClock {
    fn unix_s(&self) -> i64 {
        self.system.unix_s() + i64::try_from(self.ahead_s.load(Ordering::SeqCst)).unwrap()
    }
    fn elapsed(&self) -> Duration {
        self.system.elapsed() + Duration::from_secs(self.ahead_s.load(Ordering::SeqCst))
    }
}

/// Collects notifications.
#[derive(Default)]
pub struct Told(pub Mutex<Vec<Notification>>);

impl Notifier for Told {
    fn notify(&self, notification: Notification) {
        self.0.lock().unwrap().push(notification);
    }
}

impl App {
    /// A first start.
    pub async fn new() -> Self {
        let app = Self::run(MemoryVault::default(), tempfile::tempdir().unwrap());
        app.until(|screen| matches!(screen, Screen::FirstStart)).await;
        app
    }

    /// Starts, without waiting for anything.
    pub fn run(vault: MemoryVault, folder: TempDir) -> Self {
        let told = Arc::new(Told::default());
        let clock = Arc::new(TestClock { system: System::new(), ahead_s: AtomicU64::new(0) });
        let config = Config {
            accounts_file: folder.path().join("accounts.json"),
            documents: folder.path().join("documents"),
            device_name: "Desk\u{202e}top".to_owned(),
            device_kind: DeviceKind::Linux,
            version: "1.2.3".to_owned(),
        };
        let random = Arc::new(System::new());
        let ports = Ports { vault: vault.clone(), clock: clock.clone(), random, notifier: told.clone() };
        Self { handle: Handle::start(config, ports), vault, folder, told, clock }
    }

    /// Ends the app and starts it again on the same keychain and folder.
    pub fn restart(self) -> Self {
        let Self { handle, vault, folder, .. } = self;
        drop(handle);
        Self::run(vault, folder)
    }

    /// An app with an account at `server`.
    pub async fn enrolled(server: &Server) -> Self {
        let app = Self::new().await;
        app.enrol(server).await;
        app
    }

    /// Adds an account at `server`; gives its name.
    pub async fn enrol(&self, server: &Server) -> AccountRef {
        let before = self.state().accounts.len();
        self.send(Command::Go { to: authenticator::view::Place::AddAccount }).await;
        self.send(Command::AddByLink { link: server.enrolment_link() }).await;
        self.send(Command::ContactServer { yes: true }).await;
        self.until(|screen| matches!(screen, Screen::ConfirmAccount { .. })).await;
        self.send(Command::KeepAccount { yes: true }).await;
        let state = self.until_state(|state| state.accounts.len() > before).await;
        self.until(|screen| matches!(screen, Screen::Scan { .. })).await;
        state.accounts.last().unwrap().id.clone()
    }

    /// Lets time pass.
    pub fn pass_s(&self, seconds: u64) {
        self.clock.ahead_s.fetch_add(seconds, Ordering::SeqCst);
    }

    pub async fn send(&self, command: Command) {
        self.handle.send(command).await;
    }

    pub async fn decide(&self, prompt: &Prompt, decision: DecisionInput) {
        self.send(Command::Decide { prompt: prompt.id, decision }).await;
    }

    pub async fn approve(&self, prompt: &Prompt, number: &str) {
        self.decide(prompt, DecisionInput::Approve { check: Some(number.to_owned()), pin: None }).await;
    }

    pub async fn approve_with_pin(&self, prompt: &Prompt, number: &str, pin: &str) {
        let (check, pin) = (Some(number.to_owned()), Some(PinText::new(pin)));
        self.decide(prompt, DecisionInput::Approve { check, pin }).await;
    }

    /// Scans the server's code as a link and waits for the prompt.
    pub async fn scan(&self, server: &Server) -> Prompt {
        self.send(Command::ScanText { text: server.login_link() }).await;
        self.prompt().await
    }

    /// Types the code of a request of the only account and waits for the prompt.
    pub async fn type_code(&self, code: &str) -> Prompt {
        let account = self.state().accounts[0].id.clone();
        self.send(Command::Go { to: Place::TypeCode }).await;
        self.until(|screen| matches!(screen, Screen::TypeCode { .. })).await;
        self.send(Command::SubmitUserCode { account, code: code.to_owned() }).await;
        self.prompt().await
    }

    /// Waits for a prompt at rest.
    pub async fn prompt(&self) -> Prompt {
        let screen = self
            .until(|screen| matches!(screen, Screen::Authorize { prompt } if prompt.deciding.is_none()))
            .await;
        match screen {
            Screen::Authorize { prompt } => prompt,
            _ => unreachable!("waited for it"),
        }
    }

    pub fn state(&self) -> ViewState {
        self.handle.view().borrow().clone()
    }

    /// Waits for a screen.
    pub async fn until(&self, is_it: impl Fn(&Screen) -> bool) -> Screen {
        self.until_state(|state| is_it(&state.screen)).await.screen
    }

    /// Waits for a state.
    pub async fn until_state(&self, is_it: impl Fn(&ViewState) -> bool) -> ViewState {
        let mut view = self.handle.view();
        let waited = tokio::time::timeout(PATIENCE, view.wait_for(|state| is_it(state))).await;
        let Ok(state) = waited else { panic!("it never came; the window shows {:#?}", self.state()) };
        state.unwrap().clone()
    }

    /// Waits for the problem of a scan.
    pub async fn scan_problem(&self) -> ErrorCode {
        match self.until(|screen| matches!(screen, Screen::Scan { problem: Some(_), .. })).await {
            Screen::Scan { problem: Some(problem), .. } => problem.error,
            _ => unreachable!("waited for it"),
        }
    }
}
