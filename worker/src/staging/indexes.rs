//! Indexes as they stand in the catalog, told so that those of two tables can be compared.

use manifest::dataset::Uniqueness;
use tokio_postgres::Row;

/// The query behind [`Index::read`]; its one parameter is the tables' `oid[]`.
pub const QUERY: &str = include_str!("indexes.sql");

/// An index of some table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// PostgreSQL's id of the table.
    pub table: u32,
    /// PostgreSQL's id of the index.
    pub oid: u32,
    /// Its name.
    pub name: String,
    /// Whether two rows may hold the same.
    pub unique: Uniqueness,
    /// The definition behind the table's name.
    pub tail: String,
    /// Its comment.
    pub comment: Option<String>,
    /// The constraint that it serves.
    pub constraint: Option<Constraint>,
    /// Whether a foreign key or the replica identity needs it.
    pub is_relied_on: bool,
}

/// A constraint that lives on an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// What it asks for.
    pub kind: ConstraintKind,
    /// All of its definition: `PRIMARY KEY (id)`.
    pub definition: String,
    /// When it is checked, with a blank before it, such as ` DEFERRABLE`; mostly empty.
    pub timing: String,
    /// Its comment.
    pub comment: Option<String>,
}

/// What a constraint on an index asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintKind {
    /// `PRIMARY KEY`.
    Primary,
    /// `UNIQUE`.
    Unique,
    /// `EXCLUDE`.
    Exclusion,
}

impl Index {
    /// Reads one row of [`QUERY`].
    pub fn read(row: &Row) -> Self {
        let kind = match row.get::<_, Option<&str>>("constraint_kind") {
            Some("p") => Some(ConstraintKind::Primary),
            Some("u") => Some(ConstraintKind::Unique),
            Some(_) => Some(ConstraintKind::Exclusion),
            None => None,
        };
        Self {
            table: row.get("table_oid"),
            oid: row.get("index_oid"),
            name: row.get("name"),
            unique: if row.get("is_unique") { Uniqueness::Unique } else { Uniqueness::Repeatable },
            tail: row.get("tail"),
            comment: row.get("comment"),
            is_relied_on: row.get("is_relied_on"),
            constraint: kind.map(|kind| Constraint {
                kind,
                definition: row.get("constraint_definition"),
                timing: row.get("constraint_timing"),
                comment: row.get("constraint_comment"),
            }),
        }
    }
}
