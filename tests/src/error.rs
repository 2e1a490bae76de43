//! Why a part could not be started or asked. Every message says what is missing or wrong and, where a command would
//! repair it, the command.

use std::io;

/// The result of starting or asking a part.
pub type Result<T> = std::result::Result<T, Error>;

/// What keeps a part from working.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that must be installed on the machine is absent.
    #[error("{what}; install it with: {install}")]
    Missing {
        /// What was looked for and where.
        what: String,
        /// The exact command.
        install: String,
    },
    /// A process started and did not become ready, or ended in an unexpected way.
    #[error("{what}: {detail}")]
    Failed {
        /// The part and the step.
        what: String,
        /// What was seen instead, usually the process's own words.
        detail: String,
    },
    /// The operating system refused.
    #[error("{action}: {source}")]
    Io {
        /// What was attempted, with its path or address.
        action: String,
        /// The refusal.
        source: io::Error,
    },
    /// PostgreSQL refused a statement or a connection.
    #[error("postgres: {action}: {message}")]
    Postgres {
        /// What was attempted.
        action: String,
        /// SQLSTATE and message, or the connection's error.
        message: String,
    },
    /// The AWS endpoint answered with an error.
    #[error("{call}: HTTP {status}: {code}: {message}")]
    Aws {
        /// `ecs:DescribeTaskDefinition`.
        call: String,
        /// HTTP status.
        status: u16,
        /// The error's code, without its namespace; empty when the answer has none.
        code: String,
        /// The error's message, or the answer as it is.
        message: String,
    },
}

impl Error {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    pub(crate) fn failed(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Failed { what: what.into(), detail: detail.into() }
    }
}
