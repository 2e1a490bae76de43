//! What one query reads, by PostgreSQL's own record of it, and what that means for a table of a dataset.

use std::collections::BTreeSet;

use manifest::Identifier;
use tokio_postgres::Row;

use crate::postgres::identifiers::{qualified, quote_ident};
use crate::publish::Missing;

/// The query behind [`Read::of`].
pub(super) const QUERY: &str = include_str!("reads.sql");

/// A relation or function that a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) schema: String,
    pub(super) name: String,
    kind: Kind,
    /// The view that it is read through, when the query does not name it itself.
    pub(super) through: Option<String>,
    enterable: bool,
    readable: bool,
    /// The dataset that publishes it.
    dataset: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its rows are those of other relations, which are read through it.
    View,
    Rows,
    Function,
}

impl Read {
    pub(super) fn of(row: &Row) -> Self {
        Self {
            schema: row.get("schema_name"),
            name: row.get("name"),
            kind: match row.get("kind") {
                "v" => Kind::View,
                "function" => Kind::Function,
                _ => Kind::Rows,
            },
            through: row.get("through"),
            enterable: row.get("enterable"),
            readable: row.get("readable"),
            dataset: row.get("dataset"),
        }
    }

    pub(super) fn spelled(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// What the role that runs the query of `table` may not do.
    pub(super) fn missing(&self, table: &Identifier, role: &str) -> Vec<Missing> {
        let (place, to) = (self.spelled(), quote_ident(role));
        let why = format!("which the query of {table} reads");
        let mut missing = Vec::new();
        if !self.enterable {
            let grant = format!("GRANT USAGE ON SCHEMA {} TO {to}", quote_ident(&self.schema));
            missing.push(Missing { what: format!("let role {role} enter the schema of {place}, {why}"), grant });
        }
        if !self.readable {
            let grant = format!("GRANT SELECT ON {} TO {to}", qualified(&self.schema, &self.name));
            missing.push(Missing { what: format!("let role {role} read {place}, {why}"), grant });
        }
        missing
    }

    /// Whether nobody notes when it changes. `tracked` are the datasets whose generations are compared.
    pub(super) fn is_untracked(&self, tracked: &BTreeSet<&str>) -> bool {
        match self.kind {
            Kind::View => false,
            Kind::Function => true,
            Kind::Rows => !self.dataset.as_deref().is_some_and(|dataset| tracked.contains(dataset)),
        }
    }

    /// The dataset to depend on, so that its changes are noticed.
    pub(super) fn undeclared(&self, tracked: &BTreeSet<&str>) -> Option<&str> {
        self.dataset.as_deref().filter(|dataset| !tracked.contains(dataset))
    }
}
