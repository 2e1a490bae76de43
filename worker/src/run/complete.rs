//! Rows that stand complete in staging, whoever loaded them, with all that is to be known of them. What a run loads becomes
//! this, and what an earlier run left does again.

use std::collections::BTreeMap;
use std::sync::Arc;

use manifest::Dataset;

use super::{Run, RunError};
use crate::ledger::{Ledger, SourceState, TableCounts};
use crate::postgres::Pool;
use crate::publish::Survey;
use crate::reading::RowPlaces;
use crate::report::Fact;
use crate::staging::{self, Blueprint, Extent, Mark, Staging};
use crate::trouble::Trouble;

/// Rows that stand complete in staging.
pub(super) struct Complete {
    /// Where.
    pub(super) staging: Staging,
    /// By name.
    pub(super) tables: BTreeMap<String, CompleteTable>,
    /// What the sources said about themselves.
    pub(super) sources: Vec<SourceState>,
    /// Hash of what of the manifest made the rows.
    pub(super) making: String,
    /// What the rows were made from, as one text.
    pub(super) fingerprint: String,
    /// What they say about themselves: whether they are all that there is, and the files that they came from.
    pub(super) mark: Mark,
}

/// A table that is complete in staging.
pub(super) struct CompleteTable {
    pub(super) counts: TableCounts,
    /// The lines that its rows came from, where this run has read them.
    pub(super) places: Option<RowPlaces>,
    /// Why its keys could not be built, where they could not.
    pub(super) duplicates: Option<staging::Error>,
}

/// What an earlier run left in staging, as far as its mark and the ledger tell.
pub(super) struct Kept {
    mark: Mark,
    tables: BTreeMap<String, TableCounts>,
    pub(super) sources: Vec<SourceState>,
}

/// Why what is in staging is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// There is nothing.
    Absent,
    /// The run that loaded it did not come to its end.
    Incomplete,
    /// The bytes that it was made from are not in the archive that the manifest requires.
    Unarchived,
    /// It was made by another manifest, or for a live table that was another then.
    Otherwise,
}

impl Kept {
    /// From what its rows were made, as one text.
    pub(super) fn fingerprint(&self) -> &str {
        self.mark.fingerprint().unwrap_or_default()
    }

    /// How much of what there is.
    pub(super) fn extent(&self) -> Extent {
        self.mark.extent()
    }

    /// The dataset without the tables that were left out when it was loaded.
    pub(super) fn narrow(&self, dataset: &Dataset) -> Dataset {
        let mut narrowed = dataset.clone();
        narrowed.tables.retain(|table| self.tables.contains_key(table.name.as_str()));
        if narrowed.tables.len() < dataset.tables.len() {
            // What SQL makes of the tables, it makes of all of them.
            narrowed.views.clear();
            narrowed.after.clear();
        }
        narrowed
    }

    /// Whether it is all tables of a dataset and no others.
    pub(super) fn is_all_of(&self, dataset: &Dataset) -> bool {
        dataset.tables.len() == self.tables.len() && self.narrow(dataset).tables.len() == self.tables.len()
    }
}

impl Run<'_> {
    /// What an earlier run left.
    pub(super) async fn kept(&self, ledger: &Ledger, pool: &Pool) -> Result<Result<Kept, Unfit>, Trouble> {
        let Some(mark) = Staging::left(pool, &self.dataset.dataset).await? else { return Ok(Err(Unfit::Absent)) };
        if mark.fingerprint().is_none() {
            return Ok(Err(Unfit::Incomplete));
        }
        if mark.manifest() != self.making {
            return Ok(Err(Unfit::Otherwise));
        }
        if self.requires_archive() && !ledger.is_archived(mark.run()).await? {
            return Ok(Err(Unfit::Unarchived));
        }
        let (tables, sources) = (ledger.tables_of(mark.run()).await?, ledger.sources_of(mark.run()).await?);
        Ok(Ok(Kept { mark, tables, sources }))
    }

    /// Makes it this run's own, keys and indexes included. `extent` is what this run takes it for.
    pub(super) async fn take_up(
        &self,
        kept: Kept,
        extent: Extent,
        ledger: &Ledger,
        pool: &Arc<Pool>,
        survey: &Survey,
        blueprints: &[Blueprint],
    ) -> Result<Result<Complete, Unfit>, Trouble> {
        let Kept { mark: old, tables: counts, sources } = kept;
        let fingerprint = old.fingerprint().unwrap_or_default().to_owned();
        ledger.inherit(old.run(), self.id).await?;
        let mark = Mark::new(self.id, self.making, Some(fingerprint.clone())).of_extent(extent).of_rows(&old);
        let roles = survey.staging_roles();
        let Some(staging) = Staging::resume(Arc::clone(pool), &self.dataset.dataset, &mark, &roles).await? else {
            return Ok(Err(Unfit::Absent));
        };
        let mut tables = BTreeMap::new();
        for blueprint in blueprints {
            let connection = pool.take().await?;
            if !staging.holds(&connection, blueprint).await? {
                // After a publish whose run could not clear up, the schema is there and empty.
                return Ok(Err(Unfit::Otherwise));
            }
            pool.give_back(connection);
            let duplicates = self.finish_table(&staging, blueprint).await?;
            let counts = counts.get(blueprint.table.as_str()).copied().unwrap_or_default();
            tables.insert(blueprint.table.to_string(), CompleteTable { counts, places: None, duplicates });
        }
        let rows = tables.values().map(|table| table.counts.rows).sum();
        self.reporter.tell(&Fact::TakenUp { of: old.run().to_string(), tables: tables.len(), rows });
        let making = self.making.to_owned();
        Ok(Ok(Complete { staging, tables, sources, making, fingerprint, mark }))
    }

    /// Builds keys and indexes, as far as they do not stand. Keys that are not unique are for the guards to tell, with
    /// everything else that is wrong.
    pub(super) async fn finish_table(
        &self,
        staging: &Staging,
        blueprint: &Blueprint,
    ) -> Result<Option<staging::Error>, Trouble> {
        match staging.finish_table(blueprint).await {
            Ok(built) => {
                self.reporter.tell(&Fact::Prepared {
                    table: blueprint.table.to_string(),
                    indexes: built.indexes,
                    seconds: built.elapsed.as_secs_f64(),
                });
                Ok(None)
            }
            Err(error @ staging::Error::Duplicates { .. }) => Ok(Some(error)),
            Err(error) => Err(error.into()),
        }
    }
}

impl Unfit {
    /// As the end of a run that was asked to publish it.
    pub(super) fn of(self, dataset: &Dataset) -> RunError {
        RunError::NotKept { schema: Staging::schema_of(&dataset.dataset), unfit: self }
    }
}
