//! Why what follows a publish has not run. The rows are live all the same.

use crate::fault::{Exit, Fault, Retry};
use crate::postgres;

/// Why what follows a publish has not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Database(#[from] postgres::Error),
    /// A script fails.
    #[error("{file} fails: {}{}", .refusal.message, detail(.refusal.detail.as_ref()))]
    Script {
        /// Its file.
        file: String,
        /// PostgreSQL's words.
        refusal: Box<postgres::error::Statement>,
    },
    /// A script writes to a table that was just loaded.
    #[error("{file} writes to {table}, or changes what it is; the table belongs to the dataset")]
    Writes {
        /// Its file.
        file: String,
        /// The table.
        table: String,
    },
}

fn detail(detail: Option<&String>) -> String {
    detail.map_or_else(String::new, |detail| format!("; {}", detail.trim_end_matches('.')))
}

impl Fault for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Script { .. } => "after_script",
            Self::Writes { .. } => "after_writes",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Database(error) => error.exit(),
            // Syntax, names that are not there: the script is to be corrected.
            Self::Script { refusal, .. } if refusal.exit() == Exit::Internal => Exit::Configuration,
            Self::Script { refusal, .. } => refusal.exit(),
            Self::Writes { .. } => Exit::Configuration,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Database(error) => error.retry(),
            Self::Script { refusal, .. } => refusal.retry(),
            Self::Writes { .. } => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Database(error) => error.advice(),
            Self::Script { refusal, .. } => refusal.hint.clone(),
            Self::Writes { .. } => Some("write to a table of its own, or make it a table with a `query`".to_owned()),
        }
    }
}
