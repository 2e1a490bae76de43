//! What can end a run beside the errors of its stages.

use std::time::Duration;

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
            Self::Guard { breaches } => breaches.first().map_or("guard", Finding::code),
            Self::Deadline { .. } => "deadline",
            Self::Stopped => "stopped",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unserved { .. } => Exit::Configuration,
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
            Self::Guard { .. } => Some(
                "look at the rows in the staging schema, then correct `expect` in the manifest or wait for the publisher"
                    .to_owned(),
            ),
            Self::Deadline { .. } => Some("raise `timeout` in the task-def, or give it more cpu".to_owned()),
            Self::Unserved { .. } | Self::Stopped => None,
        }
    }
}
