//! What keeps a run from the ledger, or the ledger from letting it run.

use crate::fault::{Exit, Fault, Retry};
use crate::postgres;

use super::lease::Holder;
use super::run::RunId;

/// What keeps a run from the ledger, or the ledger from letting it run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Database(#[from] postgres::Error),
    /// Another run of the dataset was at work to the deadline.
    #[error("another run of {dataset} held the lease to the deadline: {holder}")]
    Leased {
        /// The dataset.
        dataset: String,
        /// Who holds it.
        holder: Holder,
    },
    /// A later worker has changed the ledger in a way that this one cannot use.
    #[error("the ledger has version {found}, which needs a worker of at least version {least}; this one has {ours}")]
    Newer {
        /// Its version.
        found: i32,
        /// The oldest version that can use it.
        least: i32,
        /// The version of this worker.
        ours: i32,
    },
    /// Another run took over because our lease was gone.
    #[error("run {run} is {state} in the ledger, so that it may not publish: another run has taken over")]
    Fenced {
        /// This run.
        run: RunId,
        /// What the ledger says.
        state: String,
    },
}

impl Fault for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Leased { .. } => "leased",
            Self::Newer { .. } => "ledger_version",
            Self::Fenced { .. } => "fenced",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Database(error) => error.exit(),
            Self::Leased { .. } | Self::Fenced { .. } => Exit::Leased,
            Self::Newer { .. } => Exit::Configuration,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Database(error) => error.retry(),
            Self::Leased { .. } | Self::Newer { .. } | Self::Fenced { .. } => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Database(error) => error.advice(),
            Self::Leased { .. } => {
                Some("give the task-def a longer timeout, or the schedules more distance".to_owned())
            }
            Self::Newer { .. } => Some("deploy the newer image, or unpin the dataset's definition".to_owned()),
            Self::Fenced { .. } => None,
        }
    }
}
