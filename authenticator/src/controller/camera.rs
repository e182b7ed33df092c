//! The camera: opened by the person's act only, let go of when the scan view is left or the window hides.

use std::time::Duration;

use protocol::context::Via;
use scanner::Read;
use scanner::camera::{self, CameraError, CameraEvent, CameraId, Options, Preview, Session, Stall};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::Controller;
use super::message::Message;
use super::stage::Stage;
use crate::error_code::{ErrorCode, Problem};
use crate::server_client::details;
use crate::view::{CameraChoice, CameraState, Hint, Outline, Point, ScanWork};

/// After this long without a code in the picture its outline goes.
const OUTLINE_LIFE: Duration = Duration::from_millis(400);

/// The camera as the controller holds it.
pub(super) struct Camera {
    /// What the window shows of it.
    pub(super) state: CameraState,
    /// The cameras there are, once one was opened.
    pub(super) choices: Vec<CameraChoice>,
    /// The text that was acted upon last, so that a code that is held still asks the server once.
    pub(super) seen_text: Option<Vec<u8>>,
    /// Name of the camera that was opened last.
    name: String,
    /// Counts sessions; news of an older one are late.
    session: u64,
    watcher: Option<JoinHandle<()>>,
    pictures: watch::Sender<Option<Preview>>,
}

/// What a session told.
pub(super) enum CameraNews {
    /// One of its events.
    Event(CameraEvent),
    /// No code in the picture for a moment.
    NoCode,
}

impl Camera {
    /// Closed.
    pub(super) fn new(pictures: watch::Sender<Option<Preview>>) -> Self {
        Self {
            state: CameraState::Off,
            choices: Vec::new(),
            seen_text: None,
            name: String::new(),
            session: 0,
            watcher: None,
            pictures,
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.state, CameraState::Failed { .. })
    }

    pub(super) fn is_open(&self) -> bool {
        self.watcher.is_some()
    }

    /// Frames of this size arrive.
    fn goes_live(&mut self, width: u32, height: u32) {
        self.state = CameraState::Live {
            name: self.name.clone(),
            width,
            height,
            mirrored: true,
            outline: None,
            hint: Some(Hint::Search),
        };
    }
}

impl Controller {
    pub(super) fn open_camera(&mut self) {
        if !matches!(self.stage, Stage::Scan { .. }) {
            return;
        }
        self.close_camera();
        self.camera.session += 1;
        self.camera.seen_text = None;
        self.camera.state = CameraState::Starting;
        let wanted = self.saved.settings.camera.clone().map(CameraId::new);
        let session = camera::open(wanted, Options::default());
        self.camera.pictures.send_replace(Some(session.preview()));
        self.camera.watcher =
            Some(tokio::spawn(watch_session(session, self.camera.session, self.messages.clone())));
        self.list_cameras();
    }

    /// Lets go of the device: dropping the session does it within the scanner's own limit.
    pub(super) fn close_camera(&mut self) {
        if let Some(watcher) = self.camera.watcher.take() {
            watcher.abort();
        }
        self.camera.session += 1;
        self.camera.pictures.send_replace(None);
        self.camera.state = CameraState::Off;
    }

    /// Another camera was chosen while one is open.
    pub(super) fn reopen_camera(&mut self) {
        if self.camera.is_open() {
            self.open_camera();
        }
    }

    fn list_cameras(&self) {
        self.spawn(async {
            let found = tokio::task::spawn_blocking(camera::cameras).await;
            let choices = match found {
                Ok(Ok(cameras)) => cameras
                    .into_iter()
                    .map(|camera| CameraChoice { id: camera.id.to_string(), name: camera.name })
                    .collect(),
                // The session tells what is wrong.
                Ok(Err(_)) | Err(_) => Vec::new(),
            };
            Message::Cameras { choices }
        });
    }

    pub(super) fn camera_news(&mut self, session: u64, news: CameraNews) {
        if session != self.camera.session {
            return;
        }
        match news {
            CameraNews::NoCode => {
                if let CameraState::Live { outline, .. } = &mut self.camera.state {
                    *outline = None;
                }
            }
            CameraNews::Event(event) => self.camera_event(event),
        }
    }

    fn camera_event(&mut self, event: CameraEvent) {
        match event {
            CameraEvent::Opened { camera, format } => {
                self.camera.name = camera.name;
                self.camera.goes_live(format.width, format.height);
            }
            CameraEvent::Reads { reads, width, height } => self.camera_reads(&reads, width, height),
            CameraEvent::Stalled(stall) => {
                let details = match stall {
                    Stall::Silent => "the camera is open and sends nothing",
                    Stall::Damaged => "the camera sends frames that cannot be decoded",
                };
                let problem = Problem { error: ErrorCode::CameraFrozen, details: details.to_owned() };
                self.camera.state = CameraState::Failed { problem, watching: true };
            }
            CameraEvent::Recovered => {
                let frame = self.camera.pictures.borrow().as_ref().and_then(Preview::latest);
                if let Some(frame) = frame {
                    self.camera.goes_live(frame.width, frame.height);
                }
            }
            CameraEvent::Waiting(error) => {
                self.camera.state = CameraState::Failed { problem: camera_problem(&error), watching: true };
            }
            CameraEvent::Ended(error) => {
                self.camera.state = CameraState::Failed { problem: camera_problem(&error), watching: false };
            }
        }
    }

    fn camera_reads(&mut self, reads: &[Read], width: u32, height: u32) {
        if let CameraState::Live { outline, .. } = &mut self.camera.state {
            *outline = reads.first().map(|read| outline_of(read, width, height));
        }
        let Stage::Scan { work: ScanWork::Idle, .. } = self.stage else { return };
        let Some(read) = super::scan::best(reads) else { return };
        if self.camera.seen_text.as_deref() == Some(&read.bytes) {
            return;
        }
        self.camera.seen_text = Some(read.bytes.clone());
        let read = read.clone();
        self.judge(&read, Via::Camera);
    }
}

/// Passes a session's events on until it ends; dropping this future closes the camera.
async fn watch_session(mut session: Session, number: u64, messages: mpsc::UnboundedSender<Message>) {
    let mut outlined = false;
    loop {
        let news = match tokio::time::timeout(OUTLINE_LIFE, session.next_event()).await {
            Ok(Some(event)) => {
                outlined = matches!(event, CameraEvent::Reads { .. });
                CameraNews::Event(event)
            }
            Ok(None) => return,
            Err(_) if outlined => {
                outlined = false;
                CameraNews::NoCode
            }
            Err(_) => continue,
        };
        if messages.send(Message::Camera { session: number, news }).is_err() {
            return;
        }
    }
}

fn outline_of(read: &Read, width: u32, height: u32) -> Outline {
    #[expect(clippy::cast_precision_loss, reason = "a picture has fewer pixels a side than an f32 has steps")]
    let (width, height) = (width.max(1) as f32, height.max(1) as f32);
    Outline(
        read.corners.map(|(x, y)| Point { x: (x / width).clamp(0.0, 1.0), y: (y / height).clamp(0.0, 1.0) }),
    )
}

fn camera_problem(error: &CameraError) -> Problem {
    let code = match error {
        CameraError::NotFound => ErrorCode::CameraNone,
        CameraError::Unplugged => ErrorCode::CameraUnplugged,
        CameraError::Busy => ErrorCode::CameraBusy,
        CameraError::Refused => ErrorCode::CameraRefused,
        CameraError::NoFormat => ErrorCode::CameraUnsupported,
        CameraError::Failed(_) => ErrorCode::CameraFailed,
    };
    let details = match error {
        CameraError::Failed(text) => format!("{error}: {text}"),
        _ => details(error),
    };
    Problem { error: code, details }
}
