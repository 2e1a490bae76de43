//! The publish of a run: what is complete in staging goes live, and that is told.

use std::collections::BTreeMap;
use std::time::Duration;

use manifest::run::TableRecord;

use super::complete::Complete;
use super::{Accept, Done, Run, RunError};
use crate::ledger::{Ledger, Publication};
use crate::publish::merge::{Drops, Merged, Size, Terms};
use crate::publish::{self, DeclaredView, Publish};
use crate::report::Fact;
use crate::staging::Extent;
use crate::trouble::Trouble;

/// How long a run that is asked to stop while it publishes may go on: Fargate kills 30 seconds after it asks.
const LAST_GRACE: Duration = Duration::from_secs(20);

impl Run<'_> {
    /// Publishes and clears staging. Past the deadline staging stays as it is.
    pub(super) async fn publish(
        &self,
        ledger: &Ledger,
        complete: Complete,
        accept: Accept,
        mut accepted: Vec<String>,
        views: &[DeclaredView],
    ) -> Result<Done, Trouble> {
        let Complete { staging, tables, sources, fingerprint, mark } = complete;
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
            terms: terms(accept, mark.extent()),
            views,
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
            published = publishing => published.map_err(|error| self.refused(error, staging.schema()))?,
            () = too_late => return Err(RunError::Stopped.into()),
        };
        let lock_ms = published.locked.as_secs_f64() * 1e3;
        // The rows are live: what is only nice to know may be lost.
        let _ = ledger.measured(self.id, lock_ms).await;
        let _ = staging.clear().await;
        let mut tables: BTreeMap<String, TableRecord> =
            tables.iter().map(|(name, table)| (name.clone(), table.counts.record())).collect();
        for (name, merged) in &published.merged {
            let let_pass = self.tell_merged(name.as_str(), merged, accept);
            accepted.extend(let_pass);
            if let Some(table) = tables.get_mut(name.as_str()) {
                (table.rows, table.changes) = (merged.rows, Some(merged.changes));
            }
        }
        if !published.merged.is_empty() && !accepted.is_empty() {
            let _ = ledger.accepted(self.id, &accepted.join("; ")).await;
        }
        let rows = tables.values().map(|table| table.rows).sum();
        self.reporter.tell(&Fact::Published { tables: tables.len(), rows, lock_ms });
        Ok(Done::Published { tables, accepted, lock_ms })
    }

    /// Tells what a merge did, and gives what it did although a limit was against it, in words.
    fn tell_merged(&self, table: &str, merged: &Merged, accept: Accept) -> Vec<String> {
        let mut accepted = Vec::new();
        for finding in &merged.told {
            let (table, detail) = (table.to_owned(), finding.to_string());
            if finding.is_drop() && accept == Accept::Drop {
                accepted.push(detail.clone());
                self.reporter.tell(&Fact::Accepted { table, detail });
            } else {
                self.reporter.tell(&Fact::Expectation { table, detail });
            }
        }
        let (changes, seconds) = (merged.changes, merged.elapsed.as_secs_f64());
        self.reporter.tell(&Fact::Merged { table: table.to_owned(), changes, seconds });
        accepted
    }

    /// What a merge would have made of a table is refused as rows in staging are.
    fn refused(&self, error: publish::Error, schema: &str) -> Trouble {
        match error {
            publish::Error::Guard { findings: breaches } => {
                let (dataset, schema) = (self.dataset.dataset.to_string(), schema.to_owned());
                RunError::Guard { breaches, dataset, schema }.into()
            }
            error => error.into(),
        }
    }
}

fn terms(accept: Accept, extent: Extent) -> Terms {
    Terms {
        drops: match accept {
            Accept::Nothing => Drops::Limited,
            Accept::Drop => Drops::Accepted,
        },
        size: match extent {
            Extent::Whole => Size::Enforced,
            Extent::Sample => Size::Told,
        },
    }
}
