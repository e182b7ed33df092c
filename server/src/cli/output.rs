use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::error::CliError;

/// Where results go: standard output, as text or as JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person is looking at a terminal.
    pub(super) fn is_terminal(self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// One result: a sentence, or one line of JSON.
    pub(super) fn done(self, sentence: &str, value: &impl Serialize) -> Result<(), CliError> {
        if self.json {
            let line =
                serde_json::to_string(value).map_err(|error| CliError::failed("could not print", error))?;
            print(&format!("{line}\n"))
        } else {
            print(&format!("{sentence}\n"))
        }
    }

    /// A table with a header line, columns as wide as their widest cell; or a JSON array.
    pub(super) fn table<R: Serialize, const N: usize>(
        self,
        empty: &str,
        head: [&str; N],
        rows: &[R],
        cells: impl Fn(&R) -> [String; N],
    ) -> Result<(), CliError> {
        if self.json {
            return self.done("", &rows);
        }
        if rows.is_empty() {
            return print(&format!("{empty}\n"));
        }
        let mut lines = vec![head.map(str::to_owned)];
        lines.extend(rows.iter().map(cells));
        let widths: [usize; N] =
            std::array::from_fn(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0));
        let mut text = String::new();
        for line in lines {
            let mut padded = String::new();
            for (cell, width) in line.iter().zip(widths) {
                let fill = width - cell.chars().count() + 2;
                padded.push_str(cell);
                padded.extend(std::iter::repeat_n(' ', fill));
            }
            text.push_str(padded.trim_end());
            text.push('\n');
        }
        print(&text)
    }
}

/// Text as it is, to standard output.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // `| head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| CliError::failed("could not print", error)),
    }
}

/// A moment as `2026-11-21 08:30` in UTC, for tables.
pub(super) fn moment(at: protocol::time::Timestamp) -> String {
    let (days, second) = (at.unix_s().div_euclid(86_400), at.unix_s().rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", second / 3_600, second % 3_600 / 60)
}

/// Year, month and day of the Gregorian calendar, so many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted in eras of 400 years that start on a 1st of March, so that the leap day comes last.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use protocol::time::Timestamp;

    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        for (unix_s, text) in [
            (0, "1970-01-01 00:00"),
            (951_782_400, "2000-02-29 00:00"),
            (1_795_249_859, "2026-11-21 08:30"),
            (4_107_542_399, "2100-02-28 23:59"),
            (4_107_542_400, "2100-03-01 00:00"),
            (-1, "1969-12-31 23:59"),
        ] {
            assert_eq!(moment(Timestamp(unix_s)), text);
        }
    }
}
