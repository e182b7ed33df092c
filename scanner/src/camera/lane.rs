//! The way of a frame from the camera's thread to the eye and to the decoder: only the newest counts.

use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

use super::{Encoding, Format, PreviewFrame, jpeg};

/// Frames of all sessions, so that a later frame has a higher number whichever session it is from.
static FRAMES: AtomicU64 = AtomicU64::new(0);

/// The live picture of a session. After the session it stays at its last frame.
#[derive(Clone, Debug)]
pub struct Preview {
    frames: watch::Receiver<Option<PreviewFrame>>,
}

impl Preview {
    /// The newest frame; `None` before the first, and while the camera is let go of. Cheap: the JPEG is shared.
    pub fn latest(&self) -> Option<PreviewFrame> {
        self.frames.borrow().clone()
    }

    /// The newest frame once it is newer than `seq` (0: any); `None` when the session is over.
    pub async fn newer_than(&mut self, seq: u64) -> Option<PreviewFrame> {
        let newer = self.frames.wait_for(|frame| frame.as_ref().is_some_and(|frame| frame.seq > seq)).await;
        newer.ok().and_then(|frame| frame.clone())
    }
}

/// A frame as the camera sent it.
#[derive(Clone)]
pub(super) struct RawFrame {
    pub(super) seq: u64,
    pub(super) format: Format,
    /// The JPEG cut to its length, or raw pixels.
    pub(super) bytes: Arc<[u8]>,
}

/// Holds the newest frame until somebody takes it.
pub(super) struct Lane {
    inner: Mutex<Inner>,
    ready: Condvar,
}

struct Inner {
    newest: Option<RawFrame>,
    /// `None` when the session is over: then nothing is published any more, whichever thread is late.
    preview: Option<watch::Sender<Option<PreviewFrame>>>,
}

impl Lane {
    pub(super) fn new() -> (Arc<Self>, Preview) {
        let (preview, frames) = watch::channel(None);
        let inner = Mutex::new(Inner { newest: None, preview: Some(preview) });
        (Arc::new(Self { inner, ready: Condvar::new() }), Preview { frames })
    }

    /// Takes a buffer off the camera. A JPEG is shown at once and untouched; raw pixels wait for [`Lane::show`].
    pub(super) fn put(&self, format: Format, buffer: &[u8]) {
        let bytes: Option<Arc<[u8]>> = match format.encoding {
            Encoding::Mjpeg => jpeg::whole(buffer).map(Arc::from),
            Encoding::Yuyv | Encoding::Nv12 | Encoding::Gray | Encoding::Rgb | Encoding::Bgr => {
                Some(Arc::from(buffer))
            }
        };
        let mut inner = self.lock();
        let seq = FRAMES.fetch_add(1, Ordering::Relaxed) + 1;
        // Not even the shape of a JPEG: kept empty, so that the reader counts it as damaged, and never shown.
        let frame = RawFrame { seq, format, bytes: bytes.unwrap_or_default() };
        if format.encoding == Encoding::Mjpeg && !frame.bytes.is_empty() {
            inner.publish(&frame, Arc::clone(&frame.bytes));
        }
        inner.newest = Some(frame);
        self.ready.notify_one();
    }

    /// Shows a frame that was not a JPEG.
    pub(super) fn show(&self, frame: &RawFrame, jpeg: Vec<u8>) {
        self.lock().publish(frame, jpeg.into());
    }

    /// Waits for a frame newer than the last one taken; `None` when the session is over.
    pub(super) fn take(&self) -> Option<RawFrame> {
        let waiting = |inner: &mut Inner| inner.newest.is_none() && inner.preview.is_some();
        let mut inner = self.ready.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner);
        inner.preview.as_ref()?;
        inner.newest.take()
    }

    /// Drops what a camera that was let go of sent last: the next one must not begin with an old picture.
    pub(super) fn forget(&self) {
        let mut inner = self.lock();
        inner.newest = None;
        if let Some(preview) = &inner.preview {
            preview.send_replace(None);
        }
    }

    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.preview = None;
        inner.newest = None;
        self.ready.notify_all();
    }

    /// A thread that panicked left whole values behind: each change here is one assignment.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn publish(&self, frame: &RawFrame, jpeg: Arc<[u8]>) {
        if let Some(preview) = &self.preview {
            let Format { width, height, .. } = frame.format;
            preview.send_replace(Some(PreviewFrame { seq: frame.seq, jpeg, width, height }));
        }
    }
}
