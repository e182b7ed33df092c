//! Counting what test runners say.

use std::ops::AddAssign;

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Tally {
    /// Adds what one line of `cargo test` output says. A test that finds its tool absent prints `skipped: NAME ...`
    /// and returns, so the runner counts it as passed; here it counts as skipped.
    pub(crate) fn read_cargo_test(&mut self, line: &str) {
        if line.starts_with("skipped: ") {
            self.passed = self.passed.wrapping_sub(1);
            self.skipped += 1;
        }
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            let mut words = count.split(' ');
            let number = words.next().and_then(|word| word.parse::<u32>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed = self.passed.wrapping_add(number),
                Some("failed") => self.failed += number,
                Some("ignored") => self.skipped += number,
                Some(_) | None => {}
            }
        }
    }

    /// Adds what one line of `vitest` output says, as in `Tests  1 failed | 11 passed (12)`.
    pub(crate) fn read_vitest(&mut self, line: &str) {
        let line = without_colours(line);
        let Some(counts) = line.trim_start().strip_prefix("Tests ") else {
            return;
        };
        for count in counts.split('|') {
            let mut words = count.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u32>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("skipped" | "todo") => self.skipped += number,
                Some(_) | None => {}
            }
        }
    }

    /// Adds what one line of the attack suite says, as in `431 held, 3 broken`.
    pub(crate) fn read_attacks(&mut self, line: &str) {
        self.read_two(line, " held, ", " broken");
    }

    /// Adds what the attack suite says about the server's guards, as in `38 guards caught, 0 missed`.
    pub(crate) fn read_guards(&mut self, line: &str) {
        self.read_two(line, " guards caught, ", " missed");
    }

    /// Adds what the program of faults says, as in `15 faults held, 0 broken`.
    pub(crate) fn read_faults(&mut self, line: &str) {
        self.read_two(line, " faults held, ", " broken");
    }

    fn read_two(&mut self, line: &str, middle: &str, end: &str) {
        let counts = line.strip_suffix(end).and_then(|rest| rest.split_once(middle));
        let Some((good, bad)) = counts else { return };
        if let (Ok(good), Ok(bad)) = (good.parse::<u32>(), bad.parse::<u32>()) {
            self.passed += good;
            self.failed += bad;
        }
    }
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str], read: fn(&mut Tally, &str)) -> Tally {
        let mut tally = Tally::default();
        for line in lines {
            read(&mut tally, line);
        }
        tally
    }

    #[test]
    fn several_test_binaries_are_summed() {
        let lines = [
            "test keys::wrong_key_is_refused ... ok",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.20s",
        ];
        let expected = Tally { passed: 15, failed: 2, skipped: 1 };
        assert_eq!(tally(&lines, Tally::read_cargo_test), expected);
    }

    #[test]
    fn a_test_without_its_tool_counts_as_skipped() {
        let lines = [
            "skipped: login_by_camera (no camera machine)",
            "test result: ok. 16 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 9.02s",
        ];
        let expected = Tally { passed: 15, failed: 0, skipped: 1 };
        assert_eq!(tally(&lines, Tally::read_cargo_test), expected);
    }

    #[test]
    fn attacks_are_read_from_their_last_line_alone() {
        let lines = ["held    races.refreshes_at_once: 3 held, 2 broken tabs", "431 held, 3 broken"];
        let expected = Tally { passed: 431, failed: 3, skipped: 0 };
        assert_eq!(tally(&lines, Tally::read_attacks), expected);
    }

    #[test]
    fn guards_are_read_from_their_last_line_alone() {
        let lines = ["MISSED  number (3 guards caught, 1 missed)", "37 guards caught, 1 missed"];
        let expected = Tally { passed: 37, failed: 1, skipped: 0 };
        assert_eq!(tally(&lines, Tally::read_guards), expected);
    }

    #[test]
    fn faults_are_read_from_their_last_line_alone() {
        let lines = ["redis-killed    2  redeem: 404 (1 faults held, 1 broken)", "14 faults held, 1 broken"];
        let expected = Tally { passed: 14, failed: 1, skipped: 0 };
        assert_eq!(tally(&lines, Tally::read_faults), expected);
    }

    #[test]
    fn vitest_is_read_with_and_without_colours() {
        let lines = [
            "      Tests  1 failed | 11 passed (12)",
            "\u{1b}[2m Tests \u{1b}[22m \u{1b}[32m4 passed\u{1b}[39m (4)",
        ];
        let expected = Tally { passed: 15, failed: 1, skipped: 0 };
        assert_eq!(tally(&lines, Tally::read_vitest), expected);
    }
}
