//! Materialized views that read live tables, themselves or through each other: PostgreSQL binds them to their tables for good.
//! Carried: another is built in staging over the tables there, filled and indexed before any lock is taken, and goes live in
//! the same transaction as they do; the one that was live goes to the previous generation with the tables that it reads.
//! Owner, privileges, comments, options, tablespace, columns' settings, indexes with their names, the `CLUSTER` mark, and
//! whether it has rows are those of the live one.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row;

use super::error::{Error, Violation};
use super::fit::{Fitter, Fitting, Schemas, is_about_rows, said_no};
use super::indexes;
use super::inventory::{Dress, Inventory, Live, Reader};
use super::origin::Declared;
use super::recreated;
use super::refusal::Refusal;
use super::views::{Rows, View};
use crate::ledger::PublishedTable;
use crate::postgres::Connection;
use crate::staging::{self, Filled, MatviewPlan, Over, Staging};

pub(super) const QUERY: &str = include_str!("matviews.sql");
const BINDINGS: &str = include_str!("bindings.sql");

/// A live relation in whose place another comes from staging, beside the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rebuilt {
    /// Its `SELECT`. Names in the target schema, and in the schemas of what else is made anew, stand bare.
    pub(super) query: String,
    /// Statements that give a view its defaults, triggers and rules, spelled like the query.
    pub(super) fittings: Vec<String>,
    pub(super) live: Live,
}

/// A row of [`QUERY`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) oid: u32,
    query: String,
    fittings: Vec<String>,
}

impl Definition {
    pub(super) fn read(row: &Row) -> Self {
        Self { oid: row.get("oid"), query: row.get("query"), fittings: row.get("fittings") }
    }
}

impl Rebuilt {
    pub(super) fn of(view: &View) -> Self {
        let live = Live::new(view.oid, view.owner.clone(), view.options.clone(), view.comment.clone());
        Self { query: String::new(), fittings: Vec::new(), live }
    }

    pub(super) fn define(&mut self, definition: Definition) {
        (self.query, self.fittings) = (definition.query, definition.fittings);
    }

    /// Whether something else is made from the same words.
    pub(super) fn is_made_of(&self, definition: &Definition) -> bool {
        self.query == definition.query && self.fittings == definition.fittings
    }
}

/// What it is to be like in staging.
fn plan(inventory: &Inventory, view: &View, rebuilt: &Rebuilt) -> (MatviewPlan, Dress) {
    let live = &rebuilt.live;
    let owner = view.maker(inventory.login());
    let indexes = indexes::all(&live.indexes);
    let (filled, tablespace) = match &view.rows {
        Rows::Stored(storage) if storage.populated => (Filled::Yes, storage.tablespace.clone()),
        Rows::Stored(storage) => (Filled::No, storage.tablespace.clone()),
        Rows::Computed => (Filled::No, None),
    };
    let settings = live
        .columns
        .iter()
        .flat_map(|column| column.settings.iter().map(|setting| (column.name.clone(), setting.clone())));
    let commented = live.columns.iter().filter_map(|column| Some((column.name.clone(), column.comment.clone()?)));
    let dress = Dress {
        kind: view.kind(),
        owner: owner.clone(),
        grants: live.grants.clone(),
        comment: live.comment.clone(),
        column_comments: commented.collect(),
        index_comments: indexes.comments,
        sequences: BTreeMap::new(),
        attached: live.attached.clone(),
        owned: Vec::new(),
        not_null: BTreeSet::new(),
        declared: Declared::default(),
    };
    let plan = MatviewPlan {
        name: view.name.clone(),
        owner,
        query: rebuilt.query.clone(),
        path: inventory.path(),
        over: Over::Staged,
        options: view.options.clone(),
        tablespace,
        settings: settings.collect(),
        indexes: indexes.indexes,
        filled,
    };
    (plan, dress)
}

/// Builds all of them in staging, innermost first, where they do not stand there as they should. The tables there must be
/// complete and have their privileges.
///
/// # Errors
/// [`Error::Violated`] when a query fails on the new rows, [`Error::NotCarried`] when one would read something else.
pub(super) async fn build(
    connection: &Connection,
    reader: &Reader,
    staging: &Staging,
    inventory: &Inventory,
    dataset: &str,
    tables: &[PublishedTable],
) -> Result<(), Error> {
    let mut built = Vec::new();
    for (view, rebuilt) in inventory.rebuilt() {
        let (plan, dress) = plan(inventory, view, rebuilt);
        if !view.is_materialized() {
            recreated::build(connection, reader, staging.schema(), inventory, (view, rebuilt)).await?;
        } else if !staging.holds_matview(connection, &plan).await? {
            staging.build_matview(&plan).await.map_err(|error| told(view, dataset, error))?;
        } else if !staging.matview_is_finished(connection, &plan).await? {
            staging.finish_matview(&plan).await?;
        }
        let oid = staging.oid_of(connection, &view.name).await?;
        dress.put_on(connection, staging.schema(), &view.name, oid).await?;
        built.push((view, oid, dress));
    }
    if built.is_empty() {
        return Ok(());
    }
    let fittings: Vec<Fitting<'_>> = built
        .iter()
        .map(|(view, oid, dress)| Fitting {
            table: &view.name,
            oid: *oid,
            owner: &dress.owner,
            wanted: &dress.attached,
        })
        .collect();
    let schemas = Schemas { staging: staging.schema(), live: &inventory.schema.name };
    Fitter { connection, reader, schemas, dataset }.fit(&fittings).await?;

    let mut place: BTreeMap<u32, u32> = built.iter().map(|(view, oid, _)| (view.oid, *oid)).collect();
    for table in tables {
        place.extend(inventory.live.get(table.name.as_str()).map(|live| (live.oid, table.oid)));
    }
    let pairs: Vec<(&View, u32)> = built.iter().map(|(view, oid, _)| (*view, *oid)).collect();
    compare(connection, dataset, &pairs, &place).await
}

/// Whether each reads in staging what it reads where it is live, or what takes its place.
async fn compare(
    connection: &Connection,
    dataset: &str,
    built: &[(&View, u32)],
    place: &BTreeMap<u32, u32>,
) -> Result<(), Error> {
    let oids: Vec<u32> = built.iter().flat_map(|(view, oid)| [view.oid, *oid]).collect();
    let rows = connection.rows("see what was built in staging", BINDINGS, &[&oids]).await?;
    let reads: BTreeMap<u32, Vec<u32>> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let of = |oid: &u32| reads.get(oid).cloned().unwrap_or_default();
    let other = built.iter().filter(|(view, oid)| {
        let mut wanted: Vec<u32> = of(&view.oid).iter().map(|read| place.get(read).copied().unwrap_or(*read)).collect();
        wanted.sort_unstable();
        wanted != of(oid)
    });
    let refusals: Vec<Refusal> = other
        .map(|(view, _)| {
            let remedy =
                "in staging it would read another relation of the same name in another schema: rename one of them";
            Refusal::new(&view.name, view.describe(), remedy)
        })
        .collect();
    if refusals.is_empty() { Ok(()) } else { Err(Error::NotCarried { dataset: dataset.to_owned(), refusals }) }
}

/// An error of its query on the new rows is one of the rows; any other that PostgreSQL gives is one of the query. Both are
/// told with its name.
fn told(view: &View, dataset: &str, error: staging::Error) -> Error {
    let staging::Error::Database(database) = &error else { return error.into() };
    match said_no(database) {
        Some(no) if is_about_rows(&no.state) => {
            let detail = no.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
            let detail = format!("{}{detail}", no.message);
            let violation = Violation { table: view.name.clone(), object: view.describe(), detail };
            Error::Violated { violations: vec![violation] }
        }
        Some(no) => {
            let remedy = format!("it could not be filled as its owner, {}: {}", view.owner.name, no.message);
            let refusals = vec![Refusal::new("", view.describe(), remedy)];
            Error::NotCarried { dataset: dataset.to_owned(), refusals }
        }
        None => error.into(),
    }
}

/// Relations that would meet in staging, or in the previous generation, under one name, because they now stand in several
/// schemas. `tables` are the names of tables in the target schema.
pub(super) fn refuse<'a>(inventory: &Inventory, tables: impl Iterator<Item = &'a str>) -> Vec<Refusal> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for name in tables {
        seen.insert(name.to_owned(), format!("table {}.{name}", inventory.schema.name));
    }
    for index in inventory.live.values().flat_map(|live| &live.indexes) {
        seen.insert(index.name.clone(), format!("index {}.{}", inventory.schema.name, index.name));
    }
    let mut refusals = Vec::new();
    for (view, rebuilt) in inventory.rebuilt() {
        let indexes =
            rebuilt.live.indexes.iter().map(|index| (&index.name, format!("index {}.{}", view.schema, index.name)));
        for (name, described) in std::iter::once((&view.name, view.describe())).chain(indexes) {
            if let Some(other) = seen.insert(name.clone(), described.clone()) {
                let remedy = format!("it has the name of {other}, and both go live together: rename one of them");
                refusals.push(Refusal::new(&view.name, described, remedy));
            }
        }
    }
    refusals
}
