//! A load: from what the publishers have to rows that readers see. This page names the stages in their order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use manifest::Dataset;

use super::derive::{Basis, Deriving};
use super::tables::{Loaded, TableLoad};
use super::unchanged::MadeFrom;
use super::{Done, Run, RunError, unchanged};
use crate::fault::Exit;
use crate::ledger::{Ledger, Publication};
use crate::postgres::Pool;
use crate::publish::{self, generation, guard};
use crate::reading::unserved;
use crate::report::Fact;
use crate::source::Access;
use crate::staging::{Blueprint, Mark, Staging};
use crate::trouble::Trouble;

/// How long a failed run may take to drop what it had in staging; the next run drops it otherwise.
const CLEARING: Duration = Duration::from_secs(5);

/// What a load is asked for.
pub struct Load {
    /// Where the bytes come from.
    pub access: Arc<Access>,
    /// Whether to load although nothing changed.
    pub when_unchanged: WhenUnchanged,
    /// What becomes of expectations about what is usual.
    pub size: SizeExpectations,
}

/// What to do when sources, manifest and table are what was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnchanged {
    /// Nothing.
    Leave,
    /// Load all the same.
    Load,
}

/// What becomes of expectations about what is usual: `rows`, `max_drop`, `max_nulls` and `latest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeExpectations {
    /// A table that does not meet them is not published.
    Enforced,
    /// They are told: the rows are a sample.
    Reported,
}

impl Load {
    /// Refuses what the manifest asks for and this worker does not do.
    pub(super) fn refuse_unserved(&self, dataset: &Dataset) -> Result<(), RunError> {
        let all = unserved(dataset, self.access.from());
        if all.is_empty() { Ok(()) } else { Err(RunError::Unserved { all }) }
    }
}

impl Run<'_> {
    /// Loads and publishes, unless nothing has changed.
    pub(super) async fn load(&self, load: &Load, ledger: &Ledger, pool: &Arc<Pool>) -> Result<Done, Trouble> {
        let basis = self.within(self.basis(ledger, pool)).await?;
        // From here on with the columns that its queries turn out to have.
        let described = Run { dataset: &basis.rehearsed.dataset, ..*self };
        described.load_from(&basis, load, ledger, pool).await
    }

    async fn load_from(&self, basis: &Basis, load: &Load, ledger: &Ledger, pool: &Arc<Pool>) -> Result<Done, Trouble> {
        let access = &load.access;
        let inventory = self.within(Box::pin(publish::survey(pool, self.dataset))).await?;
        inventory.notices(self.dataset).into_iter().for_each(|detail| {
            self.reporter.tell(&Fact::Notice { detail });
        });
        let live = inventory.live_oids();
        if load.when_unchanged == WhenUnchanged::Leave && basis.rehearsed.untracked.is_empty() {
            let made_from = MadeFrom { manifest: self.manifest, upstream: &basis.upstream };
            let unchanged = unchanged::is_unchanged(self.dataset, made_from, &live, ledger, access, self.stop);
            if self.within(unchanged).await? {
                self.within(self.tidy(ledger, pool)).await?;
                self.reporter.tell(&Fact::Unchanged);
                return Ok(Done::Unchanged);
            }
        }
        self.within(self.drop_previous(pool)).await?;
        let blueprints = inventory.blueprints(self.dataset)?;
        let mark = Mark::new(self.id, self.manifest, None);
        let roles = inventory.staging_roles();
        let begin = Staging::begin(Arc::clone(pool), &self.dataset.dataset, &mark, &roles);
        let staging = self.within(begin).await?;

        let tables = TableLoad { run: self, ledger, staging: &staging, access };
        let loading = async {
            let mut loaded = tables.all(&blueprints).await?;
            let deriving = Deriving { run: self, ledger, staging: &staging, basis, blueprints: &blueprints };
            let (derived, upstream) = deriving.all().await?;
            loaded.extend(derived);
            let made_from = MadeFrom { manifest: self.manifest, upstream: &upstream };
            let fingerprint = unchanged::fingerprint(made_from, &loaded);
            staging.remark(&Mark::new(self.id, self.manifest, Some(fingerprint.clone()))).await?;
            self.guard(load.size, &staging, &inventory, &blueprints, &loaded).await?;
            Ok::<_, Trouble>((loaded, fingerprint))
        };
        let (loaded, fingerprint) = match self.within(loading).await {
            Ok(loaded) => loaded,
            Err(trouble) => {
                // Half-loaded tables are of no use to anyone; refused ones are for looking at.
                if trouble.exit() != Exit::Refused {
                    let _ = tokio::time::timeout(CLEARING, staging.clear()).await;
                }
                return Err(trouble);
            }
        };
        let publication = Publication {
            run: self.id,
            dataset: self.dataset.dataset.clone(),
            scheduled_time: self.settings.scheduled_time,
            manifest: self.manifest.to_owned(),
            fingerprint,
            sources: unchanged::source_states(&loaded),
        };
        let tables = loaded.iter().map(|(name, table)| (name.clone(), table.counts)).collect();
        self.publish(ledger, staging, &publication, &tables).await
    }

    /// Drops what a run left in staging that was killed before it could, even right after its rows went live.
    async fn tidy(&self, ledger: &Ledger, pool: &Arc<Pool>) -> Result<(), Trouble> {
        let dataset = &self.dataset.dataset;
        if let Some(mark) = Staging::left(pool, dataset).await?
            && !ledger.is_worth_keeping(mark.run()).await?
        {
            Staging::discard(Arc::clone(pool), dataset).await?;
        }
        Ok(())
    }

    /// Makes room for new rows.
    async fn drop_previous(&self, pool: &Pool) -> Result<(), Trouble> {
        let connection = pool.take().await?;
        generation::drop_previous(&connection, &self.dataset.dataset).await?;
        pool.give_back(connection);
        Ok(())
    }

    /// Judges the rows in staging before anybody sees them.
    async fn guard(
        &self,
        size: SizeExpectations,
        staging: &Staging,
        inventory: &publish::Inventory,
        blueprints: &[Blueprint],
        loaded: &BTreeMap<String, Loaded>,
    ) -> Result<(), Trouble> {
        let mut breaches = Vec::new();
        for blueprint in blueprints {
            let name = blueprint.table.as_str();
            let staged = loaded.get(name).map_or(0, |table| table.counts.rows);
            let now = jiff::Timestamp::now();
            for finding in guard::examine(staging, self.dataset, inventory, blueprint, staged, now).await? {
                if !finding.binds_samples() && size == SizeExpectations::Reported {
                    self.reporter.tell(&Fact::Expectation { table: name.to_owned(), detail: finding.to_string() });
                } else {
                    breaches.push(finding);
                }
            }
        }
        if breaches.is_empty() { Ok(()) } else { Err(RunError::Guard { breaches }.into()) }
    }
}
