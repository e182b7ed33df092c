//! When a measured hint is shown: at once, then for a second at least, and never beside a read.

use std::time::Duration;

use crate::decode::Hint;

/// So long a person needs to read a hint and to act on it.
const SHOWN_AT_LEAST: Duration = Duration::from_secs(1);

/// What is shown.
#[derive(Debug, Default)]
pub(super) struct Advice {
    shown: Option<Hint>,
    /// Since then.
    since: Duration,
}

impl Advice {
    /// Takes what a frame suggests at `now` (any clock that never steps back); a frame `with_reads` ends every hint. True
    /// when that changes what is shown.
    pub(super) fn turn(&mut self, hint: Option<Hint>, with_reads: bool, now: Duration) -> bool {
        let hint = hint.filter(|_| !with_reads);
        let may_change =
            with_reads || self.shown.is_none() || now.saturating_sub(self.since) >= SHOWN_AT_LEAST;
        if hint == self.shown || !may_change {
            return false;
        }
        *self = Self { shown: hint, since: now };
        true
    }

    /// What is to be shown.
    pub(super) fn shown(&self) -> Option<Hint> {
        self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DARK: Option<Hint> = Some(Hint::TooDark);
    const FAR: Option<Hint> = Some(Hint::TooFar);

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_hint_stays_for_a_second() {
        let mut advice = Advice::default();
        for (hint, ms, shown) in [
            (None, 0, None),
            (DARK, 100, DARK),
            (FAR, 200, DARK),
            (None, 1_099, DARK),
            (FAR, 1_100, FAR),
            (None, 2_099, FAR),
            (None, 2_100, None),
        ] {
            let before = advice.shown();
            assert_eq!(advice.turn(hint, false, at(ms)), shown != before, "{ms} ms");
            assert_eq!(advice.shown(), shown, "{ms} ms");
        }
    }

    #[test]
    fn a_read_ends_a_hint_at_once() {
        let mut advice = Advice::default();
        for (reads, ms, shown) in [(false, 0, DARK), (true, 10, None), (true, 20, None), (false, 30, DARK)] {
            let before = advice.shown();
            assert_eq!(advice.turn(DARK, reads, at(ms)), shown != before, "{ms} ms");
            assert_eq!(advice.shown(), shown, "{ms} ms");
        }
    }
}
