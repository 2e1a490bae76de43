//! Why two sides cannot be compared.

use crate::fault::{Exit, Fault};

/// Why two sides cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// There is only one side.
    #[error("{dataset} has nothing in staging and no previous generation, so that there is nothing to compare")]
    NothingElse {
        /// The dataset.
        dataset: String,
    },
    /// The sides have no table in common.
    #[error("{new} and {old} have no table of the dataset in common")]
    NoTables {
        /// The schema of one side.
        new: String,
        /// The schema of the other.
        old: String,
    },
    /// A column of the key is not there.
    #[error("{table} has no column {} on both sides", columns.join(", "))]
    NoColumn {
        /// The table.
        table: String,
        /// The columns.
        columns: Vec<String>,
    },
}

impl Fault for DiffError {
    fn code(&self) -> &'static str {
        match self {
            Self::NothingElse { .. } => "nothing_to_compare",
            Self::NoTables { .. } => "no_common_tables",
            Self::NoColumn { .. } => "column_unknown",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoColumn { .. } => Exit::Usage,
            Self::NothingElse { .. } | Self::NoTables { .. } => Exit::Configuration,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::NothingElse { .. } => {
                Some("a refused load leaves its rows in staging, and a publish what it replaced".to_owned())
            }
            Self::NoTables { .. } | Self::NoColumn { .. } => None,
        }
    }
}
