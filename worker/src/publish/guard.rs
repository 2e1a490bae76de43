//! Whether rows in staging are what was expected, before anybody sees them. Counting is SQL; judging is a pure function.

use std::fmt;

use manifest::dataset::{Emptiness, Expectations, Table};

use crate::postgres::identifiers::qualified;
use crate::postgres::{self, Connection};

/// What is counted of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Rows in staging.
    pub staged: u64,
    /// Rows that are live, where somebody expects something of the difference.
    pub live: Option<u64>,
}

/// Something that was expected and does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The table.
    pub table: String,
    /// What does not hold.
    pub breach: Breach,
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// No rows at all.
    Empty,
    /// Fewer rows than `rows`.
    TooFew {
        /// Rows in staging.
        staged: u64,
        /// Rows expected.
        least: u64,
    },
    /// Fewer rows than `max_drop` allows.
    Drop {
        /// Rows in staging.
        staged: u64,
        /// Rows that are live.
        live: u64,
        /// The share that may go.
        allowed: String,
    },
}

impl Finding {
    /// The error's code.
    pub fn code(&self) -> &'static str {
        match self.breach {
            Breach::Empty => "guard_empty",
            Breach::TooFew { .. } => "guard_rows",
            Breach::Drop { .. } => "guard_drop",
        }
    }

    /// Whether it depends on how many rows are usual, which a small sample need not have. No rows at all are never right.
    pub fn is_about_size(&self) -> bool {
        !matches!(self.breach, Breach::Empty)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.table;
        match &self.breach {
            Breach::Empty => write!(f, "{table} has no rows, and allow_empty is not set"),
            Breach::TooFew { staged, least } => write!(f, "{table} has {staged} rows where {least} are expected"),
            Breach::Drop { staged, live, allowed } => {
                write!(f, "{table} has {staged} rows where {live} are live, and at most {allowed} may go")
            }
        }
    }
}

/// Judges one table.
pub fn judge(table: &Table, counts: Counts) -> Vec<Finding> {
    let Expectations { rows: least, max_drop, empty, .. } = &table.expect;
    let Counts { staged, live } = counts;
    let mut breaches = Vec::new();
    if staged == 0 && *empty == Emptiness::Refused {
        breaches.push(Breach::Empty);
    }
    if staged < *least && !(staged == 0 && *empty == Emptiness::Allowed) {
        breaches.push(Breach::TooFew { staged, least: *least });
    }
    if let (Some(share), Some(live)) = (max_drop, live)
        && live.saturating_sub(staged) > share.of(live)
    {
        breaches.push(Breach::Drop { staged, live, allowed: share.to_string() });
    }
    breaches.into_iter().map(|breach| Finding { table: table.name.to_string(), breach }).collect()
}

/// Counts the rows that are live, where the manifest expects something of them. Reads the whole table under ACCESS SHARE.
pub async fn count_live(
    connection: &Connection,
    schema: &str,
    table: &Table,
    exists: bool,
) -> Result<Option<u64>, postgres::Error> {
    if table.expect.max_drop.is_none() || !exists {
        return Ok(None);
    }
    let what = format!("count the live rows of {}", table.name);
    let sql = format!("SELECT count(*) FROM {}", qualified(schema, table.name.as_str()));
    let row = connection.row(&what, &sql, &[]).await?;
    Ok(u64::try_from(row.get::<_, i64>(0)).ok())
}
