//! The way in and out of the controller.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use protocol::wire::DeviceKind;
use scanner::camera::{Preview, PreviewFrame};
use tokio::sync::{mpsc, watch};

use super::camera::Camera;
use super::enrol::Attempts;
use super::stage::Stage;
use super::{Controller, Turn};
use crate::accounts::{AccountsFile, Saved};
use crate::command::Command;
use crate::keychain::Keychain;
use crate::pin::PinGuard;
use crate::ports::{Clock, Notifier, Random, Vault};
use crate::secrets::Reach;
use crate::view::{PinView, Screen, Settings, ViewState};

/// Inputs that may wait; a person cannot click faster than they are taken.
const INPUTS_MAX: usize = 64;
/// How long [`PreviewHandle::next`] waits for a frame.
const FRAME_LIMIT: Duration = Duration::from_secs(1);

/// What is fixed for a run of the app.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file of accounts and settings.
    pub accounts_file: PathBuf,
    /// Folder for text files that the person asks for; made with the first one.
    pub documents: PathBuf,
    /// Name of this computer, as its device is called on servers; cleaned and cut by the controller.
    pub device_name: String,
    /// System of this computer.
    pub device_kind: DeviceKind,
    /// Version of the app, for the settings view.
    pub version: String,
}

/// The world outside.
pub struct Ports<V> {
    /// The keychain.
    pub vault: V,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Notifications.
    pub notifier: Arc<dyn Notifier>,
}

/// Whether the window can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowEvent {
    /// It can.
    Shown,
    /// It is hidden, minimised or closed: the camera closes.
    Hidden,
}

/// One thing that happens to the controller.
pub(super) enum Input {
    /// An act of the person.
    Command(Command),
    /// A picture file's bytes.
    Picture(Vec<u8>),
    /// A link from outside.
    Link(String),
    /// The window.
    Window(WindowEvent),
}

/// The app, for whoever shows it. The controller ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Handle {
    inputs: mpsc::Sender<Input>,
    view: watch::Receiver<ViewState>,
    preview: PreviewHandle,
}

impl Handle {
    /// Starts the controller inside the current tokio runtime.
    pub fn start(config: Config, ports: Ports<impl Vault>) -> Self {
        let (inputs, taken) = mpsc::channel(INPUTS_MAX);
        let (messages, answers) = mpsc::unbounded_channel();
        let (pictures, preview) = watch::channel(None);
        let (view, shown) = watch::channel(ViewState {
            revision: 0,
            screen: Screen::Loading,
            notice: None,
            accounts: Vec::new(),
            settings: Settings::default(),
            pin: PinView::default(),
        });
        let keychain = Keychain::start(ports.vault);
        let controller = Controller {
            pin: PinGuard::new(keychain.clone(), Arc::clone(&ports.clock), Arc::clone(&ports.random)),
            pin_talk: super::pin::PinTalk::default(),
            reach: Reach::new(keychain, ports.clock, ports.random),
            notifier: ports.notifier,
            file: AccountsFile::at(config.accounts_file.clone()),
            config,
            saved: Saved::empty(),
            key_missing: std::collections::HashSet::new(),
            selected: None,
            stage: Stage::Loading,
            turn: Turn(0),
            attempts: Attempts::default(),
            camera: Camera::new(pictures),
            notice: None,
            notices: 0,
            prompts: 0,
            revision: 0,
            waiting_link: None,
            looking: std::collections::HashSet::new(),
            messages,
            view,
        };
        tokio::spawn(controller.run(taken, answers));
        Self { inputs, view: shown, preview: PreviewHandle { preview } }
    }

    /// Sends an act of the person. Returns once the controller has it in its queue.
    pub async fn send(&self, command: Command) {
        self.input(Input::Command(command)).await;
    }

    /// Hands over the bytes of a picture file (dialog, drop, paste).
    pub async fn picture(&self, bytes: Vec<u8>) {
        self.input(Input::Picture(bytes)).await;
    }

    /// Hands over a link from the command line or the system (`countersign:...` or the link itself).
    pub async fn link(&self, link: String) {
        self.input(Input::Link(link)).await;
    }

    /// Tells that the window comes or goes.
    pub async fn window(&self, event: WindowEvent) {
        self.input(Input::Window(event)).await;
    }

    /// The view state, pushed after each change.
    pub fn view(&self) -> watch::Receiver<ViewState> {
        self.view.clone()
    }

    /// The camera's live picture.
    pub fn preview(&self) -> PreviewHandle {
        self.preview.clone()
    }

    async fn input(&self, input: Input) {
        if self.inputs.send(input).await.is_err() {
            tracing::error!("The controller has ended while its window is open");
        }
    }
}

/// The camera's live picture, pulled frame by frame.
#[derive(Clone, Debug)]
pub struct PreviewHandle {
    preview: watch::Receiver<Option<Preview>>,
}

impl PreviewHandle {
    /// The newest frame after `after_seq` (0: any), waiting for it up to a second; `None` when the camera is closed or
    /// sends nothing.
    pub async fn next(&self, after_seq: u64) -> Option<PreviewFrame> {
        let mut preview = self.preview.borrow().clone()?;
        tokio::time::timeout(FRAME_LIMIT, preview.newer_than(after_seq)).await.ok().flatten()
    }
}
