//! How a run ended: what it wrote and what the ledger got to know, and how it was to end.

use freshet_tests::process::Run;
use manifest::run::{Outcome, RUN_EVENT, RunRecord};
use serde_json::Value;

/// How a run is to fail.
pub(crate) struct Failure<'a> {
    /// Its exit code.
    pub(crate) exit: i32,
    /// The error's code.
    pub(crate) code: &'a str,
    /// What its message or its advice says.
    pub(crate) says: &'a [&'a str],
    /// What the ledger gets to know.
    pub(crate) ledger: Told,
}

/// What the ledger gets to know of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing: it ended before it reached the database.
    Nothing,
    /// It was refused.
    Refused,
    /// It failed.
    Failed,
    /// It failed, and what an earlier run left in staging is still there.
    FailedKeeping,
}

/// A row of `freshet.runs`.
#[derive(Debug)]
pub(crate) struct LedgerRun {
    pub(crate) run: String,
    pub(crate) state: String,
    pub(crate) code: Option<String>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) message: String,
}

/// A run that has ended.
pub(crate) struct Finished {
    pub(crate) run: Run,
    pub(crate) facts: Vec<Value>,
}

impl Finished {
    #[track_caller]
    pub(super) fn of(run: Run) -> Self {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("`{line}` is not JSON\n{run}"));
        let facts = run.stderr.lines().map(parse).collect();
        Self { run, facts }
    }

    /// The one fact of this name.
    #[track_caller]
    pub(crate) fn fact(&self, event: &str) -> &Value {
        let mut found = self.facts.iter().filter(|fact| fact["event"] == event);
        match (found.next(), found.next()) {
            (Some(fact), None) => fact,
            _ => panic!("there should be one fact `{event}`\n{}", self.run),
        }
    }

    /// The run's record, which is all of standard output.
    #[track_caller]
    pub(crate) fn record(&self) -> RunRecord {
        let record: RunRecord = serde_json::from_str(&self.run.stdout).unwrap_or_else(|e| panic!("{e}\n{}", self.run));
        assert_eq!(record.event, RUN_EVENT);
        record
    }

    /// Fails the test unless the run ended well and in this way.
    #[track_caller]
    pub(crate) fn is(&self, outcome: Outcome) -> &Self {
        self.run.expect_code(0);
        assert_eq!(self.record().outcome, outcome, "{}", self.run);
        self
    }
}
