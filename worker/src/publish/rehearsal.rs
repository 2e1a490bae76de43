//! What hangs on the live tables, made once on empty tables of the manifest's shape and rolled back: what PostgreSQL would
//! not take after the load is refused before it.

use std::collections::BTreeSet;

use manifest::Dataset;

use super::attached::Place;
use super::error::Error;
use super::fit::{Fitter, Fitting, Schemas, ahead, said_no};
use super::inventory::{Dress, Inventory, Reader};
use super::lock::is_contention;
use super::rebinding::{self, Verdict};
use super::refusal::Refusal;
use crate::postgres::identifiers::quote_ident;
use crate::postgres::{self, Acting, Connection};
use crate::staging::{Blueprint, make_private};

const WHAT: &str = "rehearse what hangs on the live tables";

/// Rehearses it, where there is something to rehearse. What comes out are the views that must be made anew, by PostgreSQL's
/// ids.
///
/// # Errors
/// [`Error::NotCarried`] with everything that PostgreSQL does not take, or the database's own.
pub(super) async fn rehearse(
    connection: &Connection,
    reader: &Reader,
    inventory: &Inventory,
    dataset: &Dataset,
) -> Result<BTreeSet<u32>, Error> {
    let nothing_attached = inventory.live.values().all(|live| live.attached.is_empty());
    if nothing_attached && inventory.views.is_empty() && inventory.functions.is_empty() && inventory.rules.is_empty() {
        return Ok(BTreeSet::new());
    }
    // No row of anybody is read: roles whom policies bind may have definitions looked at all the same.
    connection.batch(WHAT, "BEGIN; SET LOCAL row_security = on").await?;
    let rehearsed = on_empty_tables(connection, reader, inventory, dataset).await;
    connection.rollback().await;
    match rehearsed {
        // Somebody is at a table that a foreign key names. That is no answer, and the load will ask again.
        Err(Error::Database(error)) if is_contention(&error) => Ok(BTreeSet::new()),
        rehearsed => rehearsed,
    }
}

async fn on_empty_tables(
    connection: &Connection,
    reader: &Reader,
    inventory: &Inventory,
    dataset: &Dataset,
) -> Result<BTreeSet<u32>, Error> {
    let schema = format!("freshet_rehearsal_{}", dataset.dataset);
    make_private(connection, &schema, "").await?;
    let roles: BTreeSet<Acting> = inventory.staging_roles().into_iter().chain(inventory.binding_roles()).collect();
    for role in roles.iter().filter_map(Acting::role) {
        let grant = format!("GRANT USAGE, CREATE ON SCHEMA {} TO {}", quote_ident(&schema), quote_ident(role));
        connection.batch(WHAT, &grant).await?;
    }
    let not_carried = |refusals| Error::NotCarried { dataset: dataset.dataset.to_string(), refusals };
    let plans = inventory.plans(dataset).map_err(|refusal| not_carried(vec![refusal]))?;
    let mut oids = Vec::new();
    for (blueprint, dress) in &plans {
        connection.batch(WHAT, &bare(blueprint, &schema)).await?;
        let row = connection
            .row(
                WHAT,
                "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = $2",
                &[&schema, &blueprint.table.as_str()],
            )
            .await?;
        let oid = row.get(0);
        let dressing = dress.statements(connection, &schema, blueprint.table.as_str(), oid).await?;
        connection.batch(WHAT, &format!("{dressing}{}", Acting::Login.set_local())).await?;
        oids.push(oid);
    }
    let schemas = Schemas { staging: &schema, live: dataset.schema.as_str() };
    let mut refusals = Vec::new();
    for (blueprint, dress) in &plans {
        refusals.extend(attach(connection, schemas, blueprint, dress).await?);
    }
    if !refusals.is_empty() {
        return Err(not_carried(refusals));
    }
    let fittings: Vec<Fitting<'_>> = plans
        .iter()
        .zip(oids)
        .map(|((blueprint, dress), oid)| Fitting {
            table: blueprint.table.as_str(),
            oid,
            owner: &blueprint.owner,
            wanted: &dress.attached,
        })
        .collect();
    connection.batch(WHAT, &Acting::Login.set_local()).await?;
    connection.batch(WHAT, "SET LOCAL search_path = pg_catalog, pg_temp").await?;
    Fitter { connection, reader, schemas, dataset: dataset.dataset.as_str() }.compare(&fittings).await?;
    let Verdict { recreated, refusals } = rebinding::rehearse(connection, inventory, &schema, dataset).await?;
    if refusals.is_empty() { Ok(recreated) } else { Err(not_carried(refusals)) }
}

/// The table with its indexes and no rows.
fn bare(blueprint: &Blueprint, schema: &str) -> String {
    let table = blueprint.table.as_str();
    let mut statements = vec![blueprint.owner.set_local(), blueprint.create(schema)];
    statements.extend(blueprint.indexes.iter().map(|index| index.build(schema, table)));
    statements.extend(blueprint.indexes.iter().filter_map(|index| index.constrain(schema, table)));
    statements.push(Acting::Login.set_local());
    statements.join("; ")
}

async fn attach(
    connection: &Connection,
    schemas: Schemas<'_>,
    blueprint: &Blueprint,
    dress: &Dress,
) -> Result<Vec<Refusal>, postgres::Error> {
    let place = Place { schema: schemas.staging, table: blueprint.table.as_str() };
    let mut refusals = Vec::new();
    for one in &dress.attached {
        let statements = one.make(&place).join("; ");
        let sql = format!("SAVEPOINT one; {}; {statements}; RELEASE one", ahead(schemas, &blueprint.owner));
        match connection.batch(WHAT, &sql).await {
            Ok(()) => {}
            Err(error) => {
                let Some(no) = said_no(&error) else { return Err(error) };
                connection.batch(WHAT, "ROLLBACK TO one").await?;
                refusals.push(one.refuse(place.table, &no.message));
            }
        }
    }
    Ok(refusals)
}
