//! What sites of several sizes need, computed from what was measured.

use std::fmt::Write as _;

use crate::report::{Report, figure};
use crate::subject::Kind;

/// Share of a core that is planned for; the rest is for bursts, and for what was not measured.
const BUSY: f64 = 0.6;
/// Cores of a node.
const CORES: f64 = 2.0;
/// Memory of a node that waiting pages may take, in KB.
const NODE_KB: f64 = 2.0 * 1_024.0 * 1_024.0;
/// A waiting page gets a new frame each so many seconds (docs/protocol.md).
const FRAME_S: f64 = 15.0;
/// A page waits so long at most, in seconds (docs/protocol.md).
const WAIT_S: f64 = 300.0;
const NODES: f64 = 10.0;
const PAGES: f64 = 1_000_000.0;
const KB_A_GB: f64 = 1_024.0 * 1_024.0;

/// What one thing costs; CPU in milliseconds, memory in KB.
struct Costs {
    login_file_ms: f64,
    login_shared_ms: f64,
    database_ms: f64,
    redis_ms: f64,
    start_ms: f64,
    frame_ms: f64,
    frame_bytes: f64,
    page_kb: f64,
    kernel_kb: f64,
    redis_page_kb: f64,
}

/// What follows for a site.
#[derive(Debug)]
struct Plan {
    /// Logins a second that the CPU of one node on SQLite makes.
    one_node_logins: f64,
    /// Waiting pages that one node has memory for.
    node_pages_memory: f64,
    /// Waiting pages whose frames the CPU of one node renews when it does nothing else.
    node_pages_cpu: f64,
    /// Logins a second that ten nodes make.
    ten_nodes_logins: f64,
    /// Cores that PostgreSQL needs for these.
    database_cores: f64,
    /// Logins a second that one Redis makes: it works on one core.
    redis_logins: f64,
    frames_per_s: f64,
    frame_cores: f64,
    starts_per_s: f64,
    start_cores: f64,
    nodes_for_pages: f64,
    pages_gb: f64,
    redis_gb: f64,
    mb_per_s: f64,
}

impl Costs {
    fn of(report: &Report) -> Option<Self> {
        let get = |name| report.get(Kind::Countersign, name);
        Some(Self {
            login_file_ms: get("cpu_ms_sqlite")?,
            login_shared_ms: get("cpu_ms_postgres")?,
            database_ms: get("database_cpu_ms")?,
            redis_ms: get("redis_cpu_ms")?,
            start_ms: get("cpu_ms_start")?,
            frame_ms: get("cpu_ms_per_frame")?,
            frame_bytes: get("bytes_per_frame")?,
            page_kb: get("kb_per_waiting")?,
            kernel_kb: get("kernel_kb_per_waiting")?,
            redis_page_kb: get("redis_kb_per_waiting")?,
        })
    }

    fn plan(&self) -> Plan {
        let node_ms = CORES * BUSY * 1_000.0;
        let each_kb = self.page_kb + self.kernel_kb;
        let (frames_per_s, starts_per_s) = (PAGES / FRAME_S, PAGES / WAIT_S);
        let (frame_cores, start_cores) =
            (frames_per_s * self.frame_ms / 1_000.0, starts_per_s * self.start_ms / 1_000.0);
        let ten_nodes_logins = NODES * node_ms / self.login_shared_ms;
        let by_cpu = (frame_cores + start_cores) / (CORES * BUSY);
        Plan {
            one_node_logins: node_ms / self.login_file_ms,
            node_pages_memory: NODE_KB / each_kb,
            node_pages_cpu: node_ms / self.frame_ms * FRAME_S,
            ten_nodes_logins,
            database_cores: ten_nodes_logins * self.database_ms / 1_000.0 / BUSY,
            redis_logins: BUSY * 1_000.0 / self.redis_ms,
            frames_per_s,
            frame_cores,
            starts_per_s,
            start_cores,
            nodes_for_pages: by_cpu.max(PAGES * each_kb / NODE_KB).ceil(),
            pages_gb: PAGES * each_kb / KB_A_GB,
            redis_gb: PAGES * self.redis_page_kb / KB_A_GB,
            mb_per_s: frames_per_s * self.frame_bytes / 1_000_000.0,
        }
    }
}

/// `None` when a figure that it needs was not measured: it takes a PostgreSQL and a Redis that the bench starts.
pub(crate) fn markdown(report: &Report) -> Option<String> {
    let costs = Costs::of(report)?;
    Some(text(&costs, &costs.plan()))
}

fn text(costs: &Costs, plan: &Plan) -> String {
    let mut out = format!(
        "A node is {CORES:.0} cores as above and 2 GB for waiting pages; {:.0} % of a core is planned for.\n\n\
         | one of these | costs | named |\n|---|--:|---|\n",
        BUSY * 100.0
    );
    let rows = [
        ("login, node on SQLite", costs.login_file_ms, 2, "ms of CPU", "S"),
        ("login, node on PostgreSQL and Redis", costs.login_shared_ms, 2, "ms of CPU", "N"),
        ("the same login in PostgreSQL", costs.database_ms, 2, "ms of CPU", "D"),
        ("the same login in Redis", costs.redis_ms, 3, "ms of CPU", "R"),
        ("start of a page with its socket", costs.start_ms, 2, "ms of CPU", "A"),
        ("new frame for a waiting page", costs.frame_ms, 3, "ms of CPU", "F"),
        ("message with a new frame", costs.frame_bytes, 0, "bytes", "B"),
        ("waiting page in the node", costs.page_kb, 1, "KB", "M"),
        ("its socket in the kernel", costs.kernel_kb, 1, "KB", "K"),
        ("waiting page in Redis", costs.redis_page_kb, 1, "KB", "Q"),
    ];
    for (what, cost, decimals, unit, name) in rows {
        let _ = writeln!(out, "| {what} | {} {unit} | {name} |", figure(cost, decimals));
    }
    let whole = |value| figure(value, 0);
    let redis_holds = plan.redis_logins >= plan.ten_nodes_logins;
    let _ = write!(
        out,
        "\n**One node, SQLite.** Its CPU makes {CORES:.0} x {BUSY} / S = {} logins a second; the table above says what came \
         out with the clients on the same cores. 2 GB hold 2 GB / (M + K) = {} waiting pages; their frames need \
         F / {FRAME_S:.0} s each, so {CORES:.0} x {BUSY} x {FRAME_S:.0} s / F = {} pages if the node did nothing else.\n",
        whole(plan.one_node_logins),
        whole(plan.node_pages_memory),
        whole(plan.node_pages_cpu),
    );
    let _ = write!(
        out,
        "\n**Ten nodes, PostgreSQL and Redis.** Their CPU makes 10 x {CORES:.0} x {BUSY} / N = {} logins a second. \
         PostgreSQL needs {} cores for that (logins x D / {BUSY}). One Redis works on one core and makes {BUSY} / R = {} \
         logins a second: {}.\n",
        whole(plan.ten_nodes_logins),
        whole(plan.database_cores.ceil()),
        whole(plan.redis_logins),
        if redis_holds { "enough" } else { "it is the limit before the nodes are" },
    );
    let _ = write!(
        out,
        "\n**A million waiting pages.** Each gets a frame in {FRAME_S:.0} s: {} frames a second, {:.1} cores (x F) and {} MB/s \
         (x B, without headers and TLS). Each waits {WAIT_S:.0} s at most, so at least {} start in a second: {:.1} cores (x A). \
         Memory is {:.1} GB of nodes and kernels (M + K) and {:.1} GB of Redis (Q). Together {} nodes. A node that is \
         restarted sends its share to the others: at the rate of starts above, which do more than a page that comes back, \
         {} pages are back after {:.0} s on each of the others.\n",
        whole(plan.frames_per_s),
        plan.frame_cores,
        whole(plan.mb_per_s),
        whole(plan.starts_per_s),
        plan.start_cores,
        plan.pages_gb,
        plan.redis_gb,
        whole(plan.nodes_for_pages),
        whole(PAGES / plan.nodes_for_pages),
        PAGES / plan.nodes_for_pages * costs.start_ms
            / 1_000.0
            / (BUSY * CORES * (plan.nodes_for_pages - 1.0).max(1.0)),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const COSTS: Costs = Costs {
        login_file_ms: 0.6,
        login_shared_ms: 1.2,
        database_ms: 0.3,
        redis_ms: 0.1,
        start_ms: 0.3,
        frame_ms: 0.09,
        frame_bytes: 750.0,
        page_kb: 6.0,
        kernel_kb: 2.0,
        redis_page_kb: 1.0,
    };

    fn near(value: f64, expected: f64) -> bool {
        (value - expected).abs() < expected / 1_000.0
    }

    #[test]
    fn needs_follow_from_costs() {
        let plan = COSTS.plan();
        assert!(near(plan.one_node_logins, 2_000.0), "{plan:?}");
        assert!(near(plan.ten_nodes_logins, 10_000.0), "{plan:?}");
        assert!(near(plan.database_cores, 5.0), "{plan:?}");
        assert!(near(plan.redis_logins, 6_000.0), "{plan:?}");
        assert!(near(plan.frame_cores, 6.0), "{plan:?}");
        assert!(near(plan.start_cores, 1.0), "{plan:?}");
        assert!(near(plan.mb_per_s, 50.0), "{plan:?}");
        assert!(near(plan.nodes_for_pages, 6.0), "{plan:?}");
        assert!(near(plan.node_pages_memory, 262_144.0), "{plan:?}");
    }

    #[test]
    fn the_limit_is_named() {
        let said = text(&COSTS, &COSTS.plan());
        assert!(said.contains("it is the limit before the nodes are"), "{said}");
    }
}
