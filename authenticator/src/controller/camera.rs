//! The camera: opened by the person's act only, let go of when the scan view is left or the window hides.

use std::time::Duration;

use protocol::context::Via;
use scanner::Read;
use scanner::camera::{
    self, CameraError, CameraEvent, CameraId, CameraInfo, LookAgain, Options, Preview, Session, Stall,
};
use scanner::decode::Hint as Measured;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::Controller;
use super::message::Message;
use super::stage::Stage;
use crate::error_code::{ErrorCode, Problem};
use crate::facing;
use crate::server_client::details;
use crate::view::{CameraChoice, CameraState, Hint, Outline, Point, ScanWork};

/// After this long without a code in the picture its outline goes.
const OUTLINE_LIFE: Duration = Duration::from_millis(400);
/// How often the cameras are listed while one is open, so that one that is plugged in can be chosen.
const LIST_EVERY: Duration = Duration::from_secs(5);

/// The camera as the controller holds it.
pub(super) struct Camera {
    /// What the window shows of it.
    pub(super) state: CameraState,
    /// The cameras there are, once one was opened.
    pub(super) found: Vec<CameraInfo>,
    /// The text that was acted upon last, so that a code that is held still asks the server once.
    pub(super) seen_text: Option<Vec<u8>>,
    /// The camera that was opened last.
    used: Option<CameraInfo>,
    /// What would help it.
    hint: Hint,
    /// Nobody sees the window: no camera opens until somebody does.
    hidden: bool,
    /// To be opened again when the window is seen again.
    paused: bool,
    /// Counts sessions; news of an older one are late.
    session: u64,
    watcher: Option<JoinHandle<()>>,
    look_again: Option<LookAgain>,
    pictures: watch::Sender<Option<Preview>>,
}

/// What helps a camera.
#[derive(Debug, PartialEq, Eq)]
enum Remedy {
    /// It needs none: it is open, or on the way. A second opening would collide with the first.
    None,
    /// Its session goes on and looks now.
    LookAgain,
    /// A session of its own.
    Open,
}

/// What a session told.
pub(super) enum CameraNews {
    /// One of its events.
    Event(CameraEvent),
    /// Time to see which cameras there are.
    List,
    /// No code in the picture for a moment.
    NoCode,
}

impl Camera {
    /// Closed.
    pub(super) fn new(pictures: watch::Sender<Option<Preview>>) -> Self {
        Self {
            state: CameraState::Off,
            found: Vec::new(),
            seen_text: None,
            used: None,
            hint: Hint::Search,
            hidden: false,
            paused: false,
            session: 0,
            watcher: None,
            look_again: None,
            pictures,
        }
    }

    /// What "Try again", or the wish for the camera, does to it.
    fn remedy(&self) -> Remedy {
        match &self.state {
            CameraState::Failed { watching: true, .. } if self.is_open() => Remedy::LookAgain,
            CameraState::Failed { .. } => Remedy::Open,
            CameraState::Starting | CameraState::Live { .. } => Remedy::None,
            CameraState::Off => Remedy::Open,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.watcher.is_some()
    }

    /// What the window offers: every camera by a name of its own, the chosen one also while it is not there.
    pub(super) fn choices(&self, chosen: Option<&str>) -> Vec<CameraChoice> {
        let mut choices: Vec<CameraChoice> = Vec::new();
        for camera in &self.found {
            let equal = self.found.iter().filter(|other| other.name == camera.name).count();
            let before = choices.iter().filter(|other| CameraId::new(&other.id).name() == camera.id.name());
            let name = match before.count() + 1 {
                number if equal > 1 => format!("{} ({number})", camera.name),
                _ => camera.name.clone(),
            };
            choices.push(CameraChoice { id: camera.id.to_string(), name, is_there: true });
        }
        if let Some(chosen) = chosen
            && !choices.is_empty()
            && choices.iter().all(|choice| choice.id != chosen)
        {
            let name = CameraId::new(chosen).name().to_owned();
            choices.push(CameraChoice { id: chosen.to_owned(), name, is_there: false });
        }
        choices
    }
}

impl Controller {
    /// The person wants the camera. One that is open already stays as it is.
    pub(super) fn start_camera(&mut self) {
        match self.camera.remedy() {
            Remedy::None => {}
            Remedy::LookAgain => self.camera.look_again.iter().for_each(LookAgain::now),
            Remedy::Open => self.open_camera(),
        }
    }

    /// "Try again": for a camera that failed, not for one that is off.
    pub(super) fn retry_camera(&mut self) {
        if self.camera.state != CameraState::Off {
            self.start_camera();
        }
    }

    pub(super) fn open_camera(&mut self) {
        if !matches!(self.stage, Stage::Scan { .. }) {
            return;
        }
        self.close_camera();
        if self.camera.hidden {
            self.camera.paused = true;
            return;
        }
        self.camera.session += 1;
        self.camera.seen_text = None;
        self.camera.hint = Hint::Search;
        self.camera.state = CameraState::Starting;
        let wanted = self.saved.settings.camera.clone().map(CameraId::new);
        let session = camera::open(wanted, Options { or_another: true, ..Options::default() });
        self.camera.pictures.send_replace(Some(session.preview()));
        self.camera.look_again = Some(session.look_again());
        self.camera.watcher =
            Some(tokio::spawn(watch_session(session, self.camera.session, self.messages.clone())));
        self.list_cameras();
    }

    /// Lets go of the device: dropping the session does it within the scanner's own limit.
    pub(super) fn close_camera(&mut self) {
        if let Some(watcher) = self.camera.watcher.take() {
            watcher.abort();
        }
        self.camera.look_again = None;
        self.camera.session += 1;
        self.camera.paused = false;
        self.camera.pictures.send_replace(None);
        self.camera.state = CameraState::Off;
    }

    /// Nobody sees the window: the camera closes until somebody does.
    pub(super) fn window_hidden(&mut self) {
        let was_open = self.camera.is_open() || self.camera.paused;
        self.close_camera();
        self.camera.hidden = true;
        self.camera.paused = was_open;
    }

    pub(super) fn window_shown(&mut self) {
        self.camera.hidden = false;
        if self.camera.paused {
            self.open_camera();
        }
    }

    /// Shows the open camera's picture as a mirror does, or not, from now on.
    pub(super) async fn mirror_picture(&mut self, mirrored: bool) {
        let Some(camera) = self.camera.used.clone().filter(|_| self.camera.is_open()) else { return };
        if let CameraState::Live { mirrored: shown, .. } = &mut self.camera.state {
            *shown = mirrored;
        }
        let choices = &mut self.saved.settings.mirrored;
        if mirrored == facing::is_towards_person(&camera.name) {
            choices.remove(camera.id.as_str());
        } else {
            choices.insert(camera.id.to_string(), mirrored);
        }
        self.save_or_tell().await;
    }

    /// Frames of this size arrive.
    fn camera_goes_live(&mut self, width: u32, height: u32) {
        let Some(camera) = &self.camera.used else { return };
        let settings = &self.saved.settings;
        let mirrored = settings.mirrored.get(camera.id.as_str()).copied();
        let chosen = settings.camera.as_deref().filter(|chosen| *chosen != camera.id.as_str());
        self.camera.state = CameraState::Live {
            name: camera.name.clone(),
            instead_of: chosen.map(|chosen| CameraId::new(chosen).name().to_owned()),
            width,
            height,
            mirrored: mirrored.unwrap_or_else(|| facing::is_towards_person(&camera.name)),
            outline: None,
            hint: self.camera.hint,
        };
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
            // The session tells what is wrong.
            Message::Cameras { found: found.ok().and_then(Result::ok).unwrap_or_default() }
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
            CameraNews::List => self.list_cameras(),
            CameraNews::Event(event) => self.camera_event(event),
        }
    }

    fn camera_event(&mut self, event: CameraEvent) {
        match event {
            CameraEvent::Opened { camera, format } => {
                self.camera.used = Some(camera);
                self.camera_goes_live(format.width, format.height);
                self.list_cameras();
            }
            CameraEvent::Advice(advice) => {
                self.camera.hint = hint_of(advice);
                if let CameraState::Live { hint, .. } = &mut self.camera.state {
                    *hint = self.camera.hint;
                }
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
                    self.camera_goes_live(frame.width, frame.height);
                }
            }
            CameraEvent::Waiting(error) => {
                self.camera.state = CameraState::Failed { problem: camera_problem(&error), watching: true };
                self.list_cameras();
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
    let mut list = tokio::time::interval(LIST_EVERY);
    list.reset();
    loop {
        let news = tokio::select! {
            event = session.next_event() => match event {
                Some(event) => {
                    outlined |= matches!(event, CameraEvent::Reads { .. });
                    CameraNews::Event(event)
                }
                None => return,
            },
            () = tokio::time::sleep(OUTLINE_LIFE), if outlined => {
                outlined = false;
                CameraNews::NoCode
            }
            _ = list.tick() => CameraNews::List,
        };
        if messages.send(Message::Camera { session: number, news }).is_err() {
            return;
        }
    }
}

fn hint_of(measured: Option<Measured>) -> Hint {
    match measured {
        None => Hint::Search,
        Some(Measured::TooFar) => Hint::MoveCloser,
        Some(Measured::TooDark) => Hint::TooDark,
        Some(Measured::Blurred) => Hint::HoldStill,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn trying_again_opens_no_second_time_what_is_on_its_way() {
        let mut camera = Camera::new(watch::channel(None).0);
        assert_eq!(camera.remedy(), Remedy::Open);
        camera.watcher = Some(tokio::spawn(std::future::pending()));
        camera.state = CameraState::Starting;
        assert_eq!(camera.remedy(), Remedy::None);
        for (watching, remedy) in [(true, Remedy::LookAgain), (false, Remedy::Open)] {
            let problem = Problem::plain(ErrorCode::CameraBusy);
            camera.state = CameraState::Failed { problem, watching };
            assert_eq!(camera.remedy(), remedy);
        }
    }

    #[test]
    fn equal_names_are_numbered_and_an_absent_choice_is_offered() {
        let mut camera = Camera::new(watch::channel(None).0);
        assert_eq!(camera.choices(Some("Old|1")), []);
        let info = |id: &str, name: &str| CameraInfo { id: CameraId::new(id), name: name.to_owned() };
        camera.found = vec![info("Cam|1", "Cam"), info("Desk|2", "Desk"), info("Cam|1#2", "Cam")];
        let choice = |id: &str, name: &str, is_there| CameraChoice {
            id: id.to_owned(),
            name: name.to_owned(),
            is_there,
        };
        let there = [
            choice("Cam|1", "Cam (1)", true),
            choice("Desk|2", "Desk", true),
            choice("Cam|1#2", "Cam (2)", true),
        ];
        assert_eq!(camera.choices(Some("Desk|2")), there);
        assert_eq!(camera.choices(Some("Old|1"))[3], choice("Old|1", "Old", false));
    }
}
