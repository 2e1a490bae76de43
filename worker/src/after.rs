//! The SQL that follows a publish (`after:`): scripts of the dataset's own, in one transaction, over rows that are live. They
//! may make what they like and write where they may, but not to the tables of the dataset, which are what was loaded.

mod error;

use std::collections::BTreeMap;

use manifest::Dataset;
use manifest::dataset::Query;

use crate::derived::SearchPath;
use crate::ledger;
use crate::postgres::identifiers::quote_literal;
use crate::postgres::{self, Acting, Connection};

pub use error::Error;

/// The dataset's tables that are live, by id.
const TABLES: &str = "
    SELECT c.oid, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2)";

/// Locks are held to the end of a transaction, and nothing writes to a table, or changes what it is, without one of these,
/// whether a statement, a function or a trigger does it. `SHARE` and its kin, for indexes, triggers and foreign keys of others,
/// let rows and readers be.
const WRITES: &str = "
    SELECT DISTINCT relation FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation = ANY ($1)
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND mode IN ('RowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')";

/// Runs all scripts and notes in the ledger that they have run for this generation, all of it or nothing. The session is used
/// up: scripts may have set what they wanted.
///
/// # Errors
/// [`Error`]: a script that fails, or one that writes to the dataset's tables.
pub async fn run(
    connection: Connection,
    dataset: &Dataset,
    search_path: &SearchPath,
    generation: i64,
) -> Result<(), Error> {
    let done = all(&connection, dataset, search_path, generation).await;
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = connection.batch("end what follows the load", end).await;
    done?;
    Ok(ended?)
}

async fn all(
    connection: &Connection,
    dataset: &Dataset,
    search_path: &SearchPath,
    generation: i64,
) -> Result<(), Error> {
    let what = "run what follows the load";
    connection.batch(what, "BEGIN").await?;
    let names: Vec<&str> = dataset.tables.iter().map(|table| table.name.as_str()).collect();
    let rows = connection.rows(what, TABLES, &[&dataset.schema.as_str(), &names]).await?;
    let tables: BTreeMap<u32, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let oids: Vec<u32> = tables.keys().copied().collect();
    for script in &dataset.after {
        // Settings of one script are none of the next one's.
        connection.batch(what, &begin(search_path)).await?;
        connection.batch(what, &inside(script)).await.map_err(|error| Error::of(script, error))?;
        connection.batch(what, &begin_ours()).await?;
        let written = connection.rows(what, WRITES, &[&oids]).await?;
        if let Some(row) = written.first() {
            let table = tables.get(&row.get(0)).cloned().unwrap_or_default();
            return Err(Error::Writes { file: script.file.clone(), table });
        }
    }
    ledger::after::note(connection, &dataset.dataset, generation).await?;
    Ok(())
}

/// Names are looked up as in the dataset's queries; plans are made as for anybody.
fn begin(search_path: &SearchPath) -> String {
    format!(
        "{}; {}; SET LOCAL plan_cache_mode = auto; SET LOCAL jit TO DEFAULT",
        Acting::Login.set_local(),
        search_path.live()
    )
}

fn begin_ours() -> String {
    format!("{}; SET LOCAL search_path = pg_catalog, pg_temp", Acting::Login.set_local())
}

/// A script as one statement: inside of it PostgreSQL lets nobody end the transaction that it is a part of.
fn inside(script: &Query) -> String {
    format!("DO LANGUAGE plpgsql {}", quote_literal(&format!("BEGIN EXECUTE {}; END", quote_literal(&script.sql))))
}

impl Error {
    /// What PostgreSQL says of a script.
    fn of(script: &Query, error: postgres::Error) -> Self {
        match error {
            postgres::Error::Statement(refusal) => Self::Script { file: script.file.clone(), refusal },
            error => Self::Database(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_quoted_twice_whatever_it_holds() {
        let script = Query { file: "a.sql".into(), sql: "SELECT 'it''s', $$x$$".into() };
        assert_eq!(inside(&script), "DO LANGUAGE plpgsql 'BEGIN EXECUTE ''SELECT ''''it''''''''s'''', $$x$$''; END'");
    }
}
