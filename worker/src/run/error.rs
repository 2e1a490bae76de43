//! What can end a run beside the errors of its stages.

use std::time::Duration;

use super::complete::Unfit;
use crate::fault::{Exit, Fault, Retry};
use crate::publish::guard::Finding;
use crate::reading::Unserved;

/// What ended a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The manifest asks for what this worker does not do.
    #[error("{}", list(all))]
    Unserved {
        /// All of it.
        all: Vec<Unserved>,
    },
    /// Rows in staging are not what was expected.
    #[error("{}", list(breaches))]
    Guard {
        /// All that does not hold.
        breaches: Vec<Finding>,
        /// The dataset.
        dataset: String,
        /// The schema that the rows are in.
        schema: String,
    },
    /// A run was to publish what is in staging, and cannot.
    #[error("{}", match unfit {
        Unfit::Absent => format!("there is nothing in {schema} to publish"),
        Unfit::Incomplete => format!("the run that loaded into {schema} did not come to its end"),
        Unfit::Unarchived => format!("the bytes that what is in {schema} was made from are not in the archive that the manifest requires"),
        Unfit::Otherwise => format!("what is in {schema} was made by another manifest, or does not fit the live tables any more"),
    })]
    NotKept {
        /// The staging schema.
        schema: String,
        /// Why not.
        unfit: Unfit,
    },
    /// A run was to go back further than anything is kept.
    #[error("{dataset} has {kept} previous generation{}, and {back} back {} asked for", if *kept == 1 { "" } else { "s" },
        if *back == 1 { "is" } else { "are" })]
    NoGeneration {
        /// The dataset.
        dataset: String,
        /// How many are kept.
        kept: usize,
        /// How many back were asked for.
        back: u8,
    },
    /// A generation is not what the manifest says.
    #[error("the generation in {schema} does not fit the manifest: {reason}")]
    GenerationUnfit {
        /// Its schema.
        schema: String,
        /// What differs.
        reason: String,
    },
    /// There is no earlier generation of a table that rows are written into.
    #[error("{table} is not replaced by a load, so that there is nothing to go back to")]
    Merged {
        /// The table.
        table: String,
    },
    /// A table is made of rows that a replay would change.
    #[error("{table} is made by a query of rows that a replay would change")]
    MadeOfRows {
        /// The table.
        table: String,
    },
    /// The run's own deadline has passed.
    #[error("the load was not done within {} s", timeout.as_secs())]
    Deadline {
        /// The deadline, from the start of the run.
        timeout: Duration,
    },
    /// SIGTERM.
    #[error("stopped by a signal; nothing changed")]
    Stopped,
}

fn list<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Fault for RunError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unserved { .. } => "unserved",
            Self::NotKept { .. } => "nothing_kept",
            Self::NoGeneration { .. } => "no_generation",
            Self::GenerationUnfit { .. } => "generation_unfit",
            Self::Merged { .. } => "not_replaced",
            Self::MadeOfRows { .. } => "made_of_rows",
            Self::Guard { breaches, .. } => breaches.first().map_or("guard", Finding::code),
            Self::Deadline { .. } => "deadline",
            Self::Stopped => "stopped",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unserved { .. }
            | Self::NotKept { .. }
            | Self::NoGeneration { .. }
            | Self::GenerationUnfit { .. }
            | Self::Merged { .. }
            | Self::MadeOfRows { .. } => Exit::Configuration,
            Self::Guard { .. } => Exit::Refused,
            Self::Deadline { .. } => Exit::Unavailable,
            Self::Stopped => Exit::Stopped,
        }
    }

    fn retry(&self) -> Retry {
        Retry::Never
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Guard { breaches, dataset, schema } if breaches.iter().all(Finding::is_drop) => Some(format!(
                "look at the rows in {schema}, also by `worker diff {dataset}`; if they are right, \
                 `worker publish {dataset} --accept-drop` publishes them, else wait for the publisher"
            )),
            Self::Guard { breaches, schema, .. } if breaches.iter().any(Finding::is_duplicates) => Some(format!(
                "look at the rows in {schema}; declare the key that the source really has, or say which of the rows \
                 counts by `duplicates`"
            )),
            Self::Guard { dataset, schema, .. } => Some(format!(
                "look at the rows in {schema}; if they are right, correct `expect` in the manifest, and \
                 `worker publish {dataset}` publishes them, else wait for the publisher"
            )),
            Self::NotKept { .. } => Some("load it: `worker load`".to_owned()),
            Self::NoGeneration { .. } => Some("say in the manifest how many to keep: `generations: 3`".to_owned()),
            Self::GenerationUnfit { .. } => Some("go back with the manifest of that time".to_owned()),
            Self::MadeOfRows { .. } => Some("load the dataset again: `worker load --force`".to_owned()),
            Self::Deadline { .. } => Some("raise `timeout` in the task-def, or give it more cpu".to_owned()),
            Self::Unserved { .. } | Self::Merged { .. } | Self::Stopped => None,
        }
    }
}
