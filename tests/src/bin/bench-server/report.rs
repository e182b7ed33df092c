//! The table and the JSON object.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::Options;
use crate::subject::{Kind, RAISED};

/// Everything measured of one subject.
#[derive(Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) memory_logins_per_s: f64,
    pub(crate) sqlite_logins_per_s: f64,
    pub(crate) cpu_ms_memory: f64,
    pub(crate) cpu_ms_sqlite: f64,
    pub(crate) approve_p50_ms: f64,
    pub(crate) approve_p99_ms: f64,
    pub(crate) approve_waiting_p50_ms: f64,
    pub(crate) approve_waiting_p99_ms: f64,
    pub(crate) rss_idle_mb: f64,
    pub(crate) rss_waiting_mb: f64,
    pub(crate) kb_per_waiting: f64,
    pub(crate) starts_per_s: f64,
    pub(crate) ready_ms: f64,
}

type Row = (String, fn(&Figures) -> f64);

/// Ours beside the floor.
pub(crate) struct Report {
    waiting: u32,
    at_once: u32,
    ours: Figures,
    floor: Figures,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Self {
        let (ours, floor) = (Figures::default(), Figures::default());
        Self { waiting: options.waiting, at_once: options.at_once, ours, floor }
    }

    pub(crate) fn set(&mut self, kind: Kind, figures: Figures) {
        match kind {
            Kind::Countersign => self.ours = figures,
            Kind::Floor => self.floor = figures,
        }
    }

    /// Rows of ours, floor and their ratio.
    pub(crate) fn table(&self) -> String {
        let mut out = format!("{:<44} {:>12} {:>12} {:>8}\n", "", "countersign", "floor", "ratio");
        for (name, get) in self.rows() {
            let (ours, floor) = (get(&self.ours), get(&self.floor));
            let ratio = if floor == 0.0 { "-".to_owned() } else { format!("{:.2}", ours / floor) };
            let _ = writeln!(out, "{name:<44} {ours:>12.2} {floor:>12.2} {ratio:>8}");
        }
        out += "\nLimits raised for one address:";
        for (name, value) in RAISED {
            let _ = write!(out, " {name}={value}");
        }
        out
    }

    pub(crate) fn json(&self) -> Value {
        let raised: serde_json::Map<_, _> =
            RAISED.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({"countersign": self.ours.json(self.waiting), "floor": self.floor.json(self.waiting), "limits_raised": raised})
    }

    fn rows(&self) -> Vec<Row> {
        let (at_once, waiting) = (self.at_once, self.waiting);
        vec![
            (format!("whole logins/s, {at_once} at once, memory"), |f| f.memory_logins_per_s),
            (format!("whole logins/s, {at_once} at once, SQLite"), |f| f.sqlite_logins_per_s),
            ("server CPU ms a login, memory".to_owned(), |f| f.cpu_ms_memory),
            ("server CPU ms a login, SQLite".to_owned(), |f| f.cpu_ms_sqlite),
            ("approve to signed in, ms p50".to_owned(), |f| f.approve_p50_ms),
            ("approve to signed in, ms p99".to_owned(), |f| f.approve_p99_ms),
            (format!("the same while {waiting} wait, ms p50"), |f| f.approve_waiting_p50_ms),
            (format!("the same while {waiting} wait, ms p99"), |f| f.approve_waiting_p99_ms),
            ("memory idle, MB".to_owned(), |f| f.rss_idle_mb),
            (format!("memory with {waiting} waiting, MB"), |f| f.rss_waiting_mb),
            ("memory of one waiting page, KB".to_owned(), |f| f.kb_per_waiting),
            ("starts with a waiting socket/s".to_owned(), |f| f.starts_per_s),
            ("ready after start, ms".to_owned(), |f| f.ready_ms),
        ]
    }
}

impl Figures {
    fn json(&self, waiting: u32) -> Value {
        let mut object = json!({
            "memory_logins_per_s": self.memory_logins_per_s,
            "sqlite_logins_per_s": self.sqlite_logins_per_s,
            "cpu_ms_memory": self.cpu_ms_memory,
            "cpu_ms_sqlite": self.cpu_ms_sqlite,
            "approve_p50_ms": self.approve_p50_ms,
            "approve_p99_ms": self.approve_p99_ms,
            "approve_waiting_p50_ms": self.approve_waiting_p50_ms,
            "approve_waiting_p99_ms": self.approve_waiting_p99_ms,
            "rss_idle_mb": self.rss_idle_mb,
            "kb_per_waiting": self.kb_per_waiting,
            "starts_per_s": self.starts_per_s,
            "ready_ms": self.ready_ms,
        });
        object[format!("rss_{waiting}_waiting_mb")] = json!(self.rss_waiting_mb);
        object
    }
}
