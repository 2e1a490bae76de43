//! What the database refuses, with its consequences: what was attempted, in PostgreSQL's words, what to do about it, and
//! whether another try can help. No message holds a password or a statement with one.

mod statement;

use std::path::PathBuf;

use tokio_postgres::error::SqlState;

use crate::fault::{Exit, Fault, Retry};

pub use statement::Statement;

/// What keeps the worker from the database, or the database from doing as it was told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be read.
    #[error("the database address cannot be used: {reason}")]
    Address {
        /// Why, without any part of the address.
        reason: String,
    },
    /// Trusted certificates cannot be read.
    #[error("the certificates that the database is checked against cannot be read{}: {reason}", in_file(.file.as_ref()))]
    Certificates {
        /// The file, when it is one.
        file: Option<PathBuf>,
        /// Why.
        reason: String,
    },
    /// Nobody answers.
    #[error("the database at {place} does not answer: {reason}")]
    Unreachable {
        /// Hosts and ports.
        place: String,
        /// Why.
        reason: String,
    },
    /// The connection cannot be protected as asked.
    #[error("the connection to {place} cannot be protected as its sslmode asks: {reason}")]
    Protection {
        /// Hosts and ports.
        place: String,
        /// Why.
        reason: String,
    },
    /// The password is wrong, or there is none.
    #[error("the database at {place} does not accept the password of role {user}")]
    Password {
        /// Hosts and ports.
        place: String,
        /// The login role.
        user: String,
    },
    /// The login is refused for another reason.
    #[error("the database at {place} does not let role {user} in: {reason}")]
    Login {
        /// Hosts and ports.
        place: String,
        /// The login role.
        user: String,
        /// PostgreSQL's words.
        reason: String,
    },
    /// There is no such database.
    #[error("there is no database {database} at {place}")]
    NoDatabase {
        /// Hosts and ports.
        place: String,
        /// The database.
        database: String,
    },
    /// The server is older than is served.
    #[error("the server at {place} is PostgreSQL {found}; 14 or later is needed")]
    TooOld {
        /// Hosts and ports.
        place: String,
        /// Its version.
        found: String,
    },
    /// The server does not take writes.
    #[error("the database at {place} takes no writes: {reason}")]
    ReadOnly {
        /// Hosts and ports.
        place: String,
        /// Why.
        reason: String,
    },
    /// A right is missing, found before anything was tried.
    #[error("the login role may not {what}")]
    Right {
        /// What it may not do.
        what: String,
        /// The statement that lets it, for an owner or superuser.
        grant: String,
    },
    /// The connection broke.
    #[error("the connection to the database was lost while it should {what}: {reason}")]
    Lost {
        /// What was attempted.
        what: String,
        /// Why, as far as it is known.
        reason: String,
    },
    /// The server refused a statement.
    #[error(transparent)]
    Statement(Box<Statement>),
    /// The server's answer is not what was asked for.
    #[error("the database gave an answer that was not asked for when it should {what}: {reason}")]
    Answer {
        /// What was attempted.
        what: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

fn in_file(file: Option<&PathBuf>) -> String {
    file.map_or_else(String::new, |file| format!(" from {}", file.display()))
}

impl Error {
    /// An error of a statement or of the connection under it.
    pub(super) fn during(what: &str, error: &tokio_postgres::Error) -> Self {
        let what = what.to_owned();
        if let Some(refusal) = error.as_db_error() {
            let state = refusal.code();
            // The server ended the session: shutdown, crash of a neighbour, an administrator.
            if [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN, &SqlState::CANNOT_CONNECT_NOW].contains(&state) {
                return Self::Lost { what, reason: refusal.message().to_owned() };
            }
            return Self::Statement(Box::new(Statement::new(what, refusal)));
        }
        if error.is_closed() || is_io(error) {
            return Self::Lost { what, reason: chain(error) };
        }
        Self::Answer { what, reason: chain(error) }
    }

    /// The server's code, when it refused a statement.
    pub fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Statement(statement) => Some(&statement.state),
            _ => None,
        }
    }

    /// Whether nobody was there to take writes, which may pass.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Unreachable { .. } | Self::ReadOnly { .. })
    }

    /// Whether the server refused with this code.
    pub fn is(&self, state: &SqlState) -> bool {
        self.state() == Some(state)
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// An error and its causes in one line, without the driver's name for what PostgreSQL says itself.
pub(super) fn chain(error: &tokio_postgres::Error) -> String {
    if let Some(refusal) = error.as_db_error() {
        return refusal.message().to_owned();
    }
    let error: &dyn std::error::Error = error;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

impl Fault for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "database_address",
            Self::Certificates { .. } => "database_certificates",
            Self::Unreachable { .. } => "database_unreachable",
            Self::Protection { .. } => "database_protection",
            Self::Password { .. } => "database_password",
            Self::Login { .. } => "database_login",
            Self::NoDatabase { .. } => "database_missing",
            Self::TooOld { .. } => "database_version",
            Self::ReadOnly { .. } => "database_read_only",
            Self::Right { .. } => "database_permission",
            Self::Lost { .. } => "database_lost",
            Self::Statement(statement) => statement.code(),
            Self::Answer { .. } => "database_answer",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Address { .. }
            | Self::Certificates { .. }
            | Self::Protection { .. }
            | Self::NoDatabase { .. }
            | Self::TooOld { .. } => Exit::Configuration,
            Self::Unreachable { .. } | Self::ReadOnly { .. } | Self::Lost { .. } => Exit::Unavailable,
            Self::Password { .. } | Self::Login { .. } | Self::Right { .. } => Exit::Permission,
            Self::Statement(statement) => statement.exit(),
            Self::Answer { .. } => Exit::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            // A failover ends in a server that takes writes.
            Self::Unreachable { .. } | Self::ReadOnly { .. } | Self::Lost { .. } => Retry::Later,
            Self::Statement(statement) => statement.retry(),
            _ => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Address { .. } => "correct the secret DATABASE_URL: postgres://user:password@host:5432/database, \
                 with what is not a letter or digit in the password percent-encoded"
                .to_owned(),
            Self::Certificates { .. } => "name a readable PEM file in sslrootcert, or leave it out".to_owned(),
            Self::Unreachable { .. } => {
                "check host and port, that the server runs, and that the security group lets this task in".to_owned()
            }
            Self::Protection { .. } => {
                "trust its issuer with sslrootcert=FILE, or, if the network in between is yours, set sslmode=require"
                    .to_owned()
            }
            Self::Password { .. } => {
                "correct the secret DATABASE_URL, or set the role's password with ALTER ROLE … PASSWORD".to_owned()
            }
            Self::Login { .. } => {
                "let the role log in from here: ALTER ROLE … LOGIN, and pg_hba.conf (on RDS: rds.force_ssl)".to_owned()
            }
            Self::NoDatabase { .. } => "correct the database's name in DATABASE_URL, or create it".to_owned(),
            Self::TooOld { .. } => "upgrade the server".to_owned(),
            Self::ReadOnly { .. } => "name the writer in DATABASE_URL, not a replica".to_owned(),
            Self::Right { grant, .. } => format!("have an owner or superuser run: {grant}"),
            Self::Lost { .. } | Self::Answer { .. } => return None,
            Self::Statement(statement) => return statement.advice(),
        })
    }
}
