//! How files differ from what the manifest says and can still be loaded, for people and for programs.

use std::fmt;

use manifest::Identifier;
use serde::Serialize;

use super::header::{quoted, renames};

/// A way in which a file is not quite what the manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Drift {
    /// It has columns that are not declared; they are left out.
    Extra {
        /// File and member.
        file: String,
        /// Its headers.
        headers: Vec<String>,
    },
    /// It has columns without a name between others; they are left out.
    Unnamed {
        /// File and member.
        file: String,
        /// Their places, from 1.
        fields: Vec<usize>,
    },
    /// It lacks optional columns; they are NULL.
    Absent {
        /// File and member.
        file: String,
        /// The columns.
        columns: Vec<Identifier>,
    },
    /// It lacks optional columns and has undeclared ones that are much alike; these are left out and those are NULL.
    Renamed {
        /// File and member.
        file: String,
        /// Each header, and the column that it may be.
        headers: Vec<(String, Identifier)>,
    },
    /// It has its columns in another order than the manifest. They are known by their names.
    Reordered {
        /// File and member.
        file: String,
        /// Those that stand before one that is declared before them.
        columns: Vec<Identifier>,
    },
    /// Values of a column are of another type than it is declared with; those that cannot be read are NULL.
    Retyped {
        /// The column.
        column: Identifier,
        /// Its type.
        declared: String,
        /// A type that holds all of the values that were looked at.
        fits: String,
        /// Values that could not be read.
        bad: u64,
    },
}

impl Drift {
    /// Whether it changes nothing about the rows.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::Reordered { .. })
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |columns: &[Identifier]| columns.iter().map(Identifier::as_str).collect::<Vec<_>>().join(", ");
        match self {
            Self::Extra { file, headers } => {
                write!(f, "{file} has columns that the manifest does not know: {}", quoted(headers))
            }
            Self::Unnamed { file, fields } => {
                let places: Vec<_> = fields.iter().map(ToString::to_string).collect();
                write!(f, "{file} has columns without a name, at {}", places.join(", "))
            }
            Self::Absent { file, columns } => write!(f, "{file} lacks the optional columns {}", list(columns)),
            Self::Renamed { file, headers } => {
                write!(f, "{file} may have renamed columns: {}", renames(headers.iter().map(|(from, to)| (from, to))))
            }
            Self::Reordered { file, columns } => {
                write!(f, "{file} has its columns in another order: {} before others", list(columns))
            }
            Self::Retyped { column, declared, fits, bad } => {
                write!(f, "column {column}: {bad} values are not {declared}; {fits} holds those that were looked at")
            }
        }
    }
}
