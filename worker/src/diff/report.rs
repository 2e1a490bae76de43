//! What was found, for people and for programs: one type is written as text and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// A value as PostgreSQL writes it; `None` for NULL.
pub type Value = Option<String>;

/// What differs between two sides of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The dataset.
    pub dataset: String,
    /// The schema of the newer side.
    pub new: String,
    /// The schema of the older side.
    pub old: String,
    /// Its tables that both sides have, in the order of the manifest.
    pub tables: Vec<TableDiff>,
}

/// What differs in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableDiff {
    /// The table.
    pub table: String,
    /// The columns that told rows apart; none where whole rows did.
    pub key: Vec<String>,
    /// Rows of the newer side.
    pub new_rows: u64,
    /// Rows of the older side.
    pub old_rows: u64,
    /// Columns that only the newer side has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub new_columns: Vec<String>,
    /// Columns that only the older side has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub old_columns: Vec<String>,
    /// Rows that only the newer side has.
    pub added: Differing<BTreeMap<String, Value>>,
    /// Rows that only the older side has.
    pub removed: Differing<BTreeMap<String, Value>>,
    /// Rows that both have, with other values.
    pub changed: Differing<Changed>,
}

/// Rows of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Differing<T> {
    /// How many.
    pub rows: u64,
    /// The first of them by key.
    pub examples: Vec<T>,
}

impl<T> Default for Differing<T> {
    fn default() -> Self {
        Self { rows: 0, examples: Vec::new() }
    }
}

/// A row that both sides have, with other values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its key.
    pub key: BTreeMap<String, Value>,
    /// What it was and is, by column that differs.
    pub columns: BTreeMap<String, (Value, Value)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} against {}", self.dataset, self.new, self.old)?;
        self.tables.iter().try_for_each(|table| write!(f, "{table}"))
    }
}

impl fmt::Display for TableDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.key.is_empty() { "whole rows".to_owned() } else { self.key.join(", ") };
        writeln!(f, "\n{}: {} rows against {}, by {by}", self.table, self.new_rows, self.old_rows)?;
        for (columns, which) in [(&self.new_columns, "new"), (&self.old_columns, "gone")] {
            if !columns.is_empty() {
                writeln!(f, "  columns that are {which}: {}", columns.join(", "))?;
            }
        }
        section(f, "added", &self.added, fields)?;
        section(f, "removed", &self.removed, fields)?;
        section(f, "changed", &self.changed, |changed| {
            let columns = changed.columns.iter();
            let columns = columns.map(|(column, (old, new))| format!("{column} {} → {}", shown(old), shown(new)));
            format!("{}: {}", fields(&changed.key), columns.collect::<Vec<_>>().join(", "))
        })
    }
}

fn section<T>(
    f: &mut fmt::Formatter<'_>,
    kind: &str,
    differing: &Differing<T>,
    line: impl Fn(&T) -> String,
) -> fmt::Result {
    writeln!(f, "  {kind}: {}", differing.rows)?;
    differing.examples.iter().try_for_each(|example| writeln!(f, "    {}", line(example)))?;
    match differing.rows.saturating_sub(differing.examples.len() as u64) {
        0 => Ok(()),
        more => writeln!(f, "    and {more} more"),
    }
}

fn fields(row: &BTreeMap<String, Value>) -> String {
    row.iter().map(|(column, value)| format!("{column}={}", shown(value))).collect::<Vec<_>>().join(" ")
}

fn shown(value: &Value) -> &str {
    value.as_deref().unwrap_or("NULL")
}
