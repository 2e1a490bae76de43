//! A load: from what the publishers have to rows that readers see. This page names the stages in their order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use manifest::Dataset;

use super::complete::Complete;
use super::derive::{Basis, Deriving};
use super::publishing::Release;
use super::tables::{Loaded, TableLoad};
use super::unchanged::{self, Look, MadeFrom};
use super::{Accept, Done, Run, RunError};
use crate::fault::Exit;
use crate::ledger::{AppendedFile, Ledger};
use crate::postgres::Pool;
use crate::publish::{self, Survey, generation};
use crate::reading::unserved;
use crate::report::Fact;
use crate::source::{Access, Missing, ReadFrom};
use crate::staging::{Blueprint, Coverage, Extent, Mark, Staging};
use crate::trouble::Trouble;

/// How long a failed run may take to drop what it had in staging; the next run drops it otherwise.
const CLEARING: Duration = Duration::from_secs(5);

/// What a load is asked for.
pub struct Load {
    /// Where the bytes come from.
    pub access: Arc<Access>,
    /// Whether to load although nothing changed.
    pub when_unchanged: WhenUnchanged,
    /// Whether the rows are all that there is.
    pub extent: Extent,
    /// What a person lets pass.
    pub accept: Accept,
}

/// What to do when sources, manifest and table are what was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnchanged {
    /// Nothing.
    Leave,
    /// Load all the same.
    Load,
}

impl Load {
    /// Refuses what the manifest asks for and this worker does not do.
    pub(super) fn refuse_unserved(&self, dataset: &Dataset) -> Result<(), RunError> {
        let all = unserved(dataset, self.access.from());
        if all.is_empty() { Ok(()) } else { Err(RunError::Unserved { all }) }
    }

    /// How much of its sources it reads.
    fn coverage(&self) -> Coverage {
        match self.access.from() {
            _ if self.access.is_partial() => Coverage::Part,
            ReadFrom::Folder { missing: Missing::Skip, .. } => Coverage::Part,
            _ => Coverage::Whole,
        }
    }
}

/// The files that rows came from, by table that rows are only added to.
fn appended(dataset: &Dataset, loaded: &BTreeMap<String, Loaded>) -> BTreeMap<String, Vec<AppendedFile>> {
    let added = dataset.tables.iter().filter(|table| table.load == manifest::dataset::Load::Append);
    let files = added.filter_map(|table| Some((table.name.to_string(), loaded.get(table.name.as_str())?.files())));
    files.collect()
}

impl Run<'_> {
    /// Loads and publishes, unless nothing has changed.
    pub(super) async fn load(&self, load: &Load, ledger: &Ledger, pool: &Arc<Pool>) -> Result<Done, Trouble> {
        self.keep_bytes(&load.access);
        let done = Box::pin(self.load_what_there_is(load, ledger, pool)).await;
        // What did not come to stand in the archive by now never will.
        let _ = tokio::time::timeout(CLEARING, load.access.discard_archive()).await;
        done
    }

    async fn load_what_there_is(&self, load: &Load, ledger: &Ledger, pool: &Arc<Pool>) -> Result<Done, Trouble> {
        let discovered = self.within(load.access.discover(self.dataset, self.stop)).await?;
        let discovering = Run { dataset: &discovered, ..*self };
        if let Some(done) = self.within(Box::pin(discovering.look_as_it_stands(load, ledger, pool))).await? {
            return Ok(done);
        }
        let dataset = self.within(Box::pin(discovering.described_by_sources(&load.access))).await?;
        let describing = Run { dataset: &dataset, ..*self };
        let basis = self.within(describing.basis(ledger, pool)).await?;
        // Samples may be of some tables only, and then nothing is made of them.
        if load.extent == Extent::Whole {
            self.within(self.tell_what_is_left(pool)).await?;
        }
        // From here on with the columns that its queries turn out to have.
        let described = Run { dataset: &basis.rehearsed.dataset, ..*self };
        let survey = described.survey(pool).await?;
        let blueprints = survey.blueprints()?;
        let survey = &survey;
        Stages { run: &described, load, basis: &basis, ledger, pool, survey, blueprints: &blueprints }.all().await
    }
}

impl Run<'_> {
    /// Whether there is anything to do, where columns are known only when a source is opened: those that stand are taken for them, since
    /// an unchanged source has no others. What cannot be told in this way, the load itself tells.
    async fn look_as_it_stands(&self, load: &Load, ledger: &Ledger, pool: &Arc<Pool>) -> Result<Option<Done>, Trouble> {
        let Some(standing) = self.standing(pool).await? else { return Ok(None) };
        let standing = Run { dataset: &standing, ..*self };
        let Ok(basis) = standing.basis(ledger, pool).await else { return Ok(None) };
        let described = Run { dataset: &basis.rehearsed.dataset, ..*self };
        let Ok(survey) = publish::survey(pool, described.dataset).await else { return Ok(None) };
        let survey = &survey;
        Stages { run: &described, load, basis: &basis, ledger, pool, survey, blueprints: &[] }.look().await
    }
}

/// The stages of a load, with what they share.
pub(super) struct Stages<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) load: &'a Load,
    basis: &'a Basis,
    pub(super) ledger: &'a Ledger,
    pool: &'a Arc<Pool>,
    pub(super) survey: &'a Survey,
    blueprints: &'a [Blueprint],
}

impl Stages<'_> {
    async fn all(&self) -> Result<Done, Trouble> {
        let Self { run, load, ledger, survey, blueprints, .. } = self;
        if let Some(done) = run.within(self.look()).await? {
            return Ok(done);
        }
        let complete = match run.within(self.reuse()).await? {
            Some(complete) => complete,
            None => self.stage().await?,
        };
        if let Some(done) = run.within(self.look_again(&complete)).await? {
            complete.staging.clear().await?;
            return Ok(done);
        }
        run.within(run.complete_archive(&load.access, ledger)).await?;
        let accepted = run.within(run.guard(load.accept, &complete, ledger, survey, blueprints)).await?;
        let (accept, views) = (load.accept, &*self.basis.rehearsed.views);
        run.publish(ledger, complete, Release { accept, accepted, withdrawn: None, views }).await
    }

    /// What can be told apart: queries that read what nobody keeps count of may find something else at any time.
    fn is_tracked(&self) -> bool {
        let rehearsed = &self.basis.rehearsed;
        self.load.when_unchanged == WhenUnchanged::Leave && rehearsed.untracked.is_empty() && rehearsed.views_stand()
    }

    fn made_from(&self) -> MadeFrom<'_> {
        MadeFrom { making: self.run.making, upstream: &self.basis.upstream }
    }

    /// Whether there is anything to do, as far as it can be known without reading.
    async fn look(&self) -> Result<Option<Done>, Trouble> {
        if !self.is_tracked() {
            return Ok(None);
        }
        let (live, access) = (self.survey.live_oids(), &self.load.access);
        let fact = match unchanged::look(self.run, &live, self.made_from(), self.ledger, access).await? {
            Look::Changed => return Ok(None),
            Look::Unchanged => Fact::Unchanged,
            Look::Withdrawn(run) => Fact::Withdrawn { run: run.to_string() },
        };
        self.run.tidy(self.ledger, self.pool).await?;
        self.run.reporter.tell(&fact);
        Ok(Some(Done::Unchanged))
    }

    /// The same of what was read, where publishers do not say whether it changed: bytes that are live already are not published
    /// again, and what somebody took back stays away.
    async fn look_again(&self, complete: &Complete) -> Result<Option<Done>, Trouble> {
        if self.is_tracked()
            && let Some(published) = self.ledger.published(&self.run.dataset.dataset).await?
            && published.fingerprint == complete.fingerprint
            && published.manifest == self.run.making
            && published.tables == self.survey.live_oids()
        {
            self.ledger.sources_seen_again(&self.run.dataset.dataset, &complete.sources).await?;
            self.run.reporter.tell(&Fact::Unchanged);
            return Ok(Some(Done::Unchanged));
        }
        let withdrawn = self.ledger.withdrawn(&self.run.dataset.dataset).await?;
        let Some(withdrawn) = withdrawn.filter(|withdrawn| withdrawn.fingerprint == complete.fingerprint) else {
            return Ok(None);
        };
        if !self.is_tracked() {
            return Ok(None);
        }
        self.run.reporter.tell(&Fact::Withdrawn { run: withdrawn.run.to_string() });
        Ok(Some(Done::Unchanged))
    }

    /// What an earlier run left complete in staging, where the sources are still what it read.
    async fn reuse(&self) -> Result<Option<Complete>, Trouble> {
        let Self { run, load, ledger, pool, survey, blueprints, .. } = self;
        if !self.is_tracked() {
            return Ok(None);
        }
        let Ok(kept) = run.kept(ledger, pool).await? else { return Ok(None) };
        if !kept.is_all_of(run.dataset) {
            return Ok(None);
        }
        let (sources, fingerprint) = (&kept.sources, kept.fingerprint());
        if !unchanged::sources_are_still(run, self.made_from(), sources, fingerprint, &load.access).await? {
            return Ok(None);
        }
        Ok(run.take_up(kept, load.extent, ledger, pool, survey, blueprints).await?.ok())
    }

    /// Loads every table into a staging schema of this run's own.
    async fn stage(&self) -> Result<Complete, Trouble> {
        let Self { run, load, basis, ledger, pool, survey, blueprints } = *self;
        // Before there are new rows, which need the room.
        run.within(run.drop_generations(pool, generation::room(run.dataset.generations))).await?;
        run.within(self.read_what_is_new()).await?;
        let mark = Mark::new(run.id, run.making, None);
        let roles = survey.staging_roles();
        let begin = Staging::begin(Arc::clone(pool), &run.dataset.dataset, &mark, &roles);
        let staging = run.within(begin).await?;
        let loading = async {
            let mut loaded = TableLoad { run, ledger, staging: &staging, access: &load.access }.all(blueprints).await?;
            let (derived, upstream) = Deriving { run, ledger, staging: &staging, basis, blueprints }.all().await?;
            loaded.extend(derived);
            let fingerprint = unchanged::fingerprint(MadeFrom { making: run.making, upstream: &upstream }, &loaded);
            let sources = unchanged::source_states(&loaded);
            // The mark says that all is complete, and so comes last.
            ledger.sources_loaded(run.id, &sources).await?;
            let mark = Mark::new(run.id, run.making, Some(fingerprint.clone())).of_extent(load.extent);
            let mark = mark.covering(load.coverage()).appending(appended(run.dataset, &loaded));
            staging.remark(&mark).await?;
            Ok::<_, Trouble>((loaded, sources, fingerprint, mark))
        };
        match run.within(loading).await {
            Ok((loaded, sources, fingerprint, mark)) => {
                let tables: BTreeMap<_, _> = loaded.into_iter().map(|(name, table)| (name, table.complete())).collect();
                let making = run.making.to_owned();
                Ok(Complete { staging, tables, sources, making, fingerprint, mark })
            }
            Err(trouble) => {
                // Half-loaded tables are of no use to anyone; refused ones are for looking at.
                if trouble.exit() != Exit::Refused {
                    let _ = tokio::time::timeout(CLEARING, staging.clear()).await;
                }
                Err(trouble)
            }
        }
    }
}

impl Run<'_> {
    /// Drops what a run left in staging that was killed before it could, even right after its rows went live, proves what it
    /// left unproven, and refreshes what it left behind.
    async fn tidy(&self, ledger: &Ledger, pool: &Arc<Pool>) -> Result<(), Trouble> {
        let dataset = &self.dataset.dataset;
        if let Some(mark) = Staging::left(pool, dataset).await?
            && !ledger.is_worth_keeping(mark.run()).await?
        {
            Staging::discard(Arc::clone(pool), dataset).await?;
        }
        for detail in publish::prove(ledger, self.dataset, pool).await? {
            self.reporter.tell(&Fact::Notice { detail });
        }
        for lagging in publish::lagging(ledger, self.dataset, pool).await? {
            self.refresh(&lagging, ledger, pool).await;
        }
        Ok(())
    }
}
