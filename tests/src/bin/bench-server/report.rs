//! The table, for a terminal and for the page, and the JSON object.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::Options;
use crate::figures::Figures;
use crate::machine;
use crate::peer;
use crate::subject::{Kind, RAISED};

/// What ours is held to, as a share of the floor in the same run.
#[derive(Clone, Copy)]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

struct Row {
    name: String,
    label: String,
    decimals: usize,
    goal: Option<Goal>,
}

/// All subjects side by side.
pub(crate) struct Report {
    at_once: u32,
    /// Pages that wait: some, and twice as many.
    waiting: u32,
    nodes: u32,
    command: String,
    machine: String,
    date: String,
    open_files: Option<u64>,
    figures: BTreeMap<Kind, Figures>,
}

impl Report {
    pub(crate) fn new(options: &Options, open_files: Option<u64>) -> Self {
        let mut kinds = vec![Kind::Floor, Kind::Countersign];
        kinds.extend(options.oidc_provider.is_some().then_some(Kind::OidcProvider));
        Self {
            at_once: options.at_once,
            waiting: options.waiting,
            nodes: options.nodes,
            command: options.command.clone(),
            machine: machine::describe(options.oidc_provider.is_some()),
            date: machine::today(),
            open_files,
            figures: kinds.into_iter().map(|kind| (kind, Figures::default())).collect(),
        }
    }

    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.figures.keys().copied().collect()
    }

    pub(crate) fn of(&mut self, kind: Kind) -> &mut Figures {
        self.figures.entry(kind).or_default()
    }

    pub(crate) fn get(&self, kind: Kind, name: &str) -> Option<f64> {
        self.figures.get(&kind)?.get(name)
    }

    /// Where and when, in one line.
    pub(crate) fn made(&self) -> String {
        format!("{}, {}. Command: `{}`.", self.date, self.machine, self.command)
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// For a terminal.
    pub(crate) fn table(&self) -> String {
        let mut out = format!(
            "{}\n\n{:<50} {:>12} {:>12} {:>7} {:>14}  {}\n",
            self.made(),
            "",
            "countersign",
            "floor",
            "ratio",
            "oidc-provider",
            "goal"
        );
        for row in self.measured() {
            let [ours, floor, ratio, peer, goal] = self.cells(&row);
            let _ = writeln!(out, "{:<50} {ours:>12} {floor:>12} {ratio:>7} {peer:>14}  {goal}", row.label);
        }
        let _ = write!(out, "\n{}", self.notes().join("\n"));
        out
    }

    /// For the page.
    pub(crate) fn markdown(&self) -> String {
        let mut out = format!(
            "{}\n\n| | countersign | floor | ours / floor | oidc-provider | goal |\n|---|--:|--:|--:|--:|---|\n",
            self.made()
        );
        for row in self.measured() {
            let _ = writeln!(out, "| {} | {} |", row.label, self.cells(&row).join(" | "));
        }
        let notes: Vec<_> = self.notes().into_iter().map(|note| format!("- {note}")).collect();
        let _ = writeln!(out, "\n{}", notes.join("\n"));
        out
    }

    pub(crate) fn json(&self) -> Value {
        let raised: serde_json::Map<_, _> =
            RAISED.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let of = |kind| self.figures.get(&kind).map(Figures::json);
        json!({
            "countersign": of(Kind::Countersign),
            "floor": of(Kind::Floor),
            "oidc_provider": of(Kind::OidcProvider),
            "date": self.date,
            "machine": self.machine,
            "command": self.command,
            "limits_raised": raised,
            "open_files": self.open_files,
        })
    }

    /// Rows for which anybody has a figure.
    fn measured(&self) -> Vec<Row> {
        let mut rows = self.rows();
        rows.retain(|row| self.figures.values().any(|figures| figures.get(&row.name).is_some()));
        rows
    }

    fn cells(&self, row: &Row) -> [String; 5] {
        let figure = |kind| {
            self.get(kind, &row.name).map_or_else(|| "-".to_owned(), |value| figure(value, row.decimals))
        };
        let ratio = self.ratio(row).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        let goal = match (row.goal, self.meets(row)) {
            (None, _) => String::new(),
            (Some(goal), met) => {
                let text = match goal {
                    Goal::AtLeast(share) => format!("at least {share:.1} of the floor"),
                    Goal::AtMost(share) => format!("at most {share:.0} times the floor"),
                };
                if met == Some(false) { format!("{text}: short") } else { text }
            }
        };
        [figure(Kind::Countersign), figure(Kind::Floor), ratio, figure(Kind::OidcProvider), goal]
    }

    fn ratio(&self, row: &Row) -> Option<f64> {
        let (ours, floor) = (self.get(Kind::Countersign, &row.name)?, self.get(Kind::Floor, &row.name)?);
        (floor != 0.0).then_some(ours / floor)
    }

    fn meets(&self, row: &Row) -> Option<bool> {
        let ratio = self.ratio(row)?;
        Some(match row.goal? {
            Goal::AtLeast(share) => ratio >= share,
            Goal::AtMost(share) => ratio <= share,
        })
    }

    fn notes(&self) -> Vec<String> {
        let raised: Vec<_> = RAISED.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let files = self.open_files.map_or_else(|| "without limit".to_owned(), |files| files.to_string());
        let mut notes = vec![
            "Client and subject share the machine's cores; the client signs inside the clock, the same for all."
                .to_owned(),
            "The floor: axum, the same four signatures checked, a map, and no users, limits, audit or pictures."
                .to_owned(),
            "SQLite: ours and floor commit with synchronous=FULL in WAL mode, and what waits is committed together."
                .to_owned(),
            format!("Limits raised, ours: {}. Open files of client and subjects: {files}.", raised.join(" ")),
        ];
        if self.get(Kind::Countersign, "postgres_logins_per_s").is_some() {
            notes.push(format!(
                "PostgreSQL rows: {} of ours; the databases run on the same cores, and their CPU is not in ours.",
                if self.nodes == 1 { "one node".to_owned() } else { format!("{} nodes", self.nodes) },
            ));
        }
        if self.figures.contains_key(&Kind::OidcProvider) {
            notes.push(peer::WHAT.to_owned());
        }
        notes
    }

    fn rows(&self) -> Vec<Row> {
        let (at_once, some, twice) = (self.at_once, self.waiting, self.waiting * 2);
        let row = |name: &str, label: &str, decimals| Row {
            name: name.to_owned(),
            label: label.to_owned(),
            decimals,
            goal: None,
        };
        let held = |row: Row, goal| Row { goal: Some(goal), ..row };
        vec![
            held(
                row("memory_logins_per_s", &format!("whole logins/s, {at_once} at once, memory"), 0),
                Goal::AtLeast(0.6),
            ),
            held(
                row("sqlite_logins_per_s", &format!("whole logins/s, {at_once} at once, SQLite"), 0),
                Goal::AtLeast(0.6),
            ),
            row("postgres_logins_per_s", &format!("whole logins/s, {at_once} at once, PostgreSQL"), 0),
            row("cpu_ms_memory", "server CPU a login, memory, ms", 3),
            row("cpu_ms_sqlite", "server CPU a login, SQLite, ms", 3),
            row("cpu_ms_postgres", "server CPU a login, PostgreSQL, ms", 3),
            row("client_cpu_ms_memory", "CPU of the client a login, ms", 3),
            row("database_cpu_ms", "CPU of PostgreSQL a login, ms", 3),
            row("redis_cpu_ms", "CPU of Redis a login, ms", 3),
            held(row("approve_p50_ms", "approve to signed in, p50, ms", 2), Goal::AtMost(2.0)),
            row("approve_p99_ms", "approve to signed in, p99, ms", 2),
            row("approve_waiting_p50_ms", &format!("the same while {some} wait, p50, ms"), 2),
            row("approve_waiting_p99_ms", &format!("the same while {some} wait, p99, ms"), 2),
            row("approve_shared_p50_ms", "the same over PostgreSQL and Redis, one node, p50, ms", 2),
            row("approve_shared_p99_ms", "the same over PostgreSQL and Redis, one node, p99, ms", 2),
            row("approve_other_node_p50_ms", "the same, page at another node, p50, ms", 2),
            row("approve_other_node_p99_ms", "the same, page at another node, p99, ms", 2),
            row("publish_p50_ms", "a bare publish over Redis, p50, ms", 2),
            row("publish_p99_ms", "a bare publish over Redis, p99, ms", 2),
            row("rss_idle_mb", "memory, idle, MB", 1),
            held(
                row(&format!("rss_{some}_waiting_mb"), &format!("memory, {some} waiting, MB"), 1),
                Goal::AtMost(2.0),
            ),
            held(
                row(&format!("rss_{twice}_waiting_mb"), &format!("memory, {twice} waiting, MB"), 1),
                Goal::AtMost(2.0),
            ),
            row("kb_per_waiting", "memory of one waiting page, KB", 2),
            row("kernel_kb_per_waiting", "kernel memory of one waiting page, KB", 2),
            row("cpu_ms_per_frame", "server CPU of a new frame for a waiting page, ms", 4),
            row("bytes_per_frame", "message with a new frame, bytes", 0),
            row("starts_per_s", "start with a waiting socket, per s", 0),
            row("cpu_ms_start", "server CPU of that, ms", 3),
            row("polls_per_s", "poll of a pending request, per s", 0),
            row("cpu_ms_poll", "server CPU of a poll, ms", 4),
            row("redis_kb_per_waiting", "Redis memory of one waiting page, KB", 2),
            row("ready_ms", "ready after start, ms", 1),
        ]
    }
}

/// With thousands set apart.
pub(crate) fn figure(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let mut out = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + &rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use clap::Parser as _;

    use super::*;

    fn report() -> Report {
        let options = Options::parse_from(["bench-server", "--server", "s", "--oidc-provider", "p"]);
        let mut report = Report::new(&options, Some(20_000));
        for (kind, per_s, mb) in [(Kind::Countersign, 50.0, 21.0), (Kind::Floor, 100.0, 10.0)] {
            report.of(kind).set("memory_logins_per_s", per_s);
            report.of(kind).set("rss_10000_waiting_mb", mb);
        }
        report.of(Kind::OidcProvider).set("memory_logins_per_s", 12_345.6);
        report
    }

    #[test]
    fn ratios_stand_beside_the_figures_and_a_short_row_says_so() {
        let text = report().markdown();
        assert!(text.contains("| 50 | 100 | 0.50 | 12,346 | at least 0.6 of the floor: short |"), "{text}");
        assert!(text.contains("| 21.0 | 10.0 | 2.10 | - | at most 2 times the floor: short |"), "{text}");
        assert!(!text.contains("PostgreSQL"), "rows nobody has a figure for are left out");
    }

    #[test]
    fn json_has_the_three_subjects_and_the_names_that_others_read() {
        let json = report().json();
        for subject in ["countersign", "floor", "oidc_provider"] {
            for name in ["cpu_ms_sqlite", "rss_5000_waiting_mb", "starts_per_s", "ready_ms", "approve_p99_ms"]
            {
                assert!(json[subject].get(name).is_some(), "{subject} {name}");
            }
        }
        assert_eq!(json["floor"]["rss_10000_waiting_mb"], json!(10.0));
        assert_eq!(json["limits_raised"]["COUNTERSIGN_LIMITS_LIVE_REQUESTS"], json!("1000000"));
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(figure(1_234_567.0, 0), "1,234,567");
        assert_eq!(figure(-999.95, 1), "-1,000.0");
        assert_eq!(figure(0.123, 2), "0.12");
    }
}
