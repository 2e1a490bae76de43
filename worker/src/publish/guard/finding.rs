//! What does not hold of rows in staging, in words that say what was expected and what is there.

use std::fmt;

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
    /// More rows would be deleted than `max_deletes` allows.
    Deletes {
        /// Rows that the source does not hold.
        gone: u64,
        /// Rows that are live.
        live: u64,
        /// The share that may go.
        allowed: String,
    },
    /// More NULLs than `max_nulls` allows.
    Nulls {
        /// The column.
        column: String,
        /// How many.
        nulls: u64,
        /// Of how many rows.
        staged: u64,
        /// The share that may be NULL.
        allowed: String,
    },
    /// More NULLs beyond those that are live than `max_null_jump` allows.
    NullJump {
        /// The column.
        column: String,
        /// How many in staging, of how many rows.
        staged: (u64, u64),
        /// How many are live, of how many rows.
        live: (u64, u64),
        /// The share that may be added.
        allowed: String,
    },
    /// The newest value is older than `latest` allows.
    Old {
        /// The column.
        column: String,
        /// Its age in seconds; `None` when there is no value.
        age: Option<i64>,
        /// The age that it may have.
        allowed: String,
    },
    /// The newest value lies before the newest that is live.
    Back {
        /// The column.
        column: String,
        /// The newest in staging; `None` when there is no value.
        staged: Option<String>,
        /// The newest that is live.
        live: String,
    },
    /// Rows share a key that should be unique.
    Duplicates {
        /// The index that could not be built.
        index: String,
        /// How many keys stand more than once; `None` when PostgreSQL named only the first.
        keys: Option<u64>,
        /// The first of them.
        examples: Vec<DuplicateKey>,
    },
    /// A check found rows that should not be there.
    Check {
        /// The check.
        name: String,
        /// How many rows.
        rows: u64,
        /// The first of them, column by column.
        examples: Vec<String>,
    },
}

/// A key that stands more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateKey {
    /// Its columns and values: `bbl=1000010001`.
    pub key: String,
    /// How often it stands there.
    pub times: u64,
    /// Where the first of its rows came from, as far as that is known.
    pub places: Vec<String>,
}

impl Finding {
    /// The error's code.
    pub fn code(&self) -> &'static str {
        match self.breach {
            Breach::Empty => "guard_empty",
            Breach::TooFew { .. } => "guard_rows",
            Breach::Drop { .. } => "guard_drop",
            Breach::Deletes { .. } => "guard_deletes",
            Breach::Nulls { .. } => "guard_nulls",
            Breach::NullJump { .. } => "guard_null_jump",
            Breach::Old { .. } => "guard_latest",
            Breach::Back { .. } => "guard_back",
            Breach::Duplicates { .. } => "duplicate_keys",
            Breach::Check { .. } => "guard_check",
        }
    }

    /// Whether a small sample of old rows must pass it too: that it has rows at all, each once, and no more.
    pub fn binds_samples(&self) -> bool {
        matches!(self.breach, Breach::Empty | Breach::Duplicates { .. } | Breach::Deletes { .. })
    }

    /// Whether `--accept-drop` lets it pass: nothing but that there are fewer rows than are live, or would be.
    pub fn is_drop(&self) -> bool {
        matches!(self.breach, Breach::Drop { .. } | Breach::Deletes { .. })
    }

    /// Whether rows share a key, which no correction of `expect` helps against.
    pub fn is_duplicates(&self) -> bool {
        matches!(self.breach, Breach::Duplicates { .. })
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
            Breach::Deletes { gone, live, allowed } => {
                write!(f, "{table}: the source lacks {gone} of {live} live rows, and at most {allowed} may be deleted")
            }
            Breach::Nulls { column, nulls, staged, allowed } => {
                write!(f, "{table}.{column} is NULL in {nulls} of {staged} rows, and at most {allowed} may be")
            }
            Breach::NullJump { column, staged: (nulls, rows), live: (live_nulls, live_rows), allowed } => write!(
                f,
                "{table}.{column} is NULL in {nulls} of {rows} rows where it is in {live_nulls} of {live_rows} that are \
                 live, and at most {allowed} may be added"
            ),
            Breach::Old { column, age: Some(age), allowed } => {
                write!(f, "the newest {table}.{column} is {} h old, and at most {allowed} are expected", age / 3_600)
            }
            Breach::Old { column, age: None, allowed } => {
                write!(f, "{table}.{column} holds no value, and one at most {allowed} old is expected")
            }
            Breach::Back { column, staged: Some(staged), live } => {
                write!(f, "the newest {table}.{column} is {staged}, which lies before {live}, which is live")
            }
            Breach::Back { column, staged: None, live } => {
                write!(f, "{table}.{column} holds no value, and {live} is live")
            }
            Breach::Duplicates { index, keys, examples } => {
                write!(f, "rows of {table} share a key that should be unique ({index})")?;
                if let Some(keys) = keys {
                    write!(f, ": {keys} {} more than once", if *keys == 1 { "key stands" } else { "keys stand" })?;
                }
                list(f, examples, keys.unwrap_or(1))
            }
            Breach::Check { name, rows, examples } => {
                write!(
                    f,
                    "{table} does not pass the check {name}: {rows} {}",
                    if *rows == 1 { "row" } else { "rows" }
                )?;
                list(f, examples, *rows)
            }
        }
    }
}

impl fmt::Display for DuplicateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if self.times > 2 {
            write!(f, " ({} times)", self.times)?;
        }
        if self.places.is_empty() { Ok(()) } else { write!(f, " at {}", self.places.join(", ")) }
    }
}

/// `: this; that; and 3 more`.
fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, examples: &[T], all: u64) -> fmt::Result {
    for (i, example) in examples.iter().enumerate() {
        write!(f, "{} {example}", if i == 0 { ":" } else { ";" })?;
    }
    match all.saturating_sub(examples.len() as u64) {
        0 => Ok(()),
        _ if examples.is_empty() => Ok(()),
        more => write!(f, "; and {more} more"),
    }
}
