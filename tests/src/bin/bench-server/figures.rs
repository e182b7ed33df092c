//! What was measured of one subject, by the names of the JSON object.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::statistics::Times;

/// Figures that the JSON object always names; null where a subject cannot do that.
const ALWAYS: &[&str] = &[
    "memory_logins_per_s",
    "sqlite_logins_per_s",
    "cpu_ms_memory",
    "cpu_ms_sqlite",
    "approve_p50_ms",
    "approve_p99_ms",
    "rss_idle_mb",
    "rss_5000_waiting_mb",
    "rss_10000_waiting_mb",
    "starts_per_s",
    "ready_ms",
];

/// Figures by name; the unit is in the name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(BTreeMap<String, f64>);

impl Figures {
    pub(crate) fn set(&mut self, name: impl Into<String>, value: f64) {
        self.0.insert(name.into(), value);
    }

    /// `NAME_p50_ms` and `NAME_p99_ms`.
    pub(crate) fn set_times(&mut self, name: &str, times: Times) {
        self.set(format!("{name}_p50_ms"), times.p50_ms);
        self.set(format!("{name}_p99_ms"), times.p99_ms);
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn json(&self) -> Value {
        let mut object: Map<String, Value> =
            ALWAYS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        object.extend(self.0.iter().map(|(name, value)| (name.clone(), json!(value))));
        Value::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_null_and_the_rest_keeps_its_name() {
        let mut figures = Figures::default();
        figures.set("memory_logins_per_s", 4_000.0);
        figures.set_times("approve", Times { p50_ms: 0.5, p99_ms: 2.0 });
        let json = figures.json();
        assert_eq!(json["memory_logins_per_s"], json!(4_000.0));
        assert_eq!(json["approve_p99_ms"], json!(2.0));
        let object = json.as_object().map(serde_json::Map::len);
        assert_eq!(object, Some(ALWAYS.len()));
        assert!(json["sqlite_logins_per_s"].is_null() && json["rss_10000_waiting_mb"].is_null());
    }
}
