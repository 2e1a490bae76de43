//! Why a table could not be read. Each error names the source's file, and the archive's member where there is one.

use manifest::Identifier;
use manifest::dataset::Table;

use super::header::HeaderError;
use super::patch::Patch;
use super::unserved::Unserved;
use crate::fault::{Exit, Fault, Retry};
use crate::format::{FormatError, UnknownEncoding};
use crate::postgres;
use crate::source::SourceError;

/// A table that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes did not come.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The bytes are not what the manifest says.
    #[error("{file}: {error}")]
    Format {
        /// File and member.
        file: String,
        /// What is wrong.
        error: FormatError,
    },
    /// The header row is not what the manifest says.
    #[error("table {table}: {file}: {error}")]
    Header {
        /// The table.
        table: Identifier,
        /// File and member.
        file: String,
        /// What is wrong.
        error: Box<HeaderError>,
    },
    /// An encoding that does not exist.
    #[error("{file}: {error}")]
    Encoding {
        /// The source's file.
        file: String,
        /// What is wrong.
        error: UnknownEncoding,
    },
    /// Coordinates of another reference system than the column's.
    #[error(
        "{file}: its coordinates are of reference system {of_source}, and the column `{column}` declares {declared}"
    )]
    Srid {
        /// File and member.
        file: String,
        /// The column.
        column: Identifier,
        /// Its number in the manifest.
        declared: u32,
        /// The one that the source names.
        of_source: u32,
    },
    /// Another database did not give its rows.
    #[error("{file}: {error}")]
    Database {
        /// The source's file.
        file: String,
        /// What it said.
        error: Box<postgres::Error>,
    },
    /// A query of another database has not the columns of the table.
    #[error("table {table}: {file}: {}", wrong.join("; "))]
    Columns {
        /// The table.
        table: Identifier,
        /// The source's file.
        file: String,
        /// What differs, each in a few words.
        wrong: Vec<String>,
    },
    /// Something that this version of the worker does not do.
    #[error("{0}")]
    Unserved(Unserved),
}

impl ReadError {
    /// An error of the format of a file; one of its source stays what it is.
    pub(crate) fn format(file: impl Into<String>, error: FormatError) -> Self {
        match error {
            FormatError::Source(error) => Self::Source(*error),
            error => Self::Format { file: file.into(), error },
        }
    }
}

impl ReadError {
    /// Lines of the table in the manifest that would repair it, where any would.
    pub fn patch(&self, table: &Table) -> Patch {
        match self {
            Self::Header { error, .. } => Patch::of_header(table, error),
            _ => Patch::default(),
        }
    }
}

impl Fault for ReadError {
    fn code(&self) -> &'static str {
        match self {
            Self::Source(error) => error.code(),
            Self::Format { error, .. } => error.code(),
            Self::Header { error, .. } => error.code(),
            Self::Encoding { .. } => "encoding",
            Self::Srid { .. } => "srid_mismatch",
            Self::Database { error, .. } => error.code(),
            Self::Columns { .. } => "source_columns",
            Self::Unserved(_) => "unserved",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Source(error) => error.exit(),
            Self::Format { error, .. } => error.exit(),
            Self::Header { .. } | Self::Srid { .. } | Self::Columns { .. } => Exit::Refused,
            Self::Database { error, .. } => error.exit(),
            Self::Encoding { .. } | Self::Unserved(_) => Exit::Configuration,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Source(error) => error.retry(),
            Self::Format { error, .. } => error.retry(),
            Self::Database { error, .. } => error.retry(),
            _ => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.advice(),
            Self::Format { error, .. } => error.advice(),
            Self::Header { error, .. } => error.advice(),
            Self::Srid { column, of_source, .. } => Some(format!(
                "declare {of_source} for `{column}`; a table with a `query:` can ST_Transform it into another"
            )),
            Self::Database { error, .. } => error.advice(),
            Self::Columns { .. } => {
                Some("name and cast the columns in the query, as in `price::numeric(12,2) AS price`".into())
            }
            _ => None,
        }
    }
}
