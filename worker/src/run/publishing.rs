//! The publish of a run: what is complete in staging goes live, and that is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use manifest::run::TableRecord;

use super::complete::Complete;
use super::{Accept, Done, Run, RunError};
use crate::ledger::{Ledger, Publication, Withdrawn};
use crate::postgres::Pool;
use crate::publish::merge::{Drops, Merged, Size, Terms};
use crate::publish::{self, DeclaredView, Lagging, Publish, Termination, generation};
use crate::report::Fact;
use crate::staging::Extent;
use crate::trouble::Trouble;

/// How long a run that is asked to stop while it publishes may go on: Fargate kills 30 seconds after it asks.
const LAST_GRACE: Duration = Duration::from_secs(20);

/// What is to be remembered of a publish besides what went live.
#[derive(Debug)]
pub(super) struct Release<'a> {
    /// What a person lets pass.
    pub(super) accept: Accept,
    /// What did not hold of the rows and was let pass, in words.
    pub(super) accepted: Vec<String>,
    /// What is taken back by it.
    pub(super) withdrawn: Option<Withdrawn>,
    /// The dataset's views.
    pub(super) views: &'a [DeclaredView],
}

impl Run<'_> {
    /// Publishes and clears staging. Past the deadline staging stays as it is.
    pub(super) async fn publish(
        &self,
        ledger: &Ledger,
        complete: Complete,
        release: Release<'_>,
    ) -> Result<Done, Trouble> {
        let Complete { staging, tables, sources, making, fingerprint, mark } = complete;
        let Release { accept, mut accepted, withdrawn, views } = release;
        let publication = Publication {
            run: self.id,
            dataset: self.dataset.dataset.clone(),
            scheduled_time: self.settings.scheduled_time,
            manifest: making,
            fingerprint,
            sources,
            withdrawn,
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
            for termination in &miss.terminations {
                self.reporter.tell(&match termination {
                    Termination::Ended(blocker) => Fact::Terminated { session: blocker.to_string() },
                    Termination::Denied { blocker, grant } => Fact::Notice {
                        detail: format!("{blocker} may not be ended by us; have a superuser run: {grant}"),
                    },
                });
            }
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
        published.notices.into_iter().for_each(|detail| self.reporter.tell(&Fact::Notice { detail }));
        let lock_ms = published.locked.as_secs_f64() * 1e3;
        // The rows are live: what is only nice to know may be lost.
        let _ = ledger.measured(self.id, lock_ms).await;
        if self.dataset.generations.kept() == 0 {
            let _ = self.drop_generations(staging.pool(), 0).await;
        }
        let pool = Arc::clone(staging.pool());
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
        for lagging in &published.lagging {
            self.refresh(lagging, ledger, &pool).await;
        }
        Ok(Done::Published { tables, accepted, lock_ms })
    }

    /// Drops all but so many of the newest generations.
    pub(super) async fn drop_generations(&self, pool: &Pool, keep: u8) -> Result<(), Trouble> {
        let connection = pool.take().await?;
        generation::drop_beyond(&connection, &self.dataset.dataset, keep).await?;
        pool.give_back(connection);
        Ok(())
    }

    /// Refreshes a materialized view, or tells why not: the rows are live all the same, and the next run tries again.
    pub(super) async fn refresh(&self, lagging: &Lagging, ledger: &Ledger, pool: &Pool) {
        let refreshed = tokio::select! {
            refreshed = tokio::time::timeout_at(self.deadline, lagging.refresh(ledger, pool)) => match refreshed {
                Ok(refreshed) => refreshed.map_err(|stays| stays.to_string()),
                Err(_) => Err("the run's time was over".to_owned()),
            },
            () = self.stop.cancelled() => Err("the run was stopped".to_owned()),
        };
        let view = lagging.described.clone();
        self.reporter.tell(&match refreshed {
            Ok(took) => Fact::Refreshed { view, seconds: took.as_secs_f64() },
            Err(detail) => Fact::Stale { view, detail },
        });
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
