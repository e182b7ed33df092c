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
    /// Takes what a frame suggests at `now` (any clock that never steps back); a frame `with_reads` ends every hint.
    /// Returns what is to be shown when that changes.
    pub(super) fn turn(
        &mut self,
        hint: Option<Hint>,
        with_reads: bool,
        now: Duration,
    ) -> Option<Option<Hint>> {
        let hint = hint.filter(|_| !with_reads);
        let may_change =
            with_reads || self.shown.is_none() || now.saturating_sub(self.since) >= SHOWN_AT_LEAST;
        if hint == self.shown || !may_change {
            return None;
        }
        *self = Self { shown: hint, since: now };
        Some(hint)
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
        assert_eq!(advice.turn(None, false, at(0)), None);
        assert_eq!(advice.turn(DARK, false, at(100)), Some(DARK));
        assert_eq!(advice.turn(FAR, false, at(200)), None);
        assert_eq!(advice.turn(None, false, at(1_099)), None);
        assert_eq!(advice.turn(FAR, false, at(1_100)), Some(FAR));
        assert_eq!(advice.turn(None, false, at(2_099)), None);
        assert_eq!(advice.turn(None, false, at(2_100)), Some(None));
    }

    #[test]
    fn a_read_ends_a_hint_at_once() {
        let mut advice = Advice::default();
        assert_eq!(advice.turn(DARK, false, at(0)), Some(DARK));
        assert_eq!(advice.turn(DARK, true, at(10)), Some(None));
        assert_eq!(advice.turn(None, true, at(20)), None);
        assert_eq!(advice.turn(DARK, false, at(30)), Some(DARK));
    }
}
