//! Views that read the live tables. Carried: each stays the object that it is, with owner, rights, comments and all that
//! hangs on it in turn, and is bound to the new table by `CREATE OR REPLACE VIEW` with its options, which would be reset
//! otherwise. Views over views need nothing, but are locked first. Refused: views that PostgreSQL would not replace because
//! a column that they read goes or changes its type.

use std::collections::BTreeSet;

use manifest::dataset::Table;
use tokio_postgres::Row;

use super::columns::{LiveColumn, Types};
use super::refusal::Refusal;
use super::rights::{Missing, Owner};
use crate::postgres::identifiers::{qualified, quote_ident, quote_literal};
use crate::postgres::{self, Acting, Connection};

pub(super) const QUERY: &str = include_str!("views.sql");
pub(super) const COLUMNS: &str = include_str!("view_columns.sql");

/// A view that reads a live table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    owner: Owner,
    login_creates: bool,
    storage: Stored,
    lasting: Lasting,
    /// What it is bound by again; only where it reads a table itself.
    binding: Option<Binding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Plain,
    Materialized,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lasting {
    Permanent,
    Temporary,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    /// Its `SELECT`, all names qualified, and a semicolon at the end.
    definition: String,
    /// Its options, each `name=value`.
    options: Vec<String>,
}

/// A column of a live table that a view reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    view: String,
    table: u32,
    column: String,
}

impl View {
    pub(super) fn read(row: &Row) -> Self {
        let definition: Option<String> = row.get("definition");
        Self {
            oid: row.get("oid"),
            schema: row.get("schema_name"),
            name: row.get("name"),
            owner: Owner {
                name: row.get("owner"),
                inherited: row.get("inherits"),
                reachable: row.get("can_set"),
                creates: row.get("owner_creates"),
            },
            login_creates: row.get("login_creates"),
            storage: if row.get::<_, &str>("kind") == "v" { Stored::Plain } else { Stored::Materialized },
            lasting: if row.get::<_, &str>("persistence") == "t" { Lasting::Temporary } else { Lasting::Permanent },
            binding: definition.map(|definition| Binding { definition, options: row.get("options") }),
        }
    }

    pub(super) fn is_direct(&self) -> bool {
        self.binding.is_some()
    }

    /// Materialized views over views keep their rows until somebody refreshes them, as they always do.
    pub(super) fn is_materialized(&self) -> bool {
        self.storage == Stored::Materialized
    }

    /// As whom it is replaced. Meaningful where nothing was found missing.
    fn acting(&self, login: &str, missing: &mut BTreeSet<Missing>) -> Acting {
        self.owner.placing(login, self.login_creates, &self.schema, missing)
    }

    /// What is missing to replace it.
    pub(super) fn refuse_rights(&self, login: &str, missing: &mut BTreeSet<Missing>) {
        if self.is_direct() {
            self.acting(login, missing);
        }
    }

    /// The statement that takes ACCESS EXCLUSIVE on the view and nothing else, and as whom; `None` where that is not ours
    /// to do, and then nothing of it changes either. It names the owner that the view has. `LOCK TABLE` would lock every
    /// table that the view reads as well, also those of others, with the rights of the view's owner.
    pub(super) fn lock(&self, login: &str) -> Option<(Acting, String)> {
        let mut missing = BTreeSet::new();
        let acting = self.acting(login, &mut missing);
        let ours = missing.is_empty() && !self.is_materialized() && self.lasting == Lasting::Permanent;
        ours.then(|| {
            let view = qualified(&self.schema, &self.name);
            (acting, format!("ALTER VIEW {view} OWNER TO {}", quote_ident(&self.owner.name)))
        })
    }

    /// The statement that binds it to the table that now has the name, and as whom. The view is locked already.
    pub(super) fn rebind(&self, login: &str) -> Option<(Acting, String)> {
        let binding = self.binding.as_ref()?;
        let options = if binding.options.is_empty() {
            String::new()
        } else {
            let spelled = binding.options.iter().map(|option| {
                let (name, value) = option.split_once('=').unwrap_or((option, "true"));
                format!("{} = {}", quote_ident(name), quote_literal(value))
            });
            format!(" WITH ({})", spelled.collect::<Vec<_>>().join(", "))
        };
        let select = binding.definition.trim().trim_end_matches(';');
        let sql = format!("CREATE OR REPLACE VIEW {}{options} AS {select}", qualified(&self.schema, &self.name));
        Some((self.acting(login, &mut BTreeSet::new()), sql))
    }

    /// Whether PostgreSQL reads its own words back, as the role that will replace it.
    ///
    /// # Errors
    /// The database's own; the transaction that is open can then only be rolled back.
    pub(super) async fn rehearse(&self, connection: &Connection, login: &str) -> Result<(), postgres::Error> {
        let (Some(binding), Some((acting, _))) = (&self.binding, self.rebind(login)) else { return Ok(()) };
        let what = format!("read the definition of view {}", self.name);
        connection.batch(&what, &acting.set_local()).await?;
        connection.prepare(&what, binding.definition.trim().trim_end_matches(';'), &[]).await?;
        Ok(())
    }
}

impl Reading {
    pub(super) fn read(row: &Row) -> Self {
        let (schema, view): (String, String) = (row.get("schema_name"), row.get("view_name"));
        Self { view: format!("{schema}.{view}"), table: row.get("table_oid"), column: row.get("column_name") }
    }
}

/// Views that PostgreSQL would not replace.
pub(super) fn refuse(
    table: &Table,
    oid: u32,
    live: &[LiveColumn],
    types: &Types,
    readings: &[Reading],
) -> Vec<Refusal> {
    let mut refused = Vec::new();
    for reading in readings.iter().filter(|reading| reading.table == oid) {
        let declared = table.columns.iter().find(|column| column.name.as_str() == reading.column);
        let kept = live.iter().find(|column| column.name == reading.column);
        // A column that goes is refused anyway, whoever reads it.
        let (Some(declared), Some(kept)) = (declared.and_then(|column| types.of(column)), kept) else { continue };
        if *declared != kept.column_type {
            refused.push(Refusal::new(
                table.name.as_str(),
                format!("view {}", reading.view),
                format!(
                    "it reads column {}, which is {} and would become {}: drop the view and make it again afterwards",
                    reading.column, kept.column_type.name, declared.name
                ),
            ));
        }
    }
    refused
}

/// Views of other sessions that end with them.
pub(super) fn refuse_temporary(table: &str, views: &[View]) -> Vec<Refusal> {
    let temporary = views.iter().filter(|view| view.lasting == Lasting::Temporary && view.is_direct());
    temporary
        .map(|view| {
            Refusal::new(
                table,
                format!("temporary view {}", view.name),
                "it is another session's and cannot be bound again: end that session, or wait for its end",
            )
        })
        .collect()
}
