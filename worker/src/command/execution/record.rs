//! The record of a run: what was known of it at its end, and how it ended.

use std::collections::BTreeMap;

use jiff::Timestamp;
use manifest::run::{Outcome, RUN_EVENT, RunRecord};

use crate::ledger::RunId;
use crate::run::{Done, Ended, with_advice};
use crate::settings::Stack;

/// What is known of a run when it ends, however early that is.
#[derive(Debug)]
pub(super) struct About {
    pub(super) dataset: String,
    pub(super) manifest: String,
    pub(super) stack: Option<Stack>,
    pub(super) scheduled_time: Option<Timestamp>,
}

impl About {
    /// Of a run that has only been asked for.
    pub(super) fn new(dataset: &str) -> Self {
        Self { dataset: dataset.to_owned(), manifest: String::new(), stack: None, scheduled_time: None }
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^52")]
    pub(super) fn record(&self, run: RunId, started: Timestamp, ended: &Ended) -> RunRecord {
        let finished = Timestamp::now();
        let stack = self.stack.as_ref();
        let (outcome, trouble) = match &ended.done {
            Ok(Done::Published { .. }) => (Outcome::Published, None),
            Ok(Done::Unchanged) => (Outcome::Unchanged, None),
            Ok(Done::Duplicate) => (Outcome::Duplicate, None),
            Err(trouble) => (trouble.outcome(), Some(trouble)),
        };
        let (tables, accepted, publish_ms) = match &ended.done {
            Ok(Done::Published { tables, accepted, lock_ms }) => (tables.clone(), accepted.clone(), Some(*lock_ms)),
            _ => (BTreeMap::new(), Vec::new(), None),
        };
        RunRecord {
            event: RUN_EVENT.to_owned(),
            run: run.to_string(),
            dataset: self.dataset.clone(),
            stack: stack.map(|stack| stack.name.clone()).unwrap_or_default(),
            environment: stack.map(|stack| stack.environment.clone()).unwrap_or_default(),
            scheduled_time: self.scheduled_time.map(|time| time.to_string()),
            attempt: ended.attempt,
            started: format!("{started:.3}"),
            finished: format!("{finished:.3}"),
            seconds: (finished.as_millisecond() - started.as_millisecond()) as f64 / 1e3,
            outcome,
            exit_code: trouble.map_or(0, |trouble| trouble.exit() as i32),
            rows: tables.values().map(|table| table.rows).sum(),
            bad_values: tables.values().map(|table| table.bad_values).sum(),
            rejected_rows: tables.values().map(|table| table.rejected_rows).sum(),
            tables,
            accepted,
            publish_ms,
            code: trouble.map(|trouble| trouble.code().to_owned()),
            message: trouble.map(with_advice),
            manifest: self.manifest.clone(),
        }
    }
}
