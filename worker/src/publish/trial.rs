//! What a load does to tables besides filling them, done once with empty ones and rolled back: rights that nobody thought of
//! and types that cannot be had show themselves before there are rows.

use manifest::{Dataset, Identifier};

use super::error::Error;
use super::inventory::Inventory;
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{Acting, Connection};
use crate::staging::{Blueprint, let_in, make_private, missing_right};

/// A schema that no dataset has: a name of ours with a letter that theirs cannot hold.
const SCHEMA: &str = "freshet_Trial";

/// Makes every table as its owner in a schema of our own, and moves it where it would be published, under another name.
/// Takes no lock on anything that is live.
///
/// # Errors
/// The database's own.
pub async fn trial(connection: &Connection, inventory: &Inventory, dataset: &Dataset) -> Result<(), Error> {
    let what = "try what a load does";
    connection.batch(what, "BEGIN").await?;
    let tried = attempt(connection, what, inventory, dataset).await;
    connection.rollback().await;
    tried
}

async fn attempt(connection: &Connection, what: &str, inventory: &Inventory, dataset: &Dataset) -> Result<(), Error> {
    let live = dataset.schema.as_str();
    make_private(connection, SCHEMA, "").await.map_err(|error| missing_right(connection, error))?;
    connection.batch(what, &let_in(SCHEMA, &inventory.staging_roles())).await?;
    if !inventory.schema.exists {
        connection.batch(what, &format!("CREATE SCHEMA {}", quote_ident(live))).await?;
    }
    for (number, blueprint) in inventory.blueprints(dataset)?.into_iter().enumerate() {
        let mover = inventory.mover(blueprint.table.as_str());
        // A name of an identifier's form.
        let Ok(table) = format!("freshet_trial_{number}").parse::<Identifier>() else { continue };
        let blueprint = Blueprint { table, ..blueprint };
        let made = qualified(SCHEMA, blueprint.table.as_str());
        let sql = format!(
            "{}; {}; {}; ALTER TABLE {made} SET SCHEMA {}; {}",
            blueprint.owner.set_local(),
            blueprint.create(SCHEMA),
            mover.set_local(),
            quote_ident(live),
            Acting::Login.set_local(),
        );
        connection.batch(what, &sql).await?;
    }
    Ok(())
}
