//! What reads the live tables, made once over empty tables of the manifest's shape and rolled back: a definition that does
//! not hold over the new columns, or comes out with other columns itself, is refused before anything is loaded.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Dataset;
use manifest::dataset::DependentViews;

use super::attached::path;
use super::fit::said_no;
use super::inventory::Inventory;
use super::refusal::Refusal;
use super::views::View;
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Acting, Connection};

const WHAT: &str = "rehearse what reads the live tables";
const DEFINITIONS: &str = include_str!("rebinding.sql");
const DIFFERENCE: &str = include_str!("view_columns.sql");

/// A rehearsal in a transaction that will be rolled back, in a schema that holds the empty tables.
struct Rehearsal<'a> {
    connection: &'a Connection,
    schema: &'a str,
    login: &'a str,
    /// Under which names of the live ones stand bare, but those of the rehearsal come first.
    path: String,
    /// By kind and PostgreSQL's id.
    definitions: BTreeMap<(String, u32), String>,
    dataset: &'a Dataset,
    verdict: Verdict,
}

/// What a rehearsal showed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Verdict {
    /// Views that must be made anew, and may be, by PostgreSQL's ids.
    pub(super) recreated: BTreeSet<u32>,
    pub(super) refusals: Vec<Refusal>,
}

/// Rehearses all of it.
///
/// # Errors
/// The database's own; refusals are what comes out.
pub(super) async fn rehearse(
    connection: &Connection,
    inventory: &Inventory,
    schema: &str,
    dataset: &Dataset,
) -> Result<Verdict, postgres::Error> {
    let schemas = inventory.schemas_of_readers();
    let schemas: Vec<&str> = schemas.iter().map(String::as_str).collect();
    let views: Vec<u32> = inventory.views.iter().map(|view| view.oid).collect();
    let functions: Vec<u32> = inventory.functions.iter().map(|function| function.oid).collect();
    let rules: Vec<u32> = inventory.rules.iter().map(|rule| rule.oid).collect();
    connection.batch(WHAT, &format!("SET LOCAL search_path = {}", path(&schemas))).await?;
    let rows = connection.rows(WHAT, DEFINITIONS, &[&views, &functions, &rules]).await?;
    let ahead: Vec<&str> = std::iter::once(schema).chain(schemas).collect();
    let mut rehearsal = Rehearsal {
        connection,
        schema,
        login: inventory.login(),
        path: path(&ahead),
        definitions: rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect(),
        dataset,
        verdict: Verdict::default(),
    };
    rehearsal.views(inventory).await?;
    for function in &inventory.functions {
        let Some(definition) = rehearsal.definition("function", function.oid) else { continue };
        let named = function.described.clone();
        rehearsal.try_out(&function.mover(inventory.login()), &definition, ("", &named)).await?;
    }
    for rule in &inventory.rules {
        let Some(definition) = rehearsal.definition("rule", rule.oid) else { continue };
        let stand_in = format!(
            "CREATE OR REPLACE VIEW {} AS SELECT * FROM {}; ",
            qualified(schema, &rule.view_name),
            qualified(&rule.schema, &rule.view_name)
        );
        // One that is made anew stands there already.
        let stands = rehearsal.verdict.recreated.contains(&rule.view);
        let sql = format!("{}{definition}", if stands { "" } else { &stand_in });
        rehearsal.try_out(&rule.mover(inventory.login()), &sql, ("", &rule.describe())).await?;
    }
    Ok(rehearsal.verdict)
}

impl Rehearsal<'_> {
    fn definition(&self, kind: &str, oid: u32) -> Option<String> {
        let definition = self.definitions.get(&(kind.to_owned(), oid))?;
        Some(definition.trim().trim_end_matches(';').to_owned())
    }

    /// Innermost first, so that each finds what it reads.
    async fn views(&mut self, inventory: &Inventory) -> Result<(), postgres::Error> {
        let mut replaced: BTreeSet<u32> = inventory.live.values().map(|live| live.oid).collect();
        // What the manifest says anew of a view of its own is no longer what hangs on the tables.
        let is_anew = |view: &View| {
            view.schema == self.dataset.schema.as_str()
                && self.dataset.views.iter().any(|own| own.name.as_str() == view.name)
        };
        let carried: Vec<&View> =
            inventory.views.iter().rev().filter(|view| view.is_carried() && !is_anew(view)).collect();
        for view in carried {
            if view.reads_any(&replaced) && self.view(inventory.table_of(view), view).await? {
                replaced.insert(view.oid);
            }
        }
        Ok(())
    }

    /// Whether another takes its place, which is then there under its own name for those that read it.
    async fn view(&mut self, table: &str, view: &View) -> Result<bool, postgres::Error> {
        let Some(query) = self.definition("view", view.oid) else { return Ok(false) };
        let (kind, rows) = (view.kind(), if view.is_materialized() { " WITH NO DATA" } else { "" });
        let (name, acting) = (format!("rehearsal of {}", view.oid), view.mover(self.login));
        let create = format!("CREATE {kind} {} AS {query}{rows}", qualified(self.schema, &name));
        if !self.try_out(&acting, &create, (table, &view.describe())).await? {
            return Ok(false);
        }
        let made = self
            .connection
            .row(
                WHAT,
                "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = $2",
                &[&self.schema, &name],
            )
            .await?;
        let differs = self.connection.maybe(WHAT, DIFFERENCE, &[&view.oid, &made.get::<_, u32>(0)]).await?;
        match (&differs, self.dataset.dependent_views) {
            (None, _) if !view.is_materialized() => return Ok(false),
            (None, _) => {}
            (Some(_), DependentViews::Recreate) if view.is_materialized() => {}
            (Some(_), DependentViews::Recreate) => {
                self.verdict.recreated.insert(view.oid);
            }
            (Some(differs), DependentViews::Fail) => {
                let remedy = format!(
                    "its column {} is {} and would become {}: say `dependent_views: recreate` in the manifest, or drop it and \
                     make it again afterwards",
                    differs.get::<_, &str>(0),
                    differs.get::<_, &str>(1),
                    differs.get::<_, &str>(2)
                );
                self.verdict.refusals.push(Refusal::new(table, view.describe(), remedy));
                return Ok(false);
            }
        }
        let rename = format!("ALTER {kind} {} RENAME TO {}", qualified(self.schema, &name), quote_ident(&view.name));
        self.try_out(&acting, &rename, (table, &view.describe())).await
    }

    /// Runs a statement as a role, with the names of the rehearsal in front. Says whether PostgreSQL took it; where it did
    /// not, that is a refusal.
    async fn try_out(
        &mut self,
        acting: &Acting,
        statement: &str,
        (table, named): (&str, &str),
    ) -> Result<bool, postgres::Error> {
        let sql = format!(
            "SAVEPOINT one; SET LOCAL search_path = {}; {}; {statement}; {}; RELEASE one",
            self.path,
            acting.set_local(),
            Acting::Login.set_local()
        );
        match self.connection.batch(WHAT, &sql).await {
            Ok(()) => Ok(true),
            Err(error) => {
                let Some(no) = said_no(&error) else { return Err(error) };
                self.connection.batch(WHAT, "ROLLBACK TO one; RELEASE one").await?;
                let remedy = format!("it could not be made again over the new columns: {}", no.message);
                self.verdict.refusals.push(Refusal::new(table, named, remedy));
                Ok(false)
            }
        }
    }
}
