//! Whether rows in staging are what was expected, before anybody sees them. Counting is SQL and reads each table at most
//! once; judging is a pure function; what is found is told all at once.

mod checks;
mod count;
mod finding;
mod judge;
mod keys;

use jiff::Timestamp;
use manifest::Dataset;

use super::error::Error;
use super::inventory::Inventory;
use crate::postgres::{self, Connection};
use crate::reading::RowPlaces;
use crate::staging::{Blueprint, Staging};

pub use count::{Counts, Rows};
pub use finding::{Breach, DuplicateKey, Finding};
pub use judge::judge;

/// What is examined, against what.
#[derive(Debug)]
pub struct Examination<'a> {
    /// Where the rows are.
    pub staging: &'a Staging,
    /// What is expected of them.
    pub dataset: &'a Dataset,
    /// What is live.
    pub inventory: &'a Inventory,
    /// What ages are counted to.
    pub now: Timestamp,
}

/// A table whose rows are in staging.
#[derive(Debug)]
pub struct Staged<'a> {
    /// What it is like.
    pub blueprint: &'a Blueprint,
    /// Its rows.
    pub rows: u64,
    /// The lines that its rows came from, where that is known.
    pub places: Option<&'a RowPlaces>,
    /// Why its keys could not be built, where they could not.
    pub duplicates: Option<&'a crate::staging::Error>,
}

impl Examination<'_> {
    /// All that does not hold of one table. Reads under ACCESS SHARE, as the table's owner, who may see all its rows.
    ///
    /// # Errors
    /// The database's own, also when it does not understand a check.
    pub async fn table(&self, staged: &Staged<'_>) -> Result<Vec<Finding>, Error> {
        let Some(table) = self.dataset.table(&staged.blueprint.table) else { return Ok(Vec::new()) };
        let connection = self.staging.pool().take().await?;
        let found = async {
            let mut breaches = Vec::new();
            if let Some(error) = staged.duplicates {
                breaches.extend(keys::offenders(self, &connection, staged, error).await?);
            }
            let counts = count::count(self, &connection, table, staged).await?;
            breaches.extend(judge(table, &counts));
            for (name, query) in &table.expect.checks {
                breaches.extend(checks::run(self, &connection, staged.blueprint, name, query).await?);
            }
            Ok::<_, postgres::Error>(breaches)
        };
        let breaches = found.await?;
        self.staging.pool().give_back(connection);
        Ok(breaches.into_iter().map(|breach| Finding { table: table.name.to_string(), breach }).collect())
    }
}

/// Asks something as a table's owner, in a transaction that can change nothing.
async fn reading<T>(
    connection: &Connection,
    what: &str,
    blueprint: &Blueprint,
    settings: &str,
    work: impl AsyncFnOnce() -> Result<T, postgres::Error>,
) -> Result<T, postgres::Error> {
    connection.batch(what, &format!("BEGIN READ ONLY; {}; {settings}", blueprint.owner.set_local())).await?;
    let done = work().await;
    connection.rollback().await;
    done
}
