//! What keeps rows out of staging.

use crate::fault::{Exit, Fault, Retry};
use crate::postgres;

/// What keeps rows out of staging.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Database(#[from] postgres::Error),
    /// A schema of that name is somebody else's.
    #[error("the schema {schema} exists and was not made by this worker")]
    Foreign {
        /// Its name.
        schema: String,
    },
    /// A query of a derived table does not run.
    #[error("the query of {table} ({file}) failed: {reason}")]
    Query {
        /// The table.
        table: String,
        /// The query's file.
        file: String,
        /// PostgreSQL's words.
        reason: String,
    },
    /// A key that should be unique is not.
    #[error("rows of {table} share a key that should be unique ({index}): {detail}")]
    Duplicates {
        /// The table.
        table: String,
        /// The index that could not be built.
        index: String,
        /// PostgreSQL's words, with the first such key.
        detail: String,
    },
}

impl Fault for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Foreign { .. } => "staging_foreign",
            Self::Query { .. } => "query",
            Self::Duplicates { .. } => "duplicate_keys",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Database(error) => error.exit(),
            Self::Foreign { .. } | Self::Query { .. } => Exit::Configuration,
            Self::Duplicates { .. } => Exit::Refused,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Database(error) => error.retry(),
            _ => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Database(error) => error.advice(),
            Self::Foreign { schema } => Some(format!("rename the schema {schema}, or drop it if it is nobody's")),
            Self::Query { .. } => {
                Some("a query only reads, and runs in a transaction that lets it do no more".to_owned())
            }
            Self::Duplicates { .. } => {
                Some("declare the key that the source really has, or make the index one that is not unique".to_owned())
            }
        }
    }
}
