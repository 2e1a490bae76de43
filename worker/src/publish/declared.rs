//! Views that belong to the dataset. New ones go live in the same transaction as its tables, so that readers see both or
//! neither: materialized ones stand in staging before, over the tables there. A view whose `SELECT` has changed is replaced in
//! that transaction, and stays the object that it is. All others are carried like anybody's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use manifest::dataset::{View as Declaration, ViewStorage};
use manifest::{Dataset, Identifier};

use super::error::Error;
use super::grants::Grants;
use super::indexes;
use super::inventory::{Dress, Inventory};
use super::origin::Declared;
use super::refusal::Refusal;
use super::views::View;
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Acting, Connection};
use crate::staging::{Filled, MatviewPlan, Over, Staging};

/// A view of the dataset, as PostgreSQL has read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredView {
    /// As the manifest has it.
    pub view: Declaration,
    /// Its `SELECT`, in which the names of the target schema stand bare.
    pub definition: String,
    /// What stands under its name.
    pub standing: Standing,
    /// The tables of the dataset that it reads.
    pub reads: BTreeSet<Identifier>,
}

/// What stands under the name of a view of the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    New,
    /// The view as it is declared.
    Same,
    /// The view with another `SELECT`, which PostgreSQL can replace.
    Changed,
}

impl DeclaredView {
    fn name(&self) -> &str {
        self.view.name.as_str()
    }

    fn is_materialized(&self) -> bool {
        self.view.storage == ViewStorage::Materialized
    }

    /// Whether it is new and was filled from one of these tables before they got their changes.
    pub(super) fn is_filled_from(&self, changed: &[&str]) -> bool {
        self.standing == Standing::New
            && self.is_materialized()
            && self.reads.iter().any(|read| changed.contains(&read.as_str()))
    }

    /// Whose rows it is filled with before it is live, where these tables stay.
    fn over(&self, stay: &BTreeSet<Identifier>) -> Result<Over, Refusal> {
        match (self.reads.intersection(stay).next(), self.reads.difference(stay).next()) {
            (Some(stays), Some(comes)) => Err(Refusal::new(
                self.name(),
                "its query",
                format!(
                    "{stays} stays and {comes} is new: there is no moment at which both are complete before they are live; \
                     load the tables first, and then declare the view"
                ),
            )),
            (Some(_), None) => Ok(Over::Live),
            (None, _) => Ok(Over::Staged),
        }
    }
}

/// The columns that indexes of views name.
pub(super) fn indexed_columns(dataset: &Dataset) -> impl Iterator<Item = &Identifier> {
    dataset
        .views
        .iter()
        .flat_map(|view| view.primary_key.iter().chain(view.indexes.iter().flat_map(|index| &index.columns)))
}

/// Makes new materialized views in staging: over the tables there, which must be complete, as must be what is made anew over
/// them; or over live ones that stay. These get their rows in the publish, and the view is refreshed after it.
///
/// # Errors
/// The database's own, or [`Error::NotCarried`] when there is no name left for an index, or when a view reads tables of both
/// kinds.
pub(super) async fn build(
    connection: &Connection,
    staging: &Staging,
    inventory: &Inventory,
    stay: &BTreeSet<Identifier>,
    views: &[DeclaredView],
) -> Result<(), Error> {
    for view in views.iter().filter(|view| view.standing == Standing::New && view.is_materialized()) {
        let plan = inventory.plan_of_new(view, stay)?;
        if !staging.holds_matview(connection, &plan).await? {
            staging.build_matview(&plan).await?;
        } else if !staging.matview_is_finished(connection, &plan).await? {
            staging.finish_matview(&plan).await?;
        }
        let oid = staging.oid_of(connection, view.name()).await?;
        inventory.dress_of_new(view).put_on(connection, staging.schema(), view.name(), oid).await?;
    }
    Ok(())
}

/// What becomes of them in the swap, once the tables stand in their places: one batch, which begins and ends as the login
/// role. A view is replaced under ACCESS EXCLUSIVE, which we hold where it reads one of the tables.
pub(super) fn statements(inventory: &Inventory, staging: &str, views: &[DeclaredView]) -> String {
    let live = &inventory.schema.name;
    let mut sql = String::new();
    for view in views {
        let place = qualified(live, view.name());
        match view.standing {
            Standing::Same => {}
            Standing::New if view.is_materialized() => {
                let staged = qualified(staging, view.name());
                let _ = write!(sql, "ALTER MATERIALIZED VIEW {staged} SET SCHEMA {}; ", quote_ident(live));
            }
            Standing::New => {
                let create = format!("CREATE VIEW {place}");
                sql.push_str(&inside(live, &Acting::Login, &create, view));
            }
            Standing::Changed => {
                let found = inventory.views.iter().find(|found| found.schema == *live && found.name == view.name());
                let acting = found.map_or(Acting::Login, |found| found.mover(inventory.login()));
                let options = found.map(View::with_options).unwrap_or_default();
                sql.push_str(&inside(live, &acting, &format!("CREATE OR REPLACE VIEW {place}{options}"), view));
            }
        }
    }
    sql
}

/// Makes a view where the names of the target schema stand bare.
fn inside(live: &str, acting: &Acting, create: &str, view: &DeclaredView) -> String {
    format!(
        "{}; SET LOCAL search_path = {}, pg_temp; {create} AS {}; SET LOCAL search_path = pg_catalog, pg_temp; {}; ",
        acting.set_local(),
        quote_ident(live),
        view.definition.trim_end_matches(';'),
        Acting::Login.set_local()
    )
}

/// Notes in the ledger which relations they are now, in the transaction that publishes.
pub(super) async fn note(
    connection: &Connection,
    dataset: &Dataset,
    views: &[DeclaredView],
) -> Result<(), postgres::Error> {
    if views.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = views.iter().map(DeclaredView::name).collect();
    let sql = "INSERT INTO freshet.published_views AS v (dataset, view_name, view_oid)
               SELECT $1, c.relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = $2 AND c.relname = ANY ($3)
               ON CONFLICT (dataset, view_name) DO UPDATE SET view_oid = excluded.view_oid";
    let what = "write the views into the ledger";
    connection.execute(what, sql, &[&dataset.dataset.as_str(), &dataset.schema.as_str(), &names]).await?;
    Ok(())
}

impl Inventory {
    /// A materialized view that is made for the first time.
    fn plan_of_new(&self, view: &DeclaredView, stay: &BTreeSet<Identifier>) -> Result<MatviewPlan, Error> {
        let refused = |refusal| Error::NotCarried { dataset: view.view.name.to_string(), refusals: vec![refusal] };
        let over = view.over(stay).map_err(refused)?;
        let mut taken: BTreeSet<String> = self.taken.clone();
        let indexes = indexes::of_view(&view.view, &self.spelling, &mut taken).map_err(refused)?;
        Ok(MatviewPlan {
            name: view.view.name.to_string(),
            owner: Acting::Login,
            query: view.definition.clone(),
            path: vec![self.schema.name.clone()],
            over,
            options: Vec::new(),
            tablespace: None,
            settings: Vec::new(),
            indexes,
            filled: Filled::Yes,
        })
    }

    /// The privileges that a relation begins with in the target schema, which PostgreSQL gives only to what is made there.
    fn dress_of_new(&self, view: &DeclaredView) -> Dress {
        Dress {
            kind: "MATERIALIZED VIEW",
            owner: Acting::Login,
            grants: self.first_grants.get(view.name()).cloned().unwrap_or_else(Grants::default),
            comment: None,
            column_comments: Vec::new(),
            index_comments: Vec::new(),
            sequences: BTreeMap::new(),
            attached: Vec::new(),
            owned: Vec::new(),
            not_null: BTreeSet::new(),
            declared: Declared::default(),
        }
    }
}
