//! One attempt at a dataset: a claim on the firing, an errand, and its end in the ledger. What a load consists of stands in
//! `run/load.rs`, the page that names its stages in their order; each of them is a room of its own.

mod after;
mod archiving;
mod columns;
mod complete;
mod derive;
mod error;
mod guarding;
mod kept;
mod load;
mod publishing;
mod replay;
mod rollback;
mod since;
mod tables;
mod unchanged;

use std::collections::BTreeMap;
use std::sync::Arc;

use manifest::run::TableRecord;
use manifest::{ContentHash, Dataset};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::Exit;
use crate::ledger::{self, Claim, Ending, Failure, Firing, Lease, Ledger, NewRun, RunId};
use crate::postgres::{Pool, Session, Target};
use crate::publish::{self, Survey};
use crate::report::{Fact, Reporter};
use crate::settings::Settings;
use crate::trouble::Trouble;

pub use complete::Unfit;
pub use error::RunError;
pub use guarding::Accept;
pub use load::{Load, WhenUnchanged};
pub(crate) use tables::CHANGED;

/// Who runs, on what, until when.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The run's id.
    pub id: RunId,
    /// Which try of this process, from 1. Where the ledger knows of more tries at the same firing, these count.
    pub number: u32,
    /// The dataset; with `--partial` only the tables that have files.
    pub dataset: &'a Dataset,
    /// Hash of the manifest.
    pub manifest: &'a str,
    /// Hash of what of the manifest makes the rows.
    pub making: &'a str,
    /// What the environment told.
    pub settings: &'a Settings,
    /// Where to report.
    pub reporter: &'a Reporter,
    /// Until when.
    pub deadline: Instant,
    /// Cancelled when the run is to stop.
    pub stop: &'a CancellationToken,
}

/// What is to be done with the dataset.
pub enum Errand {
    /// From its sources to its readers.
    Load(Load),
    /// What an earlier run left in staging.
    PublishKept(Accept),
    /// What the last load could not read.
    Replay,
    /// A generation that was live so many publishes ago, from 1.
    RollBack(u8),
}

/// How an attempt ended.
#[derive(Debug)]
pub struct Ended {
    /// Which try at the firing, from 1.
    pub attempt: u32,
    /// What became of it.
    pub done: Result<Done, Trouble>,
}

/// What became of an attempt that ended well.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// New rows are live.
    Published {
        /// What was loaded, by table.
        tables: BTreeMap<String, TableRecord>,
        /// What did not hold of the rows and was let pass, in words.
        accepted: Vec<String>,
        /// How long locks were held, in milliseconds.
        lock_ms: f64,
    },
    /// There was nothing to do.
    Unchanged,
    /// Another run answers to the firing.
    Duplicate,
}

/// A firing that is ours, with the sessions that its work needs.
struct Claimed {
    attempt: u32,
    ledger: Ledger,
    pool: Arc<Pool>,
    lease: Lease,
}

impl Run<'_> {
    /// Makes the attempt. The live tables are as they were after every error but one: that of the SQL that follows a publish.
    pub async fn attempt(&self, target: &Target, errand: &Errand) -> Ended {
        let Claimed { attempt, ledger, pool, lease } = match self.claim(target, errand).await {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return Ended { attempt: self.number, done: Ok(Done::Duplicate) },
            Err(trouble) => return Ended { attempt: self.number, done: Err(trouble) },
        };
        self.reporter.tell(&Fact::Started {
            version: env!("CARGO_PKG_VERSION"),
            manifest: self.manifest.to_owned(),
            attempt,
        });
        let done = match errand {
            Errand::Load(load) => Box::pin(self.load(load, &ledger, &pool)).await,
            Errand::PublishKept(accept) => Box::pin(self.publish_kept(*accept, &ledger, &pool)).await,
            Errand::Replay => Box::pin(self.replay(&ledger, &pool)).await,
            Errand::RollBack(back) => Box::pin(self.roll_back(*back, &ledger, &pool)).await,
        };
        let done = match done {
            Ok(done) => self.follow(&ledger, &pool, done).await,
            failed => failed,
        };
        let done = match done {
            Ok(Done::Unchanged) => {
                let told = ledger.finish(self.id, &Ending::Unchanged).await;
                told.map(|_| Done::Unchanged).map_err(Trouble::from)
            }
            Ok(done) => Ok(done),
            Err(trouble) => {
                self.finish_badly(&ledger, &trouble).await;
                Err(trouble)
            }
        };
        drop(lease);
        Ended { attempt, done }
    }

    /// Takes the firing on; `None` when another run answers to it.
    async fn claim(&self, target: &Target, errand: &Errand) -> Result<Option<Claimed>, Trouble> {
        if let Errand::Load(load) = errand {
            load.refuse_unserved(self.dataset)?;
        }
        let session = Session::new(&self.dataset.dataset, self.id);
        let ledger = self.within(Ledger::open(target, &session)).await?;
        let waiting = |holder: &ledger::Holder| self.reporter.tell(&Fact::Waiting { on: holder.to_string() });
        let (firing, new) = (self.firing(), self.new_run());
        let claimed = tokio::select! {
            claimed = ledger::claim(target, &session, &ledger, &firing, &new, self.deadline, waiting) => claimed?,
            () = self.stop.cancelled() => return Err(RunError::Stopped.into()),
        };
        match claimed {
            Claim::Duplicate { by } => {
                self.reporter.tell(&Fact::Duplicate { by: by.to_string() });
                Ok(None)
            }
            Claim::Ours { lease, attempt, abandoned: _ } => {
                let pool = Arc::new(Pool::new(target.clone(), session));
                Ok(Some(Claimed { attempt, ledger, pool, lease }))
            }
        }
    }

    /// Reads what hangs on the live tables, and refuses what could not be kept.
    async fn survey(&self, pool: &Pool) -> Result<Survey, Trouble> {
        let survey = self.within(Box::pin(publish::survey(pool, self.dataset))).await?;
        survey.notices().into_iter().for_each(|detail| {
            self.reporter.tell(&Fact::Notice { detail });
        });
        Ok(survey)
    }

    /// Does one stage, unless the run is told to stop or its time is over first.
    async fn within<T, E>(&self, stage: impl Future<Output = Result<T, E>>) -> Result<T, Trouble>
    where
        Trouble: From<E>,
    {
        tokio::select! {
            done = tokio::time::timeout_at(self.deadline, stage) => match done {
                Ok(done) => Ok(done?),
                Err(_) => Err(RunError::Deadline { timeout: self.settings.timeout }.into()),
            },
            () = self.stop.cancelled() => Err(RunError::Stopped.into()),
        }
    }

    /// Tells the ledger. What cannot be told is found out by the next run, which takes over.
    async fn finish_badly(&self, ledger: &Ledger, trouble: &Trouble) {
        let ending = match trouble.exit() {
            Exit::Stopped => Ending::Stopped,
            Exit::Refused => Ending::Refused(failure(trouble)),
            _ => Ending::Failed(failure(trouble)),
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
            number: self.number,
        }
    }
}

/// What the ledger keeps of an error.
fn failure(trouble: &Trouble) -> Failure {
    Failure { code: trouble.code().to_owned(), message: with_advice(trouble), exit: trouble.exit() as i32 }
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
