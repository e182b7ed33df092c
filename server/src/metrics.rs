//! Figures in the text form of Prometheus, on a listener of their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};

use crate::counts;

/// Upper ends of the buckets of call durations, in seconds.
const BUCKETS_S: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// All figures that this node counts itself.
#[derive(Debug, Default)]
pub struct Metrics {
    calls: Mutex<BTreeMap<Call, Durations>>,
    panics: AtomicU64,
}

/// A figure that is read when somebody asks.
#[derive(Debug, Clone, Copy)]
pub struct Gauge {
    /// Its name without the prefix, as in `sockets_open`.
    pub name: &'static str,
    /// What it is, one sentence.
    pub help: &'static str,
    /// How many.
    pub value: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    route: String,
    method: String,
    status: u16,
}

#[derive(Debug, Default)]
struct Durations {
    buckets: [u64; BUCKETS_S.len()],
    count: u64,
    sum_s: f64,
}

impl Metrics {
    /// Counts one call that was answered. `route` is one of the router's patterns, so their number is small.
    pub fn call(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let call = Call {
            route: route.to_owned(),
            method: known_method(method).to_owned(),
            status: status.as_u16(),
        };
        let took_s = took.as_secs_f64();
        // Counters stay usable after a panic elsewhere.
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let durations = calls.entry(call).or_default();
        for (bucket, end_s) in durations.buckets.iter_mut().zip(BUCKETS_S) {
            *bucket += u64::from(took_s <= end_s);
        }
        durations.count += 1;
        durations.sum_s += took_s;
    }

    /// Counts a handler that panicked.
    pub fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// All figures as text (Prometheus exposition format 0.0.4).
    pub fn render(&self, gauges: &[Gauge]) -> String {
        let mut out = String::new();
        self.render_calls(&mut out);
        let panics = self.panics.load(Ordering::Relaxed);
        metric(&mut out, "panics_total", "counter", "Handlers that panicked.", panics);
        counts::render(&mut out);
        for gauge in gauges {
            metric(&mut out, gauge.name, "gauge", gauge.help, gauge.value);
        }
        if let Some(bytes) = resident_bytes() {
            let _ = writeln!(
                out,
                "# HELP process_resident_memory_bytes Resident memory size in bytes.\n\
                 # TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {bytes}"
            );
        }
        let _ = writeln!(
            out,
            "# HELP countersign_build_info What runs here.\n# TYPE countersign_build_info gauge\n\
             countersign_build_info{{version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        );
        out
    }

    fn render_calls(&self, out: &mut String) {
        const NAME: &str = "countersign_http_request_duration_seconds";
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(out, "# HELP {NAME} Calls by route, method and status.\n# TYPE {NAME} histogram");
        for (Call { route, method, status }, durations) in &*calls {
            let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
            for (count, end_s) in durations.buckets.iter().zip(BUCKETS_S) {
                let _ = writeln!(out, "{NAME}_bucket{{{labels},le=\"{end_s}\"}} {count}");
            }
            let _ = writeln!(out, "{NAME}_bucket{{{labels},le=\"+Inf\"}} {}", durations.count);
            let _ = writeln!(out, "{NAME}_sum{{{labels}}} {:.6}", durations.sum_s);
            let _ = writeln!(out, "{NAME}_count{{{labels}}} {}", durations.count);
        }
    }
}

/// Made-up methods share one name, so that nobody fills the memory with them.
fn known_method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "other",
    }
}

fn metric(out: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    let _ = writeln!(
        out,
        "# HELP countersign_{name} {help}\n# TYPE countersign_{name} {kind}\ncountersign_{name} {value}"
    );
}

/// Memory of this process that is in use; `None` where the system does not say.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_in_every_bucket_they_fit() {
        let metrics = Metrics::default();
        for took_ms in [1, 4, 9_000] {
            metrics.call(&Method::GET, "/api/session", StatusCode::OK, Duration::from_millis(took_ms));
        }
        let text = metrics.render(&[Gauge { name: "sockets_open", help: "Open WebSockets.", value: 7 }]);
        let labels = "route=\"/api/session\",method=\"GET\",status=\"200\"";
        for line in [
            format!("countersign_http_request_duration_seconds_bucket{{{labels},le=\"0.001\"}} 1"),
            format!("countersign_http_request_duration_seconds_bucket{{{labels},le=\"0.005\"}} 2"),
            format!("countersign_http_request_duration_seconds_bucket{{{labels},le=\"5\"}} 2"),
            format!("countersign_http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 3"),
            format!("countersign_http_request_duration_seconds_sum{{{labels}}} 9.005000"),
            "countersign_sockets_open 7".to_owned(),
        ] {
            assert!(text.contains(&line), "{line} in {text}");
        }
    }

    #[test]
    fn the_dashboard_asks_for_nothing_else() {
        let metrics = Metrics::default();
        metrics.call(&Method::GET, "other", StatusCode::OK, Duration::ZERO);
        let gauge = |name| Gauge { name, help: "As it is.", value: 0 };
        let text = metrics.render(&["sockets_open", "redis_connected", "postgres_connections"].map(gauge));
        let dashboard: serde_json::Value =
            serde_json::from_str(include_str!("../../deploy/grafana.json")).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
        let mut asked = 0;
        for target in targets {
            let words = target["expr"].as_str().unwrap().split(|c: char| !c.is_alphanumeric() && c != '_');
            for name in words.filter(|word| word.starts_with("countersign_") || word.starts_with("process_"))
            {
                assert!(text.contains(&format!("\n{name}")), "{name} is not in {text}");
                asked += 1;
            }
        }
        assert!(asked > panels.len(), "{asked} names in {} panels", panels.len());
    }

    #[test]
    fn a_made_up_method_gets_no_series_of_its_own() {
        let metrics = Metrics::default();
        for method in ["ONE", "TWO"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            metrics.call(&method, "other", StatusCode::NOT_FOUND, Duration::ZERO);
        }
        assert!(metrics.render(&[]).contains("method=\"other\",status=\"404\"} 2"));
    }
}
