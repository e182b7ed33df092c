//! The table, and the report for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::verdict::Judgement;

/// What came of all logins under one fault.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Logins that began and ended.
    pub(crate) tried: u64,
    /// How often the fault happened.
    pub(crate) injected: u64,
    /// Calls that were made again.
    pub(crate) repeated: u64,
    /// What a server should not say, and how often it did.
    pub(crate) notes: BTreeMap<String, u64>,
    pub(crate) judgement: Judgement,
}

/// All rows.
pub(crate) struct Report {
    /// How many had to be tried.
    logins: u64,
    rows: Vec<Row>,
}

/// The names of the columns.
pub(crate) fn head() -> String {
    line("fault", &["times", "tried", "done", "refused", "lost", "twice", "repeated"])
}

fn line(name: &str, cells: &[impl std::fmt::Display; 7]) -> String {
    cells.iter().fold(format!("{name:<22}"), |line, cell| format!("{line}{cell:>9}"))
}

impl Row {
    /// A line of the table.
    pub(crate) fn line(&self) -> String {
        let Judgement { done, refused, lost, twice, .. } = &self.judgement;
        line(self.name, &[self.injected, self.tried, *done, *refused, *lost, *twice, self.repeated])
    }

    /// Whether all is as it has to be: enough was tried, the fault happened, somebody signed in, nothing was lost.
    fn holds(&self, logins: u64) -> bool {
        let Judgement { done, lost, twice, .. } = self.judgement;
        self.tried >= logins && self.injected > 0 && done > 0 && lost == 0 && twice == 0
    }

    fn json(&self) -> Value {
        let Judgement { done, refused, lost, twice, reasons } = &self.judgement;
        let reasons: BTreeMap<_, _> = reasons.iter().chain(&self.notes).collect();
        json!({
            "name": self.name, "tried": self.tried, "done": done, "refused": refused, "lost": lost, "twice": twice,
            "injected": self.injected, "repeated": self.repeated, "reasons": reasons,
        })
    }
}

impl Report {
    /// An empty one for so many logins each.
    pub(crate) const fn new(logins: u64) -> Self {
        Self { logins, rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows are not as they have to be.
    pub(crate) fn failures(&self) -> usize {
        self.rows.iter().filter(|row| !row.holds(self.logins)).count()
    }

    /// Why logins were not done, by fault.
    pub(crate) fn reasons(&self) -> String {
        let mut lines = Vec::new();
        for row in &self.rows {
            for (reason, count) in row.judgement.reasons.iter().chain(&row.notes) {
                lines.push(format!("{:<22}{count:>9}  {reason}", row.name));
            }
        }
        lines.join("\n")
    }

    /// The last line.
    pub(crate) fn closing(&self) -> String {
        let broken = self.failures();
        format!("{} faults held, {broken} broken", self.rows.len() - broken)
    }

    pub(crate) fn json(&self) -> Value {
        json!({"faults": self.rows.iter().map(Row::json).collect::<Vec<_>>()})
    }
}
