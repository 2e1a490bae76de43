//! The checks that ask the database, each as the role that loads.

use std::collections::BTreeSet;

use manifest::Dataset;
use tokio_postgres::error::SqlState;

use super::check::{Check, Remedy};
use crate::fault::{Exit, Fault};
use crate::postgres::identifiers::quote_ident;
use crate::postgres::{self, Connection};
use crate::publish::{self, Inventory, Missing, Reader};
use crate::{derived, ledger};

/// All of them, in the order in which a load would meet what they look at.
pub(super) async fn examine(connection: &Connection, dataset: &Dataset) -> Vec<Check> {
    let mut checks = vec![ledger(connection).await];
    let described;
    let dataset = match described_by_queries(connection, dataset).await {
        Ok(None) => dataset,
        Ok(Some(found)) => {
            checks.push(Check::passed("queries", "PostgreSQL takes every query, and finds an order for them"));
            described = found;
            &described
        }
        Err(check) => {
            checks.push(check);
            return checks;
        }
    };
    let replaced = match publish::replaced(connection, dataset).await {
        Ok(replaced) => replaced,
        Err(error) => {
            checks.push(unfit(error, dataset));
            return checks;
        }
    };
    let dataset = &replaced;
    let (reader, inventory) = match read(connection, dataset).await {
        Ok(read) => read,
        Err(error) => {
            checks.push(unreadable(error, dataset));
            return checks;
        }
    };
    let rights = rights(&inventory, dataset);
    let may = rights.exit().is_none();
    checks.push(rights);
    checks.push(carried(connection, &reader, &inventory, dataset).await);
    // What is known to be missing need not be tried.
    if may {
        checks.push(tried(connection, &inventory, dataset).await);
    }
    checks.push(sees_blockers(connection).await);
    checks
}

async fn ledger(connection: &Connection) -> Check {
    let name = "ledger";
    match ledger::rehearse(connection).await {
        Ok(()) => Check::passed(name, "the schema freshet is there, or can be made"),
        Err(ledger::Error::Database(error)) => from_postgres(name, error),
        Err(error) => Check::failed(name, error),
    }
}

/// The dataset with the columns that its queries have; `None` where it has none.
async fn described_by_queries(connection: &Connection, dataset: &Dataset) -> Result<Option<Dataset>, Check> {
    let name = "queries";
    if derived::queries(dataset).next().is_none() && dataset.views.is_empty() {
        return Ok(None);
    }
    let sql = "SELECT to_regclass('freshet.published_views') IS NOT NULL";
    match connection.row(name, sql, &[]).await {
        Ok(row) if row.get(0) => {}
        Ok(_) => return Err(Check::noted(name, "they can be tried once something has been loaded into this database")),
        Err(error) => return Err(Check::failed(name, error)),
    }
    match derived::rehearse(connection, dataset).await {
        Ok(rehearsed) => Ok(Some(rehearsed.dataset)),
        Err(derived::Error::Rights { missing }) => {
            let missing: BTreeSet<Missing> = missing.into_iter().collect();
            let check = Check::failed(name, derived::Error::Rights { missing: missing.iter().cloned().collect() });
            Err(check.repaired_by(remedies(&missing)))
        }
        Err(error) => Err(Check::failed(name, error)),
    }
}

async fn read(connection: &Connection, dataset: &Dataset) -> Result<(Reader, Inventory), postgres::Error> {
    let reader = Reader::new(connection, dataset).await?;
    let inventory = Box::pin(reader.read(connection, dataset)).await?;
    Ok((reader, inventory))
}

/// A table that stays and cannot be written into.
fn unfit(error: publish::Error, dataset: &Dataset) -> Check {
    match error {
        publish::Error::Database(error) => unreadable(error, dataset),
        publish::Error::Rights { missing } => lacking(&missing.into_iter().collect()),
        error => Check::failed("tables", error),
    }
}

/// The first thing that a reader asks for is the manifest's types.
fn unreadable(error: postgres::Error, dataset: &Dataset) -> Check {
    let unknown = error.is(&SqlState::UNDEFINED_OBJECT);
    let check = from_postgres("types", error);
    let is_spatial = |name: &str| name.starts_with("geometry") || name.starts_with("geography");
    let mut columns = dataset.tables.iter().flat_map(|table| &table.columns);
    if unknown && columns.any(|column| is_spatial(column.type_name.as_str())) {
        let why = "have the types of PostGIS".to_owned();
        return check.repaired_by(vec![Remedy { why, statement: "CREATE EXTENSION IF NOT EXISTS postgis".to_owned() }]);
    }
    check
}

fn rights(inventory: &Inventory, dataset: &Dataset) -> Check {
    let missing = inventory.missing(dataset);
    if missing.is_empty() {
        return Check::passed("rights", "nothing is missing");
    }
    lacking(&missing)
}

fn lacking(missing: &BTreeSet<Missing>) -> Check {
    let what: Vec<&str> = missing.iter().map(|missing| missing.what.as_str()).collect();
    let detail = format!("the role may not {}", what.join("; nor "));
    Check::wrong("rights", detail, Exit::Permission).repaired_by(remedies(missing))
}

/// What hangs on the live tables and would be lost, or could not be bound again.
async fn carried(connection: &Connection, reader: &Reader, inventory: &Inventory, dataset: &Dataset) -> Check {
    let name = "survival";
    let refusals = inventory.refusals(dataset);
    if !refusals.is_empty() {
        let all: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        return Check::wrong(name, format!("a load would lose {}", all.join("; ")), Exit::Configuration);
    }
    match publish::rehearse(connection, reader, inventory, dataset).await {
        Ok(_) => {}
        Err(publish::Error::Database(error)) => return from_postgres(name, error),
        Err(error) => return Check::failed(name, error),
    }
    let live = inventory.live_oids().len();
    let notices = inventory.notices(dataset);
    if notices.is_empty() {
        let fine = match live {
            0 => "no table is live yet".to_owned(),
            _ => format!("all that hangs on {live} live {} is carried", if live == 1 { "table" } else { "tables" }),
        };
        return Check::passed(name, fine);
    }
    Check::noted(name, notices.join("; "))
}

async fn tried(connection: &Connection, inventory: &Inventory, dataset: &Dataset) -> Check {
    let name = "trial";
    match publish::trial(connection, inventory, dataset).await {
        Ok(()) => Check::passed(name, "tables were made and moved as a load does it, and rolled back"),
        Err(publish::Error::Database(error)) => from_postgres(name, error),
        Err(error) => Check::failed(name, error),
    }
}

/// Without these rights a load goes through; it can only not say who was in its way.
async fn sees_blockers(connection: &Connection) -> Check {
    let name = "blockers";
    let asked = connection.row(name, "SELECT pg_has_role('pg_read_all_stats', 'USAGE')", &[]).await;
    match asked {
        Err(error) => Check::failed(name, error),
        Ok(row) if row.get(0) => Check::passed(name, "whoever holds up a publish can be named"),
        Ok(_) => {
            let why = "see what a session does that holds up a publish".to_owned();
            let statement = format!("GRANT pg_read_all_stats TO {}", quote_ident(connection.user()));
            Check::noted(name, "of sessions that hold up a publish only the role can be told, not what they do")
                .repaired_by(vec![Remedy { why, statement }])
        }
    }
}

/// An error with the statement that would help, where it knows one.
fn from_postgres(name: &'static str, error: postgres::Error) -> Check {
    let remedy = match &error {
        postgres::Error::Right { what, grant } => Remedy { why: what.clone(), statement: grant.clone() },
        _ => return Check::failed(name, error),
    };
    Check::wrong(name, error.to_string(), error.exit()).repaired_by(vec![remedy])
}

fn remedies(missing: &BTreeSet<Missing>) -> Vec<Remedy> {
    let remedy = |missing: &Missing| Remedy { why: missing.what.clone(), statement: missing.grant.clone() };
    missing.iter().map(remedy).collect()
}
