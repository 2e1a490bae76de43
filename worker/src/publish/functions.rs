//! Functions and procedures whose body PostgreSQL has parsed (`BEGIN ATOMIC`): they are bound to a table and not to its name.
//! Carried: each stays the object that it is, with owner, rights and comment, and is bound to the new table by `CREATE OR
//! REPLACE`. A body in quotes finds the new table by itself.

use std::collections::BTreeSet;

use tokio_postgres::Row;

use super::rights::{Missing, Owner};
use crate::postgres::Acting;

pub(super) const QUERY: &str = include_str!("functions.sql");

/// A function or procedure that is bound to a live table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) oid: u32,
    /// As PostgreSQL describes it: `function public.total()`.
    pub(super) described: String,
    schema: String,
    owner: Owner,
    login_creates: bool,
    /// `CREATE OR REPLACE FUNCTION …`, all names qualified.
    definition: String,
}

impl Function {
    pub(super) fn read(row: &Row) -> Self {
        Self {
            oid: row.get("oid"),
            described: row.get("described"),
            schema: row.get("schema_name"),
            owner: Owner::read(row),
            login_creates: row.get("login_creates"),
            definition: row.get("definition"),
        }
    }

    /// As whom it is replaced. Meaningful where nothing was found missing.
    pub(super) fn mover(&self, login: &str) -> Acting {
        self.owner.placing(login, self.login_creates, &self.schema, &mut BTreeSet::new())
    }

    /// What is missing to replace it.
    pub(super) fn refuse_rights(&self, login: &str, missing: &mut BTreeSet<Missing>) {
        self.owner.placing(login, self.login_creates, &self.schema, missing);
    }

    /// The statement that binds it to the table that now has the name, and as whom. Takes no lock but on its catalog row.
    pub(super) fn rebind(&self, login: &str) -> (Acting, String) {
        (self.mover(login), self.definition.trim().to_owned())
    }
}
