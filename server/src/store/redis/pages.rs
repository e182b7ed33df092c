use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::id::RequestId;
use tokio::sync::watch;

/// The waiting pages of this node: one channel a request that somebody waits for, with the newest version known here.
#[derive(Debug, Default)]
pub(super) struct Pages(Mutex<HashMap<RequestId, watch::Sender<u64>>>);

impl Pages {
    /// Hears of each change that is noted from here on.
    pub(super) fn wait_for(&self, id: RequestId) -> watch::Receiver<u64> {
        self.lock().entry(id).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Wakes who waits for the request, once a version.
    pub(super) fn note(&self, id: RequestId, version: u64) {
        if let Some(sender) = self.lock().get(&id) {
            sender.send_if_modified(|known| {
                let is_newer = version > *known;
                *known = version.max(*known);
                is_newer
            });
        }
    }

    /// Wakes everybody: something may have been missed.
    pub(super) fn wake_all(&self) {
        for sender in self.lock().values() {
            sender.send_modify(|_| {});
        }
    }

    /// The record is gone: who waits for it is told.
    pub(super) fn end(&self, id: RequestId) {
        self.lock().remove(&id);
    }

    /// Forgets the request unless somebody waits for it.
    pub(super) fn forget_idle(&self, id: RequestId) {
        let mut waiting = self.lock();
        if waiting.get(&id).is_some_and(|sender| sender.receiver_count() == 0) {
            waiting.remove(&id);
        }
    }

    /// Forgets the requests that nobody waits for any more.
    pub(super) fn tidy(&self) {
        let mut waiting = self.lock();
        waiting.retain(|_, sender| sender.receiver_count() > 0);
        if waiting.capacity() > 64 && waiting.len() < waiting.capacity() / 8 {
            let room = waiting.len() * 2;
            waiting.shrink_to(room);
        }
    }

    /// No code under the lock panics, so a poisoned one is good.
    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, watch::Sender<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn id(n: u8) -> RequestId {
        RequestId::from_random([n; 16])
    }

    fn is_woken(page: &mut watch::Receiver<u64>) -> bool {
        page.changed().now_or_never().is_some_and(|changed| changed.is_ok())
    }

    #[test]
    fn a_version_wakes_once_wherever_it_was_heard() {
        let pages = Pages::default();
        let (mut page, mut other) = (pages.wait_for(id(1)), pages.wait_for(id(2)));
        pages.note(id(1), 2);
        assert!(is_woken(&mut page) && !is_woken(&mut other));
        pages.note(id(1), 2);
        assert!(!is_woken(&mut page), "this one was heard before");
        pages.note(id(1), 3);
        assert!(is_woken(&mut page));
    }

    #[test]
    fn after_a_lost_line_everybody_is_woken_once() {
        let pages = Pages::default();
        let (mut page, mut other) = (pages.wait_for(id(1)), pages.wait_for(id(2)));
        pages.wake_all();
        assert!(is_woken(&mut page) && is_woken(&mut other));
        assert!(!is_woken(&mut page) && !is_woken(&mut other));
    }

    #[test]
    fn nothing_is_kept_of_pages_that_have_gone() {
        let pages = Pages::default();
        let page = pages.wait_for(id(1));
        drop(pages.wait_for(id(2)));
        pages.tidy();
        assert_eq!(pages.lock().keys().copied().collect::<Vec<_>>(), [id(1)]);
        drop(page);
        pages.tidy();
        assert!(pages.lock().is_empty());
    }
}
