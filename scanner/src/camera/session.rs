//! A session as its owner sees it.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use tokio::sync::mpsc as events;

use super::{
    CLOSE_LIMIT, CameraError, CameraEvent, CameraId, CameraInfo, Options,
    device::{Backend, Nokhwa},
    lane::{Lane, Preview},
    reading,
    watch::{Note, Watch},
};

/// Events that wait for a slow receiver; reads beyond that are dropped.
const EVENTS: usize = 64;

/// Every camera that can be opened, in the system's order. No camera is an empty list. Blocking, some milliseconds; on
/// macOS the system may ask the person first.
///
/// # Errors
/// [`CameraError::Refused`] and [`CameraError::Failed`].
pub fn cameras() -> Result<Vec<CameraInfo>, CameraError> {
    Ok(backend().list()?.into_iter().map(|device| device.info).collect())
}

fn backend() -> Arc<dyn Backend> {
    #[cfg(feature = "film")]
    if let Some(films) = super::film::backend() {
        return films;
    }
    Arc::new(Nokhwa)
}

/// Opens a camera: the one named, or the first there is. Returns at once; what comes of it is told as events.
///
/// At most one session of a program holds a device: a second one waits until the first has let go.
pub fn open(camera: Option<CameraId>, options: Options) -> Session {
    Session::start(backend(), camera, options)
}

/// Asks a session to look again at once, from wherever it is owned.
#[derive(Clone, Debug)]
pub struct LookAgain(mpsc::Sender<Note>);

impl LookAgain {
    /// A session that waits for its camera looks now and not at its next time; one whose camera has fallen silent lets go of
    /// it and opens it anew, when it is free. While the camera is being opened, nothing happens: there is never a second
    /// opening beside the first.
    pub fn now(&self) {
        // A session that is over has nothing to look for.
        let _ = self.0.send(Note::LookAgain);
    }
}

/// An open camera, or one that is waited for. Dropping it lets go of the device in the background.
#[derive(Debug)]
pub struct Session {
    events: events::Receiver<CameraEvent>,
    preview: Preview,
    notes: mpsc::Sender<Note>,
    /// Closed by the watch when the device is free, or given up.
    over: mpsc::Receiver<()>,
}

impl Session {
    pub(super) fn start(backend: Arc<dyn Backend>, camera: Option<CameraId>, options: Options) -> Self {
        let (lane, preview) = Lane::new();
        let (notes, inbox) = mpsc::channel();
        let (event_sender, events) = events::channel(EVENTS);
        let (over_sender, over) = mpsc::channel();
        let reader = (Arc::clone(&lane), notes.clone(), event_sender.clone());
        let unwatched = Arc::clone(&lane);
        let watch =
            Watch { backend, camera, options, lane, notes: notes.clone(), inbox, events: event_sender };
        let spawned = thread::Builder::new()
            .name("camera-reader".to_owned())
            .spawn(move || reading::run(&reader.0, &reader.1, &reader.2))
            .and_then(|_| {
                thread::Builder::new().name("camera-watch".to_owned()).spawn(move || {
                    watch.run();
                    drop(over_sender);
                })
            });
        if let Err(error) = spawned {
            // Without threads there is nothing to watch: the session is over at once.
            tracing::error!(%error, "The camera's threads could not be started");
            unwatched.close();
        }
        Self { events, preview, notes, over }
    }

    /// The next event; `None` when the session is over. Safe to use in `select!`.
    pub async fn next_event(&mut self) -> Option<CameraEvent> {
        self.events.recv().await
    }

    /// The next event, for callers without a runtime. Must not be called inside one.
    pub fn blocking_next_event(&mut self) -> Option<CameraEvent> {
        self.events.blocking_recv()
    }

    /// The next event if there is one already.
    pub fn try_next_event(&mut self) -> Option<CameraEvent> {
        self.events.try_recv().ok()
    }

    /// A handle on the live picture, to be cloned into whatever draws it.
    pub fn preview(&self) -> Preview {
        self.preview.clone()
    }

    /// A handle for whoever wants the session to look again at once.
    pub fn look_again(&self) -> LookAgain {
        LookAgain(self.notes.clone())
    }

    /// Lets go of the device and waits until it is free, [`CLOSE_LIMIT`] at most. Blocking; dropping does the same without
    /// the wait.
    pub fn close(self) {
        let _ = self.notes.send(Note::Stop);
        if self.over.recv_timeout(CLOSE_LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::warn!("The camera did not close in time");
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.notes.send(Note::Stop);
    }
}
