//! The merges' turn in the transaction that publishes: other writers are kept away from all of the tables at once, what was
//! prepared for is looked at once more, and each table gets its changes.

use std::collections::BTreeMap;

use manifest::{Dataset, Identifier};

use super::{Division, Merged, Terms, divide};
use crate::ledger::Ledger;
use crate::postgres::Connection;
use crate::publish::blockers::Blocker;
use crate::publish::error::Error;
use crate::publish::lock::{self, Locked};
use crate::staging::Coverage;

/// How the merges ended. All but the first can only be rolled back.
#[derive(Debug)]
pub(in crate::publish) enum Turn {
    /// All rows are written.
    Done(BTreeMap<Identifier, Merged>),
    /// Somebody else writes.
    Missed(Vec<Blocker>),
    /// A table is not what was prepared for.
    Stale,
}

/// Merges all tables of a dataset that stay, in the transaction that is open.
///
/// # Errors
/// [`Error::Guard`] when too much would go, or the database's own; the transaction can then only be rolled back.
pub(in crate::publish) async fn merge(
    connection: &Connection,
    ledger: &Ledger,
    dataset: &Dataset,
    division: &Division,
    staging: &str,
    coverage: Coverage,
    terms: Terms,
) -> Result<Turn, Error> {
    let schema = dataset.schema.as_str();
    if division.merges.is_empty() {
        return Ok(Turn::Done(BTreeMap::new()));
    }
    let locks: Vec<String> = division.merges.iter().flat_map(|merge| merge.lock(schema)).collect();
    let tables: Vec<u32> = division.merges.iter().map(super::Merge::oid).collect();
    if let Locked::No(blockers) = lock::keep_writers_away(connection, ledger, &locks, &tables).await? {
        return Ok(Turn::Missed(blockers));
    }
    // Nobody can alter the tables now, but somebody may have while we waited.
    if divide(connection, dataset).await? != *division {
        return Ok(Turn::Stale);
    }
    let mut done = BTreeMap::new();
    for merge in &division.merges {
        let merged = merge.run(connection, schema, staging, coverage, terms).await?;
        done.insert(merge.name().clone(), merged);
    }
    // Back to what reading catalogs under locks wants.
    let settings = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL work_mem TO DEFAULT";
    connection.batch("merge", settings).await?;
    Ok(Turn::Done(done))
}
