//! What is live before a load, and what a load will do with it: tables that stay get changes, the others are replaced with
//! all that hangs on them.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Dataset;
use manifest::dataset::{Emptiness, Expectations, Load, Table};

use super::error::Error;
use super::inventory::{Inventory, Reader};
use super::merge::{self, Division, Merge};
use crate::postgres::{Acting, Connection, Pool};
use crate::staging::{Blueprint, Coverage, Mark};

/// What is live, and what becomes of it.
#[derive(Debug)]
pub struct Survey {
    /// All that hangs on the tables that are replaced.
    pub inventory: Inventory,
    division: Division,
}

/// Reads all that hangs on a dataset's live tables and refuses, before anything has been done, what a load would lose or
/// could not do.
///
/// # Errors
/// [`Error::Rights`] with the `GRANT`s that would help, [`Error::NotCarried`] with what would be lost, [`Error::Unfit`] with
/// what keeps rows out of tables that stay; each complete.
pub async fn survey(pool: &Pool, dataset: &Dataset) -> Result<Survey, Error> {
    let connection = pool.take().await?;
    let division = merge::divide(&connection, dataset).await?;
    let swapped = &division.swapped;
    let mut reader = Reader::new(&connection, swapped).await?;
    let mut inventory = Box::pin(reader.read(&connection, swapped)).await?;
    inventory.check(swapped)?;
    let recreated = super::rehearse(&connection, &reader, &inventory, swapped).await?;
    if !recreated.is_empty() {
        reader.recreate(recreated);
        inventory = Box::pin(reader.read(&connection, swapped)).await?;
        inventory.check(swapped)?;
    }
    pool.give_back(connection);
    Ok(Survey { inventory, division })
}

/// The dataset without the tables that stay.
///
/// # Errors
/// [`Error::Rights`] and [`Error::Unfit`] as from [`survey`].
pub(crate) async fn replaced(connection: &Connection, dataset: &Dataset) -> Result<Dataset, Error> {
    Ok(merge::divide(connection, dataset).await?.swapped)
}

impl Survey {
    /// What a person should know although it is no reason to stop.
    pub fn notices(&self) -> Vec<String> {
        self.inventory.notices(&self.division.swapped)
    }

    /// PostgreSQL's ids of the tables that are live, by name.
    pub fn live_oids(&self) -> BTreeMap<String, u32> {
        let merged = self.division.merges.iter().map(|merge| (merge.name().to_string(), merge.oid()));
        self.inventory.live_oids().into_iter().chain(merged).collect()
    }

    /// What each table in staging is to be like.
    ///
    /// # Errors
    /// [`Error::NotCarried`] as from [`survey`].
    pub fn blueprints(&self) -> Result<Vec<Blueprint>, Error> {
        let mut blueprints = self.inventory.blueprints(&self.division.swapped)?;
        blueprints.extend(self.division.merges.iter().map(|merge| merge.blueprint.clone()));
        Ok(blueprints)
    }

    /// The roles that make, move or dress tables in staging: they may enter it for the time of the load.
    pub fn staging_roles(&self) -> BTreeSet<Acting> {
        let merging = self.division.merges.iter().map(|merge| merge.blueprint.owner.clone());
        let merging = merging.filter(|acting| *acting != Acting::Login);
        self.inventory.staging_roles().into_iter().chain(merging).collect()
    }

    /// The dataset with what is expected of rows in staging: where they only come to others that are live, how many there
    /// are in all is judged when they do, and that no file brought any that are new is no surprise.
    pub fn as_staged(&self, dataset: &Dataset, mark: &Mark) -> Dataset {
        let mut staged = dataset.clone();
        let stays = |table: &Table| self.division.merges.iter().any(|merge: &Merge| *merge.name() == table.name);
        for table in staged.tables.iter_mut().filter(|table| stays(table)) {
            // What was only asked for what is new may have nothing.
            let nothing_new = mark.coverage() == Coverage::Part
                || table.load == Load::Append && mark.appended(table.name.as_str()).is_empty();
            let empty = if nothing_new { Emptiness::Allowed } else { table.expect.empty };
            table.expect = Expectations { rows: 0, max_drop: None, empty, ..std::mem::take(&mut table.expect) };
        }
        staged
    }
}
