//! One run in the ledger: its row at the start, what it loaded, how it ended.

use std::fmt;

use jiff::Timestamp;
use manifest::DatasetName;
use uuid::Uuid;

use crate::postgres;

use super::Ledger;

/// Longest message that is kept of a failure, in characters.
const LONGEST_MESSAGE: usize = 4_000;

/// One attempt at one firing. Made by whoever starts the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Uuid);

impl RunId {
    /// The id made of a UUID.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The UUID.
    pub fn uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a run answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The dataset.
    pub dataset: DatasetName,
    /// The schedule's time; `None` when a person started it, and then no other run answers to the same.
    pub scheduled_time: Option<Timestamp>,
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id.
    pub run: RunId,
    /// The stack's name; empty outside of one.
    pub stack: String,
    /// The environment's name; empty outside of a stack.
    pub environment: String,
    /// The worker's version.
    pub worker: String,
    /// Hash of the manifest.
    pub manifest: String,
    /// Which try of its process, from 1.
    pub number: u32,
}

/// How a run ended that did not publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Sources, manifest and tables are what was published last.
    Unchanged,
    /// The data did not pass.
    Refused(Failure),
    /// It could not be done.
    Failed(Failure),
    /// SIGTERM.
    Stopped,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error's code.
    pub code: String,
    /// The error and what to do; never a secret.
    pub message: String,
    /// How the process ends.
    pub exit: i32,
}

impl Failure {
    /// As much of the message as is kept.
    pub(super) fn kept_message(&self) -> String {
        self.message.chars().take(LONGEST_MESSAGE).collect::<String>().replace('\0', "␀")
    }
}

impl Ending {
    fn state(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// A count as PostgreSQL holds it.
pub(super) fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Ledger {
    /// Writes the row of a run that begins; the lease must be held.
    pub(super) async fn begin(&self, firing: &Firing, new: &NewRun, attempt: u32) -> Result<(), postgres::Error> {
        let attempt = i32::try_from(attempt).unwrap_or(i32::MAX);
        let connection = self.connection().await?;
        connection
            .execute(
                "write the run into the ledger",
                "INSERT INTO freshet.runs
                     (run, dataset, state, stack, environment, scheduled_time, attempt, worker, manifest)
                 VALUES ($1, $2, 'running', $3, $4, $5, $6, $7, $8)",
                &[
                    &new.run.0,
                    &firing.dataset.as_str(),
                    &new.stack,
                    &new.environment,
                    &firing.scheduled_time,
                    &attempt,
                    &new.worker,
                    &new.manifest,
                ],
            )
            .await?;
        // Rejects are for looking at while they matter. The lease is held, so nobody else cleans up the same.
        connection
            .execute(
                "drop old rejects",
                "WITH old AS (SELECT run FROM freshet.runs WHERE dataset = $1 AND started < now() - interval '30 days'),
                      files AS (DELETE FROM freshet.reject_files WHERE run IN (SELECT run FROM old))
                 DELETE FROM freshet.rejects WHERE run IN (SELECT run FROM old)",
                &[&firing.dataset.as_str()],
            )
            .await?;
        Ok(())
    }

    /// Whether what a run left in staging is of use to somebody: to look at, or to be published after all.
    pub async fn is_worth_keeping(&self, run: RunId) -> Result<bool, postgres::Error> {
        let found = self
            .connection()
            .await?
            .maybe(
                "see how an earlier run ended",
                "SELECT 1 FROM freshet.runs WHERE run = $1 AND state IN ('refused', 'failed')",
                &[&run.0],
            )
            .await?;
        Ok(found.is_some())
    }

    /// Ends a run that did not publish. A run that somebody else has ended stays as it is; returns whether it was ours.
    pub async fn finish(&self, run: RunId, ending: &Ending) -> Result<bool, postgres::Error> {
        let failure = match ending {
            Ending::Unchanged | Ending::Stopped => None,
            Ending::Refused(failure) | Ending::Failed(failure) => Some(failure),
        };
        let message = failure.map(Failure::kept_message);
        let exit = match ending {
            Ending::Unchanged => Some(0),
            Ending::Stopped => Some(143),
            Ending::Refused(failure) | Ending::Failed(failure) => Some(failure.exit),
        };
        let ended = self
            .connection()
            .await?
            .execute(
                "write the run's end into the ledger",
                "UPDATE freshet.runs SET state = $2, finished = clock_timestamp(), code = $3, message = $4, exit_code = $5
                 WHERE run = $1 AND state = 'running'",
                &[&run.0, &ending.state(), &failure.map(|f| f.code.as_str()), &message, &exit],
            )
            .await?;
        Ok(ended == 1)
    }

    /// Notes what did not hold of a run's rows and was let pass.
    pub async fn accepted(&self, run: RunId, what: &str) -> Result<(), postgres::Error> {
        self.connection()
            .await?
            .execute(
                "write into the ledger what was accepted",
                "UPDATE freshet.runs SET accepted = $2 WHERE run = $1",
                &[&run.0, &what],
            )
            .await?;
        Ok(())
    }

    /// Adds to a published run what is only known after it: how long locks were held, in milliseconds.
    pub async fn measured(&self, run: RunId, lock_ms: f64) -> Result<(), postgres::Error> {
        self.connection()
            .await?
            .execute(
                "write the measured time into the ledger",
                "UPDATE freshet.runs SET publish_ms = $2 WHERE run = $1",
                &[&run.0, &lock_ms],
            )
            .await?;
        Ok(())
    }
}
