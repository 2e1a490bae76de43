//! The views of a dataset in its rehearsal: over the empty tables PostgreSQL takes them or not, tells their definitions, and
//! what stands under their names in the target schema.

use std::collections::BTreeSet;

use manifest::Dataset;
use manifest::dataset::{Load, View, ViewStorage};

use super::error::Error;
use super::reads::{self, Read};
use super::rehearsal::{Obstacle, Rehearsal};
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Connection};
use crate::publish::{DeclaredView, Missing, Standing};

const STANDING: &str = include_str!("standing.sql");

/// Whether the view $1 can be replaced by one like $2: its columns are the first of the other's.
const REPLACEABLE: &str = "
    SELECT NOT EXISTS (
        SELECT FROM pg_attribute o LEFT JOIN pg_attribute n ON n.attrelid = $2 AND n.attnum = o.attnum
        WHERE o.attrelid = $1 AND o.attnum > 0
          AND (n.attname, n.atttypid, n.atttypmod, n.attcollation)
              IS DISTINCT FROM (o.attname, o.atttypid, o.atttypmod, o.attcollation))";

/// Views that are ours and that the manifest does not have any more.
const LEFT: &str = "
    SELECT v.view_name FROM freshet.published_views v
    WHERE v.dataset = $1 AND v.view_name <> ALL ($3) AND EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $2 AND c.relname = v.view_name AND c.relkind IN ('v', 'm'))
    ORDER BY 1";

/// A view that PostgreSQL has taken.
pub(super) struct MadeView {
    pub(super) declared: DeclaredView,
    pub(super) reads: Vec<Read>,
}

impl Rehearsal<'_> {
    /// Every view, each as soon as all that it reads is there.
    pub(super) async fn views(&self) -> Result<Vec<MadeView>, Error> {
        let mut made = Vec::new();
        let mut pending: Vec<&View> = self.dataset.views.iter().collect();
        while !pending.is_empty() {
            let before = pending.len();
            let mut stuck = Vec::new();
            for view in pending.clone() {
                self.batch("SAVEPOINT attempt").await?;
                match self.try_view(view, &pending).await? {
                    Ok(done) => {
                        self.batch("RELEASE attempt").await?;
                        pending.retain(|other| other.name != view.name);
                        made.push(done);
                    }
                    Err(Obstacle::Final(error)) => return Err(error),
                    Err(obstacle) => {
                        self.batch("ROLLBACK TO attempt; RELEASE attempt").await?;
                        stuck.push((view, obstacle));
                    }
                }
            }
            if stuck.len() == before {
                return Err(explain(stuck));
            }
        }
        Ok(made)
    }

    async fn try_view(&self, view: &View, pending: &[&View]) -> Result<Result<MadeView, Obstacle>, Error> {
        let place = qualified(&self.schema, view.name.as_str());
        if let Err(refused) = self.take(&view.query, &place).await? {
            return Ok(Err(refused));
        }
        let what = "read what a view reads";
        self.batch("SET LOCAL search_path = pg_catalog").await?;
        let row = self.connection.row(what, "SELECT $1::text::regclass::oid", &[&place]).await?;
        let oid: u32 = row.get(0);
        let rows = self.connection.rows(what, reads::QUERY, &[&oid, &self.connection.user()]).await?;
        let reads: Vec<Read> = rows.iter().map(Read::of).collect();
        let target = self.dataset.schema.as_str();
        let waits = |read: &&Read| read.schema == target && pending.iter().any(|view| view.name.as_str() == read.name);
        if reads.iter().any(|read| read.through.is_none() && waits(&read)) {
            return Ok(Err(Obstacle::Waits));
        }
        if let Some(obstacle) = self.judge_view(view, &reads) {
            return Ok(Err(obstacle));
        }
        let path =
            format!("SET LOCAL search_path = pg_catalog, {}, {}", quote_ident(&self.schema), quote_ident(target));
        self.batch(&path).await?;
        let row = self.connection.row(what, "SELECT pg_get_viewdef($1::oid)", &[&oid]).await?;
        let definition = row.get::<_, &str>(0).trim().to_owned();
        Ok(match self.standing(view, oid, &definition).await? {
            Ok(standing) => {
                let declared = DeclaredView { view: view.clone(), definition, standing, reads: self.needs(&reads) };
                Ok(MadeView { declared, reads })
            }
            Err(error) => Err(Obstacle::Final(error)),
        })
    }

    /// A materialized view is filled in staging, before anything is live.
    fn judge_view(&self, view: &View, reads: &[Read]) -> Option<Obstacle> {
        if view.storage == ViewStorage::Plain {
            return None;
        }
        let is_table = |name: &str| self.dataset.tables.iter().any(|table| table.name.as_str() == name);
        let (target, name) = (self.dataset.schema.as_str(), view.name.to_string());
        let error = if let Some(read) = reads.iter().find(|read| read.schema == target && is_table(&read.name)) {
            Error::ReadsLive { table: name, read: read.spelled(), through: read.through.clone() }
        } else if let Some(read) = reads.iter().find(|read| read.schema == self.schema && !is_table(&read.name)) {
            Error::ReadsView { view: name, read: read.name.clone() }
        } else {
            // Of tables that stay it is filled with what is live, of others with what is in staging.
            let (stay, come): (Vec<_>, Vec<_>) = self
                .needs(reads)
                .into_iter()
                .partition(|name| self.dataset.table(name).is_some_and(|table| table.load != Load::Replace));
            Error::ReadsBoth { view: name, stays: stay.first()?.to_string(), comes: come.first()?.to_string() }
        };
        Some(Obstacle::Final(error))
    }

    /// What stands under the view's name, and whether that is ours to replace.
    async fn standing(&self, view: &View, made: u32, definition: &str) -> Result<Result<Standing, Error>, Error> {
        let (what, target) = ("look at the views that are live", self.dataset.schema.as_str());
        self.batch(&format!("SET LOCAL search_path = pg_catalog, {}", quote_ident(target))).await?;
        let names: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&target, &view.name.as_str(), &self.dataset.dataset.as_str()];
        let Some(found) = self.connection.maybe(what, STANDING, &names).await? else {
            let row = self
                .connection
                .row(
                    what,
                    "SELECT coalesce(has_schema_privilege(to_regnamespace($1)::oid, 'CREATE'), true)",
                    &[&quote_ident(target)],
                )
                .await?;
            if row.get(0) {
                return Ok(Ok(Standing::New));
            }
            let role = quote_ident(self.connection.user());
            let grant = format!("GRANT USAGE, CREATE ON SCHEMA {} TO {role}", quote_ident(target));
            return Ok(Err(Error::Rights {
                missing: vec![Missing { what: format!("create in schema {target}"), grant }],
            }));
        };
        let (oid, kind): (u32, &str) = (found.get("oid"), found.get("kind"));
        let wanted = if view.storage == ViewStorage::Plain { "v" } else { "m" };
        if !found.get::<_, bool>("ours") {
            return Ok(Err(Error::ViewTaken { view: format!("{target}.{}", view.name) }));
        }
        if kind == wanted && found.get::<_, &str>("definition").trim() == definition {
            return Ok(Ok(Standing::Same));
        }
        let replaceable = kind == wanted && view.storage == ViewStorage::Plain && {
            let row = self.connection.row(what, REPLACEABLE, &[&oid, &made]).await?;
            row.get(0)
        };
        Ok(if replaceable {
            Ok(Standing::Changed)
        } else {
            let word = if kind == "m" { "MATERIALIZED VIEW" } else { "VIEW" };
            Err(Error::ViewFixed { view: qualified(target, view.name.as_str()), kind: word })
        })
    }
}

/// What a person should know of views that were declared once.
///
/// # Errors
/// The database's own.
pub async fn left(connection: &Connection, dataset: &Dataset) -> Result<Vec<String>, postgres::Error> {
    let names: Vec<&str> = dataset.views.iter().map(|view| view.name.as_str()).collect();
    let (ours, target) = (dataset.dataset.as_str(), dataset.schema.as_str());
    let rows = connection.rows("look for views of before", LEFT, &[&ours, &target, &names]).await?;
    let notice = |row: &tokio_postgres::Row| {
        let name: &str = row.get(0);
        format!("the view {name} is not declared any more and stays as it is: drop it when nobody reads it")
    };
    Ok(rows.iter().map(notice).collect())
}

/// Why nothing goes on.
fn explain(stuck: Vec<(&View, Obstacle)>) -> Error {
    let names: BTreeSet<String> = stuck.iter().map(|(view, _)| view.name.to_string()).collect();
    for (view, obstacle) in stuck {
        if let Obstacle::Refused(refusal) = obstacle {
            return Error::refused(view.name.as_str(), &view.query, *refusal);
        }
    }
    Error::Circle { tables: names.into_iter().collect() }
}
