//! The rehearsal: in a transaction that is rolled back, empty tables stand where staging will have full ones, and PostgreSQL
//! makes each query into a view of which it then tells columns and dependencies. A query whose tables are not there yet waits
//! for its turn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use manifest::dataset::{Column, Load, Nullability, Query, Table, TypeName, ViewStorage};
use manifest::{Dataset, Identifier};

use super::error::Error;
use super::names::SearchPath;
use super::reads::{self, Read};
use super::views::MadeView;
use super::{Rehearsed, queries};
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Connection};
use crate::publish::Standing;

/// What each query is made into; a blank cannot stand in the name of a table of ours.
const VIEW: &str = "the query";

const COLUMNS: &str = "
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)
    FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const OWNERS: &str = "
    SELECT c.relname::text, pg_get_userbyid(c.relowner)::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = ANY ($2)";

/// Finds out what a dataset's queries will make. Takes ACCESS SHARE on what they read, for as long as that takes.
///
/// # Errors
/// [`Error`]: a query that does not hold, a circle, rows that would be old ones, missing rights.
pub async fn rehearse(connection: &Connection, dataset: &Dataset) -> Result<Rehearsed, Error> {
    let path = SearchPath::read(connection, dataset).await?;
    if queries(dataset).next().is_none() && dataset.views.is_empty() {
        return Ok(Rehearsed::nothing(dataset, path));
    }
    connection.batch("rehearse queries", "BEGIN").await?;
    let rehearsed = async {
        let rehearsal = Rehearsal::open(connection, dataset, &path).await?;
        let made = rehearsal.all().await?;
        let views = rehearsal.views().await?;
        rehearsal.tell(made, views)
    };
    let rehearsed = rehearsed.await;
    connection.rollback().await;
    rehearsed
}

pub(super) struct Rehearsal<'a> {
    pub(super) connection: &'a Connection,
    pub(super) dataset: &'a Dataset,
    path: &'a SearchPath,
    /// Where empty tables stand.
    pub(super) schema: String,
    /// Who owns live tables, by name.
    owners: BTreeMap<String, String>,
}

/// A query that PostgreSQL has taken.
struct Made<'a> {
    table: &'a Table,
    columns: Vec<Column>,
    reads: Vec<Read>,
}

/// Why a query cannot be made now. It may be later, when other tables are there.
pub(super) enum Obstacle {
    /// PostgreSQL does not take it.
    Refused(Box<postgres::error::Statement>),
    /// It reads the live table of one that is not made yet.
    Waits,
    /// It cannot be made whatever is there.
    Final(Error),
}

pub(super) type Attempt<T> = Result<Result<T, Obstacle>, Error>;

impl<'a> Rehearsal<'a> {
    /// Makes empty tables for all that is loaded from sources.
    async fn open(connection: &'a Connection, dataset: &'a Dataset, path: &'a SearchPath) -> Result<Self, Error> {
        let schema = format!("freshet_rehearsal_{}", dataset.dataset);
        let what = "rehearse queries";
        let found = connection.rows(what, OWNERS, &[&dataset.schema.as_str(), &names(dataset)]).await?;
        let owners = found.iter().map(|row| (row.get(0), row.get(1))).collect();
        let rehearsal = Self { connection, dataset, path, schema, owners };
        let mut sql = format!("CREATE SCHEMA {}; {}", quote_ident(&rehearsal.schema), rehearsal.search_path());
        for table in dataset.tables.iter().filter(|table| !table.sources().is_empty() || !table.columns.is_empty()) {
            let columns = table.columns.iter().map(|column| {
                let type_name = column.type_name.as_str();
                format!("{} {type_name}", quote_ident(column.name.as_str()))
            });
            let columns: Vec<String> = columns.chain(primary_key(table)).collect();
            let _ = write!(sql, "; CREATE TABLE {} ({})", rehearsal.place(&table.name), columns.join(", "));
        }
        connection.batch(what, &sql).await?;
        Ok(rehearsal)
    }

    /// Every query, each as soon as all that it reads is there.
    async fn all(&self) -> Result<Vec<Made<'a>>, Error> {
        let mut made = Vec::new();
        let mut pending: Vec<(&Table, &Query)> = queries(self.dataset).collect();
        while !pending.is_empty() {
            let before = pending.len();
            let mut stuck = Vec::new();
            for (table, query) in pending.clone() {
                match self.make(table, query, &pending).await? {
                    Ok(done) => {
                        pending.retain(|(other, _)| other.name != table.name);
                        made.push(done);
                    }
                    Err(Obstacle::Final(error)) => return Err(error),
                    Err(obstacle) => stuck.push((table, query, obstacle)),
                }
            }
            if pending.len() == before {
                return Err(self.explain(stuck).await?);
            }
        }
        Ok(made)
    }

    /// Makes one query into an empty table, or leaves everything as it was.
    async fn make(&self, table: &'a Table, query: &Query, pending: &[(&Table, &Query)]) -> Attempt<Made<'a>> {
        self.batch("SAVEPOINT attempt").await?;
        let made = self.try_make(table, query, pending).await?;
        let end = if made.is_ok() { "RELEASE attempt" } else { "ROLLBACK TO attempt; RELEASE attempt" };
        self.batch(end).await?;
        Ok(made)
    }

    async fn try_make(&self, table: &'a Table, query: &Query, pending: &[(&Table, &Query)]) -> Attempt<Made<'a>> {
        let view = qualified(&self.schema, VIEW);
        if let Err(refused) = self.take(query, &view).await? {
            return Ok(Err(refused));
        }
        // Types are spelled so that they can be read back by any session of ours.
        self.batch("SET LOCAL search_path = pg_catalog").await?;
        let what = "read what a query reads";
        let row = self.connection.row(what, "SELECT $1::text::regclass::oid", &[&view]).await?;
        let oid: u32 = row.get(0);
        let rows = self.connection.rows(what, reads::QUERY, &[&oid, &self.owner(table)]).await?;
        let reads: Vec<Read> = rows.iter().map(Read::of).collect();
        if let Some(obstacle) = self.judge(table, &reads, pending) {
            return Ok(Err(obstacle));
        }
        let columns = match self.columns(table, oid).await? {
            Ok(columns) => columns,
            Err(error) => return Ok(Err(Obstacle::Final(error))),
        };
        let place = self.place(&table.name);
        let key = primary_key(table).map(|key| format!("ALTER TABLE {place} ADD {key}; ")).unwrap_or_default();
        let sql = format!("CREATE TABLE {place} AS TABLE {view} WITH NO DATA; {key}DROP VIEW {view}");
        match self.batch(&sql).await {
            Ok(()) => Ok(Ok(Made { table, columns, reads })),
            Err(error) => refused(error).map(Err),
        }
    }

    /// Has PostgreSQL read a query, alone first, so that it is one statement and places in it are those of its file.
    pub(super) async fn take(&self, query: &Query, view: &str) -> Attempt<()> {
        let (what, sql) = ("take it", query.statement());
        self.batch(&self.search_path()).await?;
        let taken = async {
            self.connection.prepare(what, sql, &[]).await?;
            self.connection.execute(what, &format!("CREATE VIEW {view} AS\n{sql}"), &[]).await
        };
        match taken.await {
            Ok(_) => Ok(Ok(())),
            Err(error) => refused(error).map(Err),
        }
    }

    /// Whether what a query reads is what it should read.
    fn judge(&self, table: &Table, reads: &[Read], pending: &[(&Table, &Query)]) -> Option<Obstacle> {
        let is_ours = |read: &&Read| {
            read.schema == self.dataset.schema.as_str()
                && self.dataset.tables.iter().any(|table| table.name.as_str() == read.name)
        };
        let live: Vec<&Read> = reads.iter().filter(is_ours).collect();
        let waits = |read: &&Read| pending.iter().any(|(table, _)| table.name.as_str() == read.name);
        if live.iter().any(|read| read.through.is_none() && waits(read)) {
            return Some(Obstacle::Waits);
        }
        if let Some(read) = live.first() {
            let through = read.through.clone();
            return Some(Obstacle::Final(Error::ReadsLive {
                table: table.name.to_string(),
                read: read.spelled(),
                through,
            }));
        }
        let partial = self
            .needs(reads)
            .into_iter()
            .find(|needed| self.dataset.table(needed).is_some_and(|table| table.load != Load::Replace));
        partial.map(|read| Obstacle::Final(Error::ReadsPart { table: table.name.to_string(), read: read.to_string() }))
    }

    /// The columns of the view, where the manifest can do with them.
    async fn columns(&self, table: &Table, oid: u32) -> Result<Result<Vec<Column>, Error>, Error> {
        let mut columns = Vec::new();
        for row in self.connection.rows("read the columns of a query", COLUMNS, &[&oid]).await? {
            let name = match row.get::<_, &str>(0).parse::<Identifier>() {
                Ok(name) => name,
                Err(wrong) => {
                    let (table, reason) = (table.name.to_string(), wrong.to_string());
                    return Ok(Err(Error::ColumnName { table, reason }));
                }
            };
            let type_name = TypeName::of_server(row.get::<_, String>(1));
            columns.push(Column { name, type_name, nullability: Nullability::Nullable });
        }
        let unknown = named(table).into_iter().find(|(_, name)| !columns.iter().any(|column| column.name == **name));
        Ok(match unknown {
            Some((key, column)) => Err(Error::NoColumn {
                table: table.name.to_string(),
                key,
                column: column.to_string(),
                given: columns.iter().map(|column| column.name.to_string()).collect(),
            }),
            None => Ok(columns),
        })
    }

    /// Why nothing goes on: a query that does not hold, or else a circle. What fails in the same way although everything
    /// that is still to be made has an empty stand-in, does not hold.
    async fn explain(&self, stuck: Vec<(&Table, &Query, Obstacle)>) -> Result<Error, Error> {
        let stand_ins: Vec<String> =
            stuck.iter().map(|(table, ..)| format!("CREATE TABLE {} ()", self.place(&table.name))).collect();
        self.batch(&stand_ins.join("; ")).await?;
        let tables = stuck.iter().map(|(table, ..)| table.name.to_string()).collect();
        for (table, query, obstacle) in stuck {
            let Obstacle::Refused(first) = obstacle else { continue };
            self.batch("SAVEPOINT attempt").await?;
            let again = self.take(query, &qualified(&self.schema, VIEW)).await?;
            self.batch("ROLLBACK TO attempt; RELEASE attempt").await?;
            if let Err(Obstacle::Refused(again)) = again
                && (again.state, &again.message) == (first.state.clone(), &first.message)
            {
                return Ok(Error::refused(table.name.as_str(), query, *first));
            }
        }
        Ok(Error::Circle { tables })
    }

    /// The dataset with what was found out.
    fn tell(&self, made: Vec<Made<'a>>, views: Vec<MadeView>) -> Result<Rehearsed, Error> {
        let tracked: BTreeSet<&str> = self.dataset.depends_on.iter().map(manifest::DatasetName::as_str).collect();
        let mut rehearsed = Rehearsed::nothing(self.dataset, self.path.clone());
        let mut missing = Vec::new();
        for Made { table, columns, reads } in made {
            for read in reads.iter().filter(|read| read.schema != self.schema) {
                missing.extend(read.missing(&table.name, self.owner(table)));
                if read.is_untracked(&tracked) {
                    rehearsed.untracked.insert(read.spelled());
                }
                if let Some(dataset) = read.undeclared(&tracked) {
                    rehearsed.notices.insert(format!(
                        "the query of {} reads {} of the dataset {dataset}: name it in `depends_on`, so that the query runs \
                         when that changes, and only then",
                        table.name,
                        read.spelled()
                    ));
                }
            }
            rehearsed.needs.insert(table.name.clone(), self.needs(&reads));
            if let Some(described) = rehearsed.dataset.tables.iter_mut().find(|other| other.name == table.name) {
                described.columns = columns;
            }
        }
        for MadeView { declared, reads } in views {
            for read in reads.iter().filter(|read| read.schema != self.schema) {
                missing.extend(read.missing(&declared.view.name, self.connection.user()));
                if declared.view.storage == ViewStorage::Materialized && read.is_untracked(&tracked) {
                    rehearsed.untracked.insert(read.spelled());
                }
            }
            if declared.standing == Standing::Same {
                rehearsed.dataset.views.retain(|view| view.name != declared.view.name);
            }
            rehearsed.views.push(declared);
        }
        if missing.is_empty() { Ok(rehearsed) } else { Err(Error::Rights { missing }) }
    }

    /// The tables in staging that a query reads.
    pub(super) fn needs(&self, reads: &[Read]) -> BTreeSet<Identifier> {
        let staged = reads.iter().filter(|read| read.schema == self.schema);
        staged.filter_map(|read| read.name.parse().ok()).collect()
    }

    /// Who runs the query of a table.
    fn owner(&self, table: &Table) -> &str {
        self.owners.get(table.name.as_str()).map_or(self.connection.user(), String::as_str)
    }

    fn place(&self, table: &Identifier) -> String {
        qualified(&self.schema, table.as_str())
    }

    fn search_path(&self) -> String {
        self.path.over(&self.schema)
    }

    pub(super) async fn batch(&self, sql: &str) -> Result<(), postgres::Error> {
        self.connection.batch("rehearse queries", sql).await
    }
}

fn names(dataset: &Dataset) -> Vec<&str> {
    dataset.tables.iter().map(|table| table.name.as_str()).collect()
}

/// Queries may group by it alone.
fn primary_key(table: &Table) -> Option<String> {
    let columns: Vec<String> = table.primary_key.iter().map(|column| quote_ident(column.as_str())).collect();
    (!columns.is_empty()).then(|| format!("PRIMARY KEY ({})", columns.join(", ")))
}

/// Columns that the manifest names of a table, and where.
fn named(table: &Table) -> Vec<(&'static str, &Identifier)> {
    let key = table.primary_key.iter().map(|column| ("primary_key", column));
    let indexes = table.indexes.iter().flat_map(|index| &index.columns).map(|column| ("indexes", column));
    let nulls = table.expect.max_nulls.columns.keys().map(|column| ("max_nulls", column));
    let latest = table.expect.latest.keys().map(|column| ("latest", column));
    key.chain(indexes).chain(nulls).chain(latest).collect()
}

/// PostgreSQL's refusal is an answer; anything else is an error.
fn refused(error: postgres::Error) -> Result<Obstacle, Error> {
    match error {
        postgres::Error::Statement(refusal) => Ok(Obstacle::Refused(refusal)),
        error => Err(error.into()),
    }
}
