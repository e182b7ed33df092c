//! The thread that owns the life of a session: finds the device, starts the thread that uses it, notices when it falls
//! silent, lets go and looks again. It never calls into a driver for a frame, so nothing can block it for long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc as events;

use super::{
    CLOSE_LIMIT, CameraError, CameraEvent, CameraId, CameraInfo, Format, Options, Stall,
    capture::{self, Use},
    device::{Backend, Device},
    lane::Lane,
};

/// Uses in a row that failed without one frame before the session gives up.
const FAILURES_MAX: u32 = 5;

/// Tells the uses of devices within a session apart: a thread that was given up may still speak.
pub(super) type Turn = u32;

/// What the watch is told.
pub(super) enum Note {
    /// The device is open and was asked for frames.
    Streaming(Turn, Format),
    /// A frame arrived, whole or not.
    Frame(Turn),
    /// The reader decoded a frame.
    Usable,
    /// The device of this turn is let go of.
    Over(Turn, Result<(), CameraError>),
    /// The person does not want to wait for the next look.
    LookAgain,
    /// The owner has had enough.
    Stop,
}

pub(super) struct Watch {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) camera: Option<CameraId>,
    pub(super) options: Options,
    pub(super) lane: Arc<Lane>,
    pub(super) notes: mpsc::Sender<Note>,
    pub(super) inbox: mpsc::Receiver<Note>,
    pub(super) events: events::Sender<CameraEvent>,
}

/// How a use of a device came to its end.
enum End {
    Stopped,
    /// Let go of on request, to be opened anew.
    Again,
    Failed {
        error: CameraError,
        had_frames: bool,
    },
}

impl Watch {
    pub(super) fn run(self) {
        self.backend.gate().wait(CLOSE_LIMIT);
        if let Some(error) = self.until_over() {
            self.tell(CameraEvent::Ended(error));
        }
        self.lane.close();
    }

    /// Uses the camera again and again. `None` when the owner stopped it.
    fn until_over(&self) -> Option<CameraError> {
        let mut failures = 0;
        // The camera that was asked for has been used in this session.
        let mut held = false;
        let mut waiting_for: Option<CameraError> = None;
        for turn in 1.. {
            let error = match self.find(held) {
                Err(error) => error,
                Ok(device) => match self.use_device(turn, &device) {
                    End::Stopped => return None,
                    End::Again => {
                        self.lane.forget();
                        continue;
                    }
                    End::Failed { error, had_frames } => {
                        if had_frames {
                            failures = 0;
                            waiting_for = None;
                            held |= self.camera.as_ref() == Some(&device.info.id);
                        }
                        error
                    }
                },
            };
            match error {
                CameraError::NotFound | CameraError::Unplugged | CameraError::Busy => failures = 0,
                CameraError::Refused | CameraError::NoFormat => return Some(error),
                CameraError::Failed(_) => {
                    failures += 1;
                    if failures >= FAILURES_MAX {
                        return Some(error);
                    }
                }
            }
            self.lane.forget();
            if waiting_for.as_ref() != Some(&error) {
                waiting_for = Some(error.clone());
                self.tell(CameraEvent::Waiting(error));
            }
            if self.stopped_within(self.options.retry_every) {
                return None;
            }
        }
        None
    }

    /// The device that is wished for, as the system has it at this moment.
    fn find(&self, held: bool) -> Result<Device, CameraError> {
        let mut devices = self.backend.list()?;
        if devices.is_empty() {
            return Err(CameraError::NotFound);
        }
        let at = match &self.camera {
            None => 0,
            Some(id) => match devices.iter().position(|device| device.info.id == *id) {
                Some(at) => at,
                None if self.options.or_another && !held => 0,
                None => return Err(CameraError::Unplugged),
            },
        };
        Ok(devices.swap_remove(at))
    }

    /// Starts a thread on the device and watches it until it is let go of.
    fn use_device(&self, turn: Turn, device: &Device) -> End {
        let stop = Arc::new(AtomicBool::new(false));
        let job = Use { turn, device: device.clone(), size: self.options.size, stop: Arc::clone(&stop) };
        let (backend, lane, notes) = (Arc::clone(&self.backend), Arc::clone(&self.lane), self.notes.clone());
        let spawned = thread::Builder::new()
            .name("camera".to_owned())
            .spawn(move || capture::run(backend.as_ref(), &job, &lane, &notes));
        if let Err(error) = spawned {
            return End::Failed { error: CameraError::Failed(error.to_string()), had_frames: false };
        }
        let mut signs = Signs::new(&self.options, device.info.clone());
        loop {
            let note = match signs.time_left() {
                Some(left) => self.inbox.recv_timeout(left),
                None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let event = match note {
                Ok(Note::Streaming(from, format)) if from == turn => {
                    signs.format = Some(format);
                    None
                }
                Ok(Note::Frame(from)) if from == turn => signs.frame(),
                Ok(Note::Usable) => signs.usable(),
                Ok(Note::Over(from, _)) if from == turn && stop.load(Ordering::Acquire) => return End::Again,
                Ok(Note::Over(from, result)) if from == turn => {
                    // Without `stop` a use ends by an error only.
                    let error =
                        result.err().unwrap_or_else(|| CameraError::Failed("the stream ended".to_owned()));
                    return End::Failed { error, had_frames: signs.had_frames };
                }
                // A camera that is still being opened is not asked to end: its thread could not hear it, and another one
                // beside it would find the device busy.
                Ok(Note::LookAgain) => {
                    if signs.is_silent_after_opening() {
                        stop.store(true, Ordering::Release);
                        self.backend.unblock(device);
                    }
                    None
                }
                // A late word of a use that was given up.
                Ok(Note::Streaming(..) | Note::Frame(_) | Note::Over(..)) => None,
                Err(RecvTimeoutError::Timeout) => Some(CameraEvent::Stalled(signs.silence())),
                Ok(Note::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    self.let_go(turn, device, &stop);
                    return End::Stopped;
                }
            };
            if let Some(event) = event {
                self.tell(event);
            }
        }
    }

    /// Asks the thread to let go; one that is stuck in the driver is freed where the system can, else left behind.
    fn let_go(&self, turn: Turn, device: &Device, stop: &AtomicBool) {
        stop.store(true, Ordering::Release);
        let each = CLOSE_LIMIT * 2 / 5;
        if self.is_over_within(turn, each) {
            return;
        }
        self.backend.unblock(device);
        if !self.is_over_within(turn, each) {
            tracing::warn!(
                camera.name = device.info.name,
                "The camera's driver hangs; its thread is left behind"
            );
        }
    }

    fn is_over_within(&self, turn: Turn, limit: Duration) -> bool {
        let end = now() + limit;
        loop {
            match self.inbox.recv_timeout(end.saturating_duration_since(now())) {
                Ok(Note::Over(from, _)) if from == turn => return true,
                Ok(
                    Note::Streaming(..)
                    | Note::Frame(_)
                    | Note::Usable
                    | Note::Over(..)
                    | Note::LookAgain
                    | Note::Stop,
                ) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Waits with nothing open, less long when the person wants a look now. True when the owner stopped the session meanwhile.
    fn stopped_within(&self, limit: Duration) -> bool {
        let end = now() + limit;
        loop {
            match self.inbox.recv_timeout(end.saturating_duration_since(now())) {
                Ok(Note::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Ok(Note::LookAgain) | Err(RecvTimeoutError::Timeout) => return false,
                Ok(Note::Streaming(..) | Note::Frame(_) | Note::Usable | Note::Over(..)) => {}
            }
        }
    }

    fn tell(&self, event: CameraEvent) {
        if self.events.try_send(event).is_err() {
            tracing::debug!("A camera event had no receiver");
        }
    }
}

/// The signs of life of one use of a device.
struct Signs {
    camera: CameraInfo,
    stall_after: Duration,
    /// When a usable frame is due.
    due: Instant,
    format: Option<Format>,
    had_frames: bool,
    /// Frames came since the last usable one.
    frames_since: bool,
    told: Option<Stall>,
    opened: bool,
}

impl Signs {
    fn new(options: &Options, camera: CameraInfo) -> Self {
        let due = now() + 3 * options.stall_after;
        Self {
            camera,
            stall_after: options.stall_after,
            due,
            format: None,
            had_frames: false,
            frames_since: false,
            told: None,
            opened: false,
        }
    }

    /// Until a usable frame is due; `None` when its absence is known already.
    fn time_left(&self) -> Option<Duration> {
        self.told.is_none().then(|| self.due.saturating_duration_since(now()))
    }

    fn frame(&mut self) -> Option<CameraEvent> {
        self.had_frames = true;
        self.frames_since = true;
        if self.opened {
            return None;
        }
        self.opened = true;
        self.due = now() + self.stall_after;
        self.format.map(|format| CameraEvent::Opened { camera: self.camera.clone(), format })
    }

    fn usable(&mut self) -> Option<CameraEvent> {
        self.frames_since = false;
        self.due = now() + self.stall_after;
        self.told.take().map(|_| CameraEvent::Recovered)
    }

    /// It was opened and has been told as stalled.
    fn is_silent_after_opening(&self) -> bool {
        self.format.is_some() && self.told.is_some()
    }

    fn silence(&mut self) -> Stall {
        *self.told.insert(if self.frames_since { Stall::Damaged } else { Stall::Silent })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a camera that falls silent is noticed by the clock of this machine"
)]
fn now() -> Instant {
    Instant::now()
}
