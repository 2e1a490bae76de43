//! The publish of a run: what is complete in staging goes live, and that is told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::complete::Complete;
use super::{Done, Run, RunError};
use crate::ledger::{Ledger, Publication};
use crate::publish::{self, Publish};
use crate::report::Fact;
use crate::trouble::Trouble;

/// How long a run that is asked to stop while it publishes may go on: Fargate kills 30 seconds after it asks.
const LAST_GRACE: Duration = Duration::from_secs(20);

impl Run<'_> {
    /// Publishes and clears staging. Past the deadline staging stays as it is.
    pub(super) async fn publish(
        &self,
        ledger: &Ledger,
        complete: Complete,
        accepted: Vec<String>,
    ) -> Result<Done, Trouble> {
        let Complete { staging, tables, sources, fingerprint, extent: _ } = complete;
        let publication = Publication {
            run: self.id,
            dataset: self.dataset.dataset.clone(),
            scheduled_time: self.settings.scheduled_time,
            manifest: self.making.to_owned(),
            fingerprint,
            sources,
            withdrawn: None,
        };
        let rows: BTreeMap<String, u64> =
            tables.iter().map(|(name, table)| (name.clone(), table.counts.rows)).collect();
        let publish = Publish {
            dataset: self.dataset,
            staging: &staging,
            publication: &publication,
            rows: &rows,
            deadline: self.deadline,
        };
        let missed = |miss: &publish::Miss| {
            let by: Vec<_> = miss.blockers.iter().map(ToString::to_string).collect();
            self.reporter.tell(&Fact::Blocked { attempt: miss.attempt, by: by.join("; ") });
        };
        let publishing = publish.run(ledger, missed);
        let too_late = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_GRACE).await;
        };
        let published = tokio::select! {
            published = publishing => published?,
            () = too_late => return Err(RunError::Stopped.into()),
        };
        let lock_ms = published.locked.as_secs_f64() * 1e3;
        // The rows are live: what is only nice to know may be lost.
        let _ = ledger.measured(self.id, lock_ms).await;
        let _ = staging.clear().await;
        self.reporter.tell(&Fact::Published { tables: rows.len(), rows: rows.values().sum(), lock_ms });
        let tables = tables.iter().map(|(name, table)| (name.clone(), table.counts.record())).collect();
        Ok(Done::Published { tables, accepted, lock_ms })
    }
}
