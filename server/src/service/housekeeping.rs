use super::{Failure, Service};
use crate::store::Keep;

const DAY_S: i64 = 86_400;

impl Service {
    /// Lets go of what is over and anchors the audit chains. Safe on any number of nodes at once; everything is right
    /// without it too.
    ///
    /// # Errors
    /// [`Failure::Store`]; the next sweep makes up for it.
    pub async fn housekeep(&self) -> Result<(), Failure> {
        let now = self.now();
        let retention = &self.settings.retention;
        let keep = Keep {
            sessions: self.session_lives,
            ended_sessions_s: i64::from(retention.sessions_days) * DAY_S,
            activity_s: i64::from(retention.activity_days) * DAY_S,
        };
        self.short_lived.sweep(now).await?;
        let swept = self.durable.sweep(&keep, now).await?;
        let anchored = self.durable.anchor(now).await?;
        self.tend_signing_keys().await?;
        tracing::debug!(
            expired_sessions = swept.expired_sessions,
            rows = swept.rows,
            anchored,
            "Housekeeping done"
        );
        Ok(())
    }
}
