//! Why rows in staging did not go live. The live tables are as they were, whatever it is.

use std::fmt;

use tokio_postgres::error::SqlState;

use super::blockers::Blocker;
use super::guard::Finding;
use super::refusal::Refusal;
use super::rights::Missing;
use crate::fault::{Exit, Fault, Retry};
use crate::{ledger, postgres, staging};

/// Why rows in staging did not go live.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Database(#[from] postgres::Error),
    /// The ledger.
    #[error(transparent)]
    Ledger(ledger::Error),
    /// Staging.
    #[error(transparent)]
    Staging(staging::Error),
    /// Rights are missing.
    #[error("the login role may not {}", Joined(missing.iter().map(|m| m.what.as_str())))]
    Rights {
        /// What it may not do.
        missing: Vec<Missing>,
    },
    /// Something on a live table would be lost.
    #[error("loading {dataset} would lose what hangs on its tables: {}", Joined(refusals.iter()))]
    NotCarried {
        /// The dataset.
        dataset: String,
        /// What would be lost.
        refusals: Vec<Refusal>,
    },
    /// A live table that stays does not take the manifest's rows.
    #[error("{dataset} cannot be loaded into its live tables: {}", Joined(refusals.iter()))]
    Unfit {
        /// The dataset.
        dataset: String,
        /// What is in the way, each with what helps.
        refusals: Vec<Refusal>,
    },
    /// Something that nobody could see before the load hangs on the generation that would be dropped.
    #[error("the previous generation of {dataset} is still in use: {detail}")]
    GenerationInUse {
        /// The dataset.
        dataset: String,
        /// PostgreSQL's words.
        detail: String,
    },
    /// A table that stays would not be what was expected.
    #[error("the data did not pass: {}", Joined(findings.iter()))]
    Guard {
        /// What would not hold.
        findings: Vec<Finding>,
    },
    /// Rows do not hold what something on the live table asks for.
    #[error("the data did not pass: {}", Joined(violations.iter()))]
    Violated {
        /// What they do not hold.
        violations: Vec<Violation>,
    },
    /// The locks were not to be had.
    #[error("the tables could not be locked within {tries} tries: {}", Joined(blockers.iter()))]
    Blocked {
        /// How often it was tried.
        tries: u32,
        /// Who was in the way when that was last to be seen.
        blockers: Vec<Blocker>,
    },
    /// What goes live with the tables was not ready in time.
    #[error(
        "what goes live with the tables was not ready in time: materialized views are filled, and indexes built, before that"
    )]
    Late,
    /// A live table changed in a way that the rows in staging do not fit any more.
    #[error("{table} was changed during the load, and what was loaded does not fit it any more")]
    Changed {
        /// The table.
        table: String,
    },
    /// The connection broke at COMMIT and PostgreSQL does not tell what became of it.
    #[error("the connection was lost at COMMIT, and what became of transaction {transaction} is not known: {reason}")]
    Undecided {
        /// PostgreSQL's id of the transaction.
        transaction: String,
        /// Why nobody knows.
        reason: String,
    },
}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Self {
        match error {
            ledger::Error::Database(error) => Self::Database(error),
            error => Self::Ledger(error),
        }
    }
}

impl Error {
    /// Why a table in staging could not be made like the live one; rows may be empty where those are not.
    pub(super) fn of_dress(table: &str, error: postgres::Error) -> Self {
        match error {
            postgres::Error::Statement(refusal) if refusal.state == SqlState::NOT_NULL_VIOLATION => {
                let column = refusal.column.as_deref().unwrap_or_default();
                let object = format!("NOT NULL of column {column}");
                let violation = Violation { table: table.to_owned(), object, detail: refusal.message.clone() };
                Self::Violated { violations: vec![violation] }
            }
            error => Self::Database(error),
        }
    }
}

impl From<staging::Error> for Error {
    fn from(error: staging::Error) -> Self {
        match error {
            staging::Error::Database(error) => Self::Database(error),
            error => Self::Staging(error),
        }
    }
}

/// Something that hangs on a live table and that rows in staging do not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The table.
    pub table: String,
    /// What they do not hold, by name.
    pub object: String,
    /// PostgreSQL's words, or examples.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.table, self.object, self.detail)
    }
}

struct Joined<I>(I);

impl<I: Iterator<Item = T> + Clone, T: fmt::Display> fmt::Display for Joined<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.clone().enumerate() {
            let between = if i == 0 { "" } else { "; " };
            write!(f, "{between}{item}")?;
        }
        Ok(())
    }
}

impl Fault for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Database(error) => error.code(),
            Self::Ledger(error) => error.code(),
            Self::Staging(error) => error.code(),
            Self::Rights { .. } => "database_permission",
            Self::NotCarried { .. } => "not_carried",
            Self::Unfit { .. } => "table_differs",
            Self::GenerationInUse { .. } => "generation_in_use",
            Self::Guard { findings } => findings.first().map_or("guard", Finding::code),
            Self::Violated { .. } => "constraint_violated",
            Self::Blocked { .. } => "publish_blocked",
            Self::Late => "deadline",
            Self::Changed { .. } => "table_changed",
            Self::Undecided { .. } => "commit_unknown",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Database(error) => error.exit(),
            Self::Ledger(error) => error.exit(),
            Self::Staging(error) => error.exit(),
            Self::Rights { .. } => Exit::Permission,
            Self::NotCarried { .. } | Self::Unfit { .. } | Self::GenerationInUse { .. } => Exit::Configuration,
            Self::Guard { .. } | Self::Violated { .. } => Exit::Refused,
            Self::Blocked { .. } | Self::Late | Self::Changed { .. } | Self::Undecided { .. } => Exit::Unavailable,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Database(error) => error.retry(),
            Self::Ledger(error) => error.retry(),
            Self::Staging(error) => error.retry(),
            Self::Changed { .. } => Retry::Later,
            _ => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Database(error) => error.advice(),
            Self::Ledger(error) => error.advice(),
            Self::Staging(error) => error.advice(),
            Self::Rights { missing } => {
                let grants: Vec<&str> = missing.iter().map(|missing| missing.grant.as_str()).collect();
                Some(format!("have an owner or superuser run: {};", grants.join("; ")))
            }
            Self::NotCarried { .. } => Some("do what stands behind each of them, then load again".to_owned()),
            Self::GenerationInUse { .. } => {
                Some("make what depends on it anew, so that it finds the live table".to_owned())
            }
            Self::Guard { .. } => {
                Some("look at the rows in staging; if they are right, correct the manifest".to_owned())
            }
            Self::Violated { .. } => Some(
                "look at the rows in staging; if they are right, change what is asked of them on the live table"
                    .to_owned(),
            ),
            Self::Blocked { .. } => {
                Some("end those sessions, or load when they are idle; the loaded rows stay in staging".to_owned())
            }
            Self::Late => Some("raise `timeout` in the task-def; the loaded rows stay in staging".to_owned()),
            Self::Unfit { .. } | Self::Changed { .. } => None,
            Self::Undecided { .. } => Some("see freshet.datasets: it tells whether the rows are live".to_owned()),
        }
    }
}
