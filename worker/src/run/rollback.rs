//! Back to what was live before: a generation that was kept goes live by the same transaction as rows from staging do, with
//! the views, grants and all else that hang on the tables now. What was live is kept in its place. No guard is asked: whoever
//! goes back knows why, and there are fewer rows, or older ones, by nature.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use manifest::dataset::Load;

use super::complete::{Complete, CompleteTable};
use super::derive::Basis;
use super::publishing::Release;
use super::{Accept, Done, Run, RunError};
use crate::ledger::{Ledger, TableCounts, Withdrawn};
use crate::postgres::Pool;
use crate::publish::Survey;
use crate::publish::generation::{self, Generation};
use crate::report::Fact;
use crate::staging::{Blueprint, Staging};
use crate::trouble::Trouble;

/// How long it may take to close a generation again that did not go live.
const SHUTTING: Duration = Duration::from_secs(5);

impl Run<'_> {
    /// Goes back so many generations, 1 to the last one.
    pub(super) async fn roll_back(&self, back: u8, ledger: &Ledger, pool: &Arc<Pool>) -> Result<Done, Trouble> {
        let dataset = self.described_by(self.dataset.schema.as_str(), pool).await?;
        let run = Run { dataset: &dataset, ..*self };
        let basis = self.within(run.basis(ledger, pool)).await?;
        Run { dataset: &basis.rehearsed.dataset, ..*self }.roll_described_back(back, &basis, ledger, pool).await
    }

    async fn roll_described_back(
        &self,
        back: u8,
        basis: &Basis,
        ledger: &Ledger,
        pool: &Arc<Pool>,
    ) -> Result<Done, Trouble> {
        // Rows that were written into a live table cannot be taken out again by a swap.
        if let Some(table) = self.dataset.tables.iter().find(|table| table.load != Load::Replace) {
            return Err(RunError::Merged { table: table.name.to_string() }.into());
        }
        let generation = self.within(self.generation(back, pool)).await?;
        let survey = self.survey(pool).await?;
        let blueprints = survey.blueprints()?;
        self.reporter.tell(&Fact::Restoring { run: generation.mark.run().to_string(), back });
        let roles = survey.staging_roles();
        let opening = Staging::of_generation(Arc::clone(pool), generation.schema.clone(), &roles);
        let staging = self.within(opening).await?;
        let restoring = async {
            let tables = self.within(self.take_back(&generation, &staging, ledger, &blueprints)).await?;
            let complete = self.restored(&generation, staging, tables, ledger).await?;
            let withdrawn = self.taken_back(ledger, &survey).await?;
            let (accept, accepted, views) = (Accept::Nothing, Vec::new(), &*basis.rehearsed.views);
            self.publish(ledger, complete, Release { accept, accepted, withdrawn, views }).await
        };
        let restored = restoring.await;
        if restored.is_err() {
            let _ = tokio::time::timeout(SHUTTING, Staging::shut(pool, &generation.schema, &roles)).await;
        }
        restored
    }

    /// The generation that is to go live, with all the dataset's tables.
    async fn generation(&self, back: u8, pool: &Pool) -> Result<Generation, Trouble> {
        let connection = pool.take().await?;
        let kept = generation::kept(&connection, &self.dataset.dataset).await?;
        pool.give_back(connection);
        let dataset = self.dataset.dataset.to_string();
        let count = kept.len();
        let Some(generation) = kept.into_iter().nth(usize::from(back.saturating_sub(1))) else {
            return Err(RunError::NoGeneration { dataset, kept: count, back }.into());
        };
        let mut expected: Vec<&str> = self.dataset.tables.iter().map(|table| table.name.as_str()).collect();
        expected.sort_unstable();
        let mut found: Vec<&str> = generation.tables.iter().map(String::as_str).collect();
        found.sort_unstable();
        if expected != found {
            let reason = format!("it has the tables {}", found.join(", "));
            return Err(RunError::GenerationUnfit { schema: generation.schema, reason }.into());
        }
        Ok(generation)
    }

    /// Makes its tables fit for what the manifest and the live tables are now, and finds out what is known of them.
    async fn take_back(
        &self,
        generation: &Generation,
        staging: &Staging,
        ledger: &Ledger,
        blueprints: &[Blueprint],
    ) -> Result<BTreeMap<String, CompleteTable>, Trouble> {
        for blueprint in blueprints {
            let connection = staging.pool().take().await?;
            if !staging.holds(&connection, blueprint).await? {
                let reason =
                    format!("its table {} has other columns, or another owner, than are live", blueprint.table);
                return Err(RunError::GenerationUnfit { schema: generation.schema.clone(), reason }.into());
            }
            staging.pool().give_back(connection);
        }
        let connection = staging.pool().take().await?;
        generation.drop_views(&connection, &self.dataset.dataset).await?;
        staging.pool().give_back(connection);
        ledger.inherit(generation.mark.run(), self.id).await?;
        let known = ledger.tables_of(self.id).await?;
        let mut tables = BTreeMap::new();
        for blueprint in blueprints {
            let duplicates = self.finish_table(staging, blueprint).await?;
            if let Some(error) = duplicates {
                return Err(error.into());
            }
            let name = blueprint.table.to_string();
            let counts = match known.get(&name) {
                Some(counts) => *counts,
                // It was there before any run of ours.
                None => TableCounts { rows: staging.count(blueprint).await?, ..TableCounts::default() },
            };
            tables.insert(name, CompleteTable { counts, places: None, duplicates: None });
        }
        Ok(tables)
    }

    /// The generation as rows that are complete.
    async fn restored(
        &self,
        generation: &Generation,
        staging: Staging,
        tables: BTreeMap<String, CompleteTable>,
        ledger: &Ledger,
    ) -> Result<Complete, Trouble> {
        let mark = generation.mark.clone();
        Ok(Complete {
            staging,
            tables,
            sources: ledger.sources_of(self.id).await?,
            making: mark.manifest().to_owned(),
            fingerprint: mark.fingerprint().unwrap_or_default().to_owned(),
            mark,
        })
    }

    /// What is live and goes; nothing is known of tables that somebody else put there.
    async fn taken_back(&self, ledger: &Ledger, survey: &Survey) -> Result<Option<Withdrawn>, Trouble> {
        let published = ledger.published(&self.dataset.dataset).await?;
        let taken_back = published.filter(|published| published.tables == survey.live_oids());
        Ok(taken_back.map(|published| Withdrawn {
            run: published.run,
            manifest: published.manifest,
            fingerprint: published.fingerprint,
        }))
    }
}
