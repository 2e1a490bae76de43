//! One execution of the worker for one dataset: tries until it is done, or until nothing more can help, and the record that
//! is left behind however early it ended.

mod record;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use manifest::{Dataset, SecretName};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::dataset::Which;
use super::prepared::{Asked, Prepared, database_only};
use crate::fault::Retry;
use crate::ledger::RunId;
use crate::report::{Fact, Lines, Reporter, metrics};
use crate::run::{Ended, Errand, Run, RunError};
use crate::settings::{Environment, Settings};
use crate::trouble::Trouble;
use record::About;

/// Before the second try; each further one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// What a subcommand that is a run does with its dataset.
pub(super) trait Task {
    /// Looks at what was asked for before anything is fetched, and leaves out tables that are none of its.
    fn narrow(&self, _dataset: &mut Dataset, _settings: &Settings) -> Result<(), Trouble> {
        Ok(())
    }

    /// The secrets that it needs.
    fn secrets(&self, _dataset: &Dataset, _settings: &Settings) -> BTreeSet<SecretName> {
        database_only()
    }

    /// What each try is to do.
    fn errand(&self, prepared: &Prepared) -> Errand;
}

/// Does it, tells of it, and returns the process's exit code.
pub(super) async fn execute(
    task: &impl Task,
    which: &Which,
    log: Option<Lines>,
    environment: &impl Environment,
    stop: &CancellationToken,
) -> i32 {
    let lines = log.unwrap_or_else(Lines::fitting);
    let started = Timestamp::now();
    let run = RunId::new(Uuid::new_v4());
    let mut reporter = Reporter::new(lines, run.to_string(), which.given());
    let mut about = About::new(which.given());
    let (last, ended) = match prepare(task, which, environment, &mut about).await {
        Ok(prepared) => {
            reporter = Reporter::new(lines, run.to_string(), prepared.dataset.dataset.to_string());
            tries(task, prepared, run, &reporter, environment, stop).await
        }
        Err(trouble) => {
            tell_failure(&reporter, &trouble);
            (run, Ended { attempt: 1, done: Err(trouble) })
        }
    };
    let record = about.record(last, started, &ended);
    if let Some(stack) = &about.stack
        && let Err(detail) = metrics::put(stack, &record, Timestamp::now()).await
    {
        reporter.tell(&Fact::MetricsLost { detail });
    }
    reporter.record(&record);
    record.exit_code
}

async fn prepare(
    task: &impl Task,
    which: &Which,
    environment: &impl Environment,
    about: &mut About,
) -> Result<Prepared, Trouble> {
    let settings = Settings::read(environment)?;
    about.stack.clone_from(&settings.stack);
    about.scheduled_time = settings.scheduled_time;
    let mut asked = Asked::of(settings, which.find(environment)?);
    about.dataset = asked.dataset.dataset.to_string();
    about.manifest.clone_from(&asked.manifest);
    task.narrow(&mut asked.dataset, &asked.settings)?;
    let needed = task.secrets(&asked.dataset, &asked.settings);
    asked.with_secrets(needed, environment).await
}

/// Tries until it is done, until nothing more can help, or until there is no try left.
async fn tries(
    task: &impl Task,
    mut prepared: Prepared,
    first: RunId,
    reporter: &Reporter,
    environment: &impl Environment,
    stop: &CancellationToken,
) -> (RunId, Ended) {
    let deadline = Instant::now() + prepared.settings.timeout;
    let most = prepared.settings.attempts.max(1);
    let (mut id, mut number, mut pause, mut refetched) = (first, 1, FIRST_PAUSE, false);
    loop {
        let mut ended = attempt(task, &prepared, id, number, reporter, deadline, stop).await;
        let Err(trouble) = &ended.done else { return (id, ended) };
        // A password that was rotated since the start is there to be had; one try is not lost on it.
        if trouble.code() == "database_password" && !refetched {
            refetched = true;
            if prepared.refetch(environment).await {
                id = RunId::new(Uuid::new_v4());
                continue;
            }
        }
        if trouble.retry() == Retry::Never || number >= most || Instant::now() + pause >= deadline {
            tell_failure(reporter, trouble);
            return (id, ended);
        }
        let (code, message) = (trouble.code(), trouble.to_string());
        reporter.tell(&Fact::Retrying { code, message, seconds: pause.as_secs() });
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {
                let stopped = Trouble::from(RunError::Stopped);
                tell_failure(reporter, &stopped);
                ended.done = Err(stopped);
                return (id, ended);
            }
        }
        number += 1;
        pause *= 2;
        id = RunId::new(Uuid::new_v4());
    }
}

async fn attempt(
    task: &impl Task,
    prepared: &Prepared,
    id: RunId,
    number: u32,
    reporter: &Reporter,
    deadline: Instant,
    stop: &CancellationToken,
) -> Ended {
    let run = Run {
        id,
        number,
        dataset: &prepared.dataset,
        manifest: &prepared.manifest,
        making: &prepared.making,
        settings: &prepared.settings,
        reporter,
        deadline,
        stop,
    };
    match prepared.target() {
        Ok(target) => Box::pin(run.attempt(&target, &task.errand(prepared))).await,
        Err(trouble) => Ended { attempt: number, done: Err(trouble) },
    }
}

fn tell_failure(reporter: &Reporter, trouble: &Trouble) {
    reporter.tell(&Fact::Failed {
        code: trouble.code(),
        message: trouble.to_string(),
        advice: trouble.advice(),
        exit: trouble.exit() as i32,
    });
}
