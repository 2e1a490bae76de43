//! One attempt at a dataset, from a claim on the firing to rows that readers see. This page names the stages in their order;
//! each of them is a room of its own.

mod error;
mod tables;
mod unchanged;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use manifest::run::TableRecord;
use manifest::{ContentHash, Dataset};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::Exit;
use crate::ledger::{self, Claim, Ending, Failure, Firing, Ledger, NewRun, Publication, RunId};
use crate::postgres::{Pool, Session, Target};
use crate::publish::{self, Publish, generation, guard};
use crate::reading::unserved;
use crate::report::{Fact, Reporter};
use crate::settings::Settings;
use crate::source::{Access, ReadFrom};
use crate::staging::{Blueprint, Mark, Staging};
use crate::trouble::Trouble;

pub use error::RunError;
use tables::TableLoad;

/// How long a run that is asked to stop while it publishes may go on: Fargate kills 30 seconds after it asks.
const LAST_GRACE: Duration = Duration::from_secs(20);

/// How long a failed run may take to drop what it had in staging; the next run drops it otherwise.
const CLEARING: Duration = Duration::from_secs(5);

/// What is to be done, and for whom.
#[derive(Debug)]
pub struct Run<'a> {
    /// The run's id.
    pub id: RunId,
    /// The dataset; with `--partial` only the tables that have files.
    pub dataset: &'a Dataset,
    /// Hash of the manifest.
    pub manifest: &'a str,
    /// What the environment told.
    pub settings: &'a Settings,
    /// Where to report.
    pub reporter: &'a Reporter,
    /// Whether to load although nothing changed.
    pub when_unchanged: WhenUnchanged,
    /// What becomes of expectations about what is usual.
    pub size: SizeExpectations,
    /// Until when.
    pub deadline: Instant,
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

/// What became of an attempt that ended well.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// New rows are live.
    Published {
        /// Which try at the firing.
        attempt: u32,
        /// What was loaded, by table.
        tables: BTreeMap<String, TableRecord>,
        /// How long locks were held, in milliseconds.
        lock_ms: f64,
    },
    /// There was nothing to do.
    Unchanged {
        /// Which try at the firing.
        attempt: u32,
    },
    /// Another run answers to the firing.
    Duplicate,
}

impl Run<'_> {
    /// Makes the attempt. The live tables are as they were after every error.
    pub async fn attempt(
        &self,
        target: &Target,
        access: Arc<Access>,
        stop: &CancellationToken,
    ) -> Result<Done, Trouble> {
        refuse_unserved(self.dataset, access.from())?;
        let session = Session::new(&self.dataset.dataset, self.id);
        let ledger = self.within(stop, Ledger::open(target, &session)).await?;
        let waiting = |holder: &ledger::Holder| self.reporter.tell(&Fact::Waiting { on: holder.to_string() });
        let (firing, new) = (self.firing(), self.new_run());
        let claimed = tokio::select! {
            claimed = ledger::claim(target, &session, &ledger, &firing, &new, self.deadline, waiting) => claimed?,
            () = stop.cancelled() => return Err(RunError::Stopped.into()),
        };
        let (lease, attempt) = match claimed {
            Claim::Duplicate { by } => {
                self.reporter.tell(&Fact::Duplicate { by: by.to_string() });
                return Ok(Done::Duplicate);
            }
            Claim::Ours { lease, attempt, abandoned: _ } => (lease, attempt),
        };
        self.reporter.tell(&Fact::Started {
            version: env!("CARGO_PKG_VERSION"),
            manifest: self.manifest.to_owned(),
            attempt,
        });
        let pool = Arc::new(Pool::new(target.clone(), session));
        let done = self.work(attempt, &ledger, &pool, access, stop).await;
        match &done {
            Ok(Done::Unchanged { .. }) => {
                ledger.finish(self.id, &Ending::Unchanged).await?;
            }
            Ok(_) => {}
            Err(trouble) => self.finish_badly(&ledger, trouble).await,
        }
        drop(lease);
        done
    }

    async fn work(
        &self,
        attempt: u32,
        ledger: &Ledger,
        pool: &Arc<Pool>,
        access: Arc<Access>,
        stop: &CancellationToken,
    ) -> Result<Done, Trouble> {
        let inventory = self.within(stop, Box::pin(publish::survey(pool, self.dataset))).await?;
        inventory.notices(self.dataset).into_iter().for_each(|detail| {
            self.reporter.tell(&Fact::Notice { detail });
        });
        let live = inventory.live_oids();
        if self.when_unchanged == WhenUnchanged::Leave {
            let unchanged = unchanged::is_unchanged(self.dataset, self.manifest, &live, ledger, &access, stop);
            if self.within(stop, unchanged).await? {
                self.reporter.tell(&Fact::Unchanged);
                return Ok(Done::Unchanged { attempt });
            }
        }
        self.within(stop, self.drop_previous(pool)).await?;
        let blueprints = inventory.blueprints(self.dataset)?;
        let mark = Mark::new(self.id, self.manifest, None);
        let roles = inventory.staging_roles();
        let begin = Staging::begin(Arc::clone(pool), &self.dataset.dataset, &mark, &roles);
        let staging = self.within(stop, begin).await?;

        let load = TableLoad { run: self, ledger, staging: &staging, access, stop };
        let loading = async {
            let loaded = load.all(&blueprints).await?;
            let fingerprint = unchanged::fingerprint(self.manifest, &loaded);
            staging.remark(&Mark::new(self.id, self.manifest, Some(fingerprint.clone()))).await?;
            self.guard(&staging, &inventory, &blueprints, &loaded).await?;
            Ok::<_, Trouble>((loaded, fingerprint))
        };
        let (loaded, fingerprint) = match self.within(stop, loading).await {
            Ok(loaded) => loaded,
            Err(trouble) => {
                // Half-loaded tables are of no use to anyone; refused ones are for looking at.
                if trouble.exit() != Exit::Refused {
                    let _ = tokio::time::timeout(CLEARING, staging.clear()).await;
                }
                return Err(trouble);
            }
        };

        let rows: BTreeMap<String, u64> =
            loaded.iter().map(|(name, table)| (name.clone(), table.counts.rows)).collect();
        let publication = Publication {
            run: self.id,
            dataset: self.dataset.dataset.clone(),
            scheduled_time: self.settings.scheduled_time,
            manifest: self.manifest.to_owned(),
            fingerprint,
            sources: unchanged::source_states(&loaded),
        };
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
            stop.cancelled().await;
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
        let tables = loaded.into_iter().map(|(name, table)| (name, table.record())).collect();
        Ok(Done::Published { attempt, tables, lock_ms })
    }

    /// Does one stage, unless the run is told to stop or its time is over first.
    async fn within<T, E>(
        &self,
        stop: &CancellationToken,
        stage: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Trouble>
    where
        Trouble: From<E>,
    {
        tokio::select! {
            done = tokio::time::timeout_at(self.deadline, stage) => match done {
                Ok(done) => Ok(done?),
                Err(_) => Err(RunError::Deadline { timeout: self.settings.timeout }.into()),
            },
            () = stop.cancelled() => Err(RunError::Stopped.into()),
        }
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
        staging: &Staging,
        inventory: &publish::Inventory,
        blueprints: &[Blueprint],
        loaded: &BTreeMap<String, tables::Loaded>,
    ) -> Result<(), Trouble> {
        let mut breaches = Vec::new();
        for blueprint in blueprints {
            let name = blueprint.table.as_str();
            let staged = loaded.get(name).map_or(0, |table| table.counts.rows);
            let now = jiff::Timestamp::now();
            for finding in guard::examine(staging, self.dataset, inventory, blueprint, staged, now).await? {
                if !finding.binds_samples() && self.size == SizeExpectations::Reported {
                    self.reporter.tell(&Fact::Expectation { table: name.to_owned(), detail: finding.to_string() });
                } else {
                    breaches.push(finding);
                }
            }
        }
        if breaches.is_empty() { Ok(()) } else { Err(RunError::Guard { breaches }.into()) }
    }

    /// Tells the ledger. What cannot be told is found out by the next run, which takes over.
    async fn finish_badly(&self, ledger: &Ledger, trouble: &Trouble) {
        let failure =
            || Failure { code: trouble.code().to_owned(), message: with_advice(trouble), exit: trouble.exit() as i32 };
        let ending = match trouble.exit() {
            Exit::Stopped => Ending::Stopped,
            Exit::Refused => Ending::Refused(failure()),
            _ => Ending::Failed(failure()),
        };
        let _ = ledger.finish(self.id, &ending).await;
    }

    fn firing(&self) -> Firing {
        Firing { dataset: self.dataset.dataset.clone(), scheduled_time: self.settings.scheduled_time }
    }

    fn new_run(&self) -> NewRun {
        let stack = self.settings.stack.as_ref();
        NewRun {
            run: self.id,
            stack: stack.map(|stack| stack.name.clone()).unwrap_or_default(),
            environment: stack.map(|stack| stack.environment.clone()).unwrap_or_default(),
            worker: env!("CARGO_PKG_VERSION").to_owned(),
            manifest: self.manifest.to_owned(),
        }
    }
}

/// The hash of a manifest, as the ledger and run records show it.
pub fn manifest_hash(dataset: &Dataset) -> String {
    // A dataset is made of strings, numbers and maps with string keys: its JSON cannot fail.
    ContentHash::of(dataset).map(|hash| hash.prefix(16)).unwrap_or_default()
}

/// The message of an error and what to do about it, in one text.
pub fn with_advice(trouble: &Trouble) -> String {
    match trouble.advice() {
        Some(advice) => format!("{trouble}; {advice}"),
        None => trouble.to_string(),
    }
}

fn refuse_unserved(dataset: &Dataset, from: &ReadFrom) -> Result<(), RunError> {
    let all = unserved(dataset, from);
    if all.is_empty() { Ok(()) } else { Err(RunError::Unserved { all }) }
}
