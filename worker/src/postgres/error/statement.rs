//! One refused statement: PostgreSQL's own fields, and what each class of its codes means for a load.

use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::fault::{Exit, Fault, Retry};

/// A statement that the server refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the database would not {what}: {message}{}{} (SQLSTATE {})", said(.detail.as_ref()), at(*.row, .column.as_ref()), .state.code())]
pub struct Statement {
    /// What was attempted, in words.
    pub what: String,
    /// PostgreSQL's five-character code.
    pub state: SqlState,
    /// PostgreSQL's message.
    pub message: String,
    /// PostgreSQL's detail.
    pub detail: Option<String>,
    /// PostgreSQL's hint.
    pub hint: Option<String>,
    /// The row of a `COPY`, from 1, in the order in which rows were sent.
    pub row: Option<u64>,
    /// The column that it is about, when PostgreSQL tells.
    pub column: Option<String>,
    /// The constraint that it is about, when PostgreSQL tells.
    pub constraint: Option<String>,
    /// The place in the statement, in characters from 1, when PostgreSQL tells.
    pub position: Option<u32>,
}

fn said(detail: Option<&String>) -> String {
    detail.map_or_else(String::new, |detail| format!("; {}", detail.trim_end_matches('.')))
}

fn at(row: Option<u64>, column: Option<&String>) -> String {
    match (row, column) {
        (Some(row), Some(column)) => format!(", at row {row}, column {column}"),
        (Some(row), None) => format!(", at row {row}"),
        (None, _) => String::new(),
    }
}

impl Statement {
    pub(super) fn new(what: String, refusal: &DbError) -> Self {
        let place = refusal.where_().and_then(copy_place);
        let column = place.as_ref().and_then(|(_, column)| column.clone());
        Self {
            what,
            state: refusal.code().clone(),
            message: refusal.message().to_owned(),
            detail: refusal.detail().map(str::to_owned),
            hint: refusal.hint().map(str::to_owned),
            row: place.map(|(row, _)| row),
            column: column.or_else(|| refusal.column().map(str::to_owned)),
            constraint: refusal.constraint().map(str::to_owned),
            position: match refusal.position() {
                Some(ErrorPosition::Original(position)) => Some(*position),
                _ => None,
            },
        }
    }

    /// Whether the database lacks the extension whose types a manifest names.
    fn lacks_postgis(&self) -> bool {
        self.state == SqlState::UNDEFINED_OBJECT && self.what.starts_with("know the type geo")
    }

    fn class(&self) -> &str {
        self.state.code().get(..2).unwrap_or_default()
    }
}

/// Row and column of a context such as `COPY t, line 3, column bbl: "…"`.
fn copy_place(context: &str) -> Option<(u64, Option<String>)> {
    let line = context.lines().find(|line| line.starts_with("COPY "))?;
    let (_, after) = line.split_once(", line ")?;
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let row = after[..digits].parse().ok()?;
    let column =
        after[digits..].strip_prefix(", column ").map(|rest| rest.split(':').next().unwrap_or(rest).to_owned());
    Some((row, column))
}

impl Fault for Statement {
    fn code(&self) -> &'static str {
        match self.class() {
            // Values that a constraint, a domain or a type of the server does not take.
            "22" | "23" => "database_rejects_data",
            "53" if self.state == SqlState::DISK_FULL => "database_disk_full",
            "53" => "database_overloaded",
            "40" | "55" | "57" => "database_busy",
            _ if self.state == SqlState::INSUFFICIENT_PRIVILEGE => "database_permission",
            _ => "database_statement",
        }
    }

    fn exit(&self) -> Exit {
        match self.class() {
            "22" | "23" => Exit::Refused,
            "40" | "53" | "55" | "57" | "58" => Exit::Unavailable,
            _ if self.state == SqlState::INSUFFICIENT_PRIVILEGE => Exit::Permission,
            _ if self.lacks_postgis() => Exit::Configuration,
            _ => Exit::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self.class() {
            _ if self.state == SqlState::DISK_FULL => Retry::Never,
            "40" | "53" | "55" | "57" | "58" => Retry::Later,
            _ => Retry::Never,
        }
    }

    fn advice(&self) -> Option<String> {
        if self.state == SqlState::DISK_FULL {
            return Some("give the database more storage: a load needs room for new and old rows at once".to_owned());
        }
        if self.state == SqlState::INSUFFICIENT_PRIVILEGE {
            return Some(format!("grant the login role what is missing to {}", self.what));
        }
        if self.lacks_postgis() {
            return Some("have an owner or superuser run: CREATE EXTENSION postgis".to_owned());
        }
        self.hint.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_and_column_of_a_refused_copy_are_found() {
        assert_eq!(copy_place("COPY t, line 3, column bbl: \"x\""), Some((3, Some("bbl".to_owned()))));
        assert_eq!(copy_place("SQL function f\nCOPY t, line 12"), Some((12, None)));
        assert_eq!(copy_place("PL/pgSQL function inline_code_block line 3 at EXECUTE"), None);
    }
}
