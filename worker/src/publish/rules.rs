//! Rules of views that write to the live tables: `ON INSERT TO v DO INSTEAD INSERT INTO t …`. Carried: each stays the object
//! that it is, with its state and comment, and is bound to the new table by `CREATE OR REPLACE RULE`. Refused, as `others`:
//! rules of tables.

use std::collections::BTreeSet;

use tokio_postgres::Row;

use super::rights::{Missing, Owner};
use crate::postgres::Acting;
use crate::postgres::identifiers::{qualified, quote_ident};

pub(super) const QUERY: &str = include_str!("rules.sql");

/// A rule of a view that is bound to a live table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) oid: u32,
    pub(super) view: u32,
    name: String,
    pub(super) schema: String,
    pub(super) view_name: String,
    owner: Owner,
    /// `CREATE RULE …`, all names qualified.
    definition: String,
}

impl Rule {
    pub(super) fn read(row: &Row) -> Self {
        Self {
            oid: row.get("oid"),
            view: row.get("view_oid"),
            name: row.get("name"),
            schema: row.get("schema_name"),
            view_name: row.get("view_name"),
            owner: Owner::read(row),
            definition: row.get("definition"),
        }
    }

    /// What a message calls it.
    pub(super) fn describe(&self) -> String {
        format!("rule {} on view {}.{}", self.name, self.schema, self.view_name)
    }

    /// As whom it is replaced. Meaningful where nothing was found missing.
    pub(super) fn mover(&self, login: &str) -> Acting {
        // Who owns the view owns its rules; nothing is created in its schema.
        self.owner.touching(login, &mut BTreeSet::new())
    }

    /// What is missing to replace it.
    pub(super) fn refuse_rights(&self, login: &str, missing: &mut BTreeSet<Missing>) {
        self.owner.touching(login, missing);
    }

    /// The statement that takes ACCESS EXCLUSIVE on its view and nothing else, and as whom.
    pub(super) fn lock(&self, login: &str) -> (Acting, String) {
        let view = qualified(&self.schema, &self.view_name);
        (self.mover(login), format!("ALTER VIEW {view} OWNER TO {}", quote_ident(&self.owner.name)))
    }

    /// The statement that binds it to the table that now has the name, and as whom. Its view is locked already.
    pub(super) fn rebind(&self, login: &str) -> (Acting, String) {
        (self.mover(login), or_replace(&self.definition))
    }
}

/// `CREATE OR REPLACE RULE` from PostgreSQL's own `CREATE RULE`.
pub(super) fn or_replace(definition: &str) -> String {
    let rest = definition.trim().trim_end_matches(';');
    format!("CREATE OR REPLACE RULE{}", rest.strip_prefix("CREATE RULE").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_replaced_in_postgresqls_own_words() {
        assert_eq!(
            or_replace("CREATE RULE r AS\n    ON INSERT TO public.v DO INSTEAD NOTHING;"),
            "CREATE OR REPLACE RULE r AS\n    ON INSERT TO public.v DO INSTEAD NOTHING"
        );
    }
}
