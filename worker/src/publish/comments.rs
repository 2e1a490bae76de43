//! Comments on tables, columns, indexes, constraints and identity sequences. Carried: all of them.

use crate::postgres::identifiers::{qualified, quote_ident, quote_literal};

/// What a comment is on, within one relation of a schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Commented<'a> {
    /// The table, view or materialized view itself, by PostgreSQL's word for its kind.
    Relation(&'static str),
    /// A column.
    Column(&'a str),
    /// An index.
    Index(&'a str),
    /// A constraint.
    Constraint(&'a str),
    /// A sequence.
    Sequence(&'a str),
}

/// The statement that puts a comment, or takes it away.
pub(super) fn rebuild(schema: &str, table: &str, on: &Commented<'_>, comment: Option<&str>) -> String {
    let place = match on {
        Commented::Relation(kind) => format!("{kind} {}", qualified(schema, table)),
        Commented::Column(name) => format!("COLUMN {}.{}", qualified(schema, table), quote_ident(name)),
        Commented::Index(name) => format!("INDEX {}", qualified(schema, name)),
        Commented::Constraint(name) => format!("CONSTRAINT {} ON {}", quote_ident(name), qualified(schema, table)),
        Commented::Sequence(name) => format!("SEQUENCE {}", qualified(schema, name)),
    };
    format!("COMMENT ON {place} IS {}", comment.map_or_else(|| "NULL".to_owned(), quote_literal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_put_on_what_it_is_about() {
        assert_eq!(
            rebuild("s", "t", &Commented::Column("a"), Some("it's")),
            "COMMENT ON COLUMN \"s\".\"t\".\"a\" IS 'it''s'"
        );
        assert_eq!(
            rebuild("s", "t", &Commented::Constraint("t_pkey"), None),
            "COMMENT ON CONSTRAINT \"t_pkey\" ON \"s\".\"t\" IS NULL"
        );
    }
}
