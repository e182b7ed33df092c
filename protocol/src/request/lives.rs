use serde::{Deserialize, Serialize};

/// How long things live, in whole seconds. The defaults are the protocol's; tests on slow machines raise them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lives {
    /// From start to scan.
    pub waiting_s: i64,
    /// From scan to decision.
    pub scanned_s: i64,
    /// From approval to redeem.
    pub approved_s: i64,
    /// From a frame's issue to its last scan.
    pub frame_s: i64,
    /// Between two frames; at least `waiting_s / 255`, since the counter is one byte.
    pub frame_step_s: i64,
    /// How long a final record stays readable.
    pub final_s: i64,
}

impl Default for Lives {
    fn default() -> Self {
        Self { waiting_s: 300, scanned_s: 120, approved_s: 60, frame_s: 60, frame_step_s: 15, final_s: 300 }
    }
}
