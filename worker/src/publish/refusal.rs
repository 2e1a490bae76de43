//! Something on a live table that a load would lose, and what a person can do about it.

use std::fmt;

/// Something that would be lost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The table; empty where it is about several.
    pub table: String,
    /// What would be lost, by name: `trigger audit on table t`.
    pub object: String,
    /// What to do.
    pub remedy: String,
}

impl Refusal {
    pub(super) fn new(table: &str, object: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { table: table.to_owned(), object: object.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.table.is_empty() {
            write!(f, "{}: ", self.table)?;
        }
        write!(f, "{} ({})", self.object, self.remedy)
    }
}
