//! The generation that a publish replaced: kept in a schema that nobody may enter until the next load begins, then dropped
//! before room is needed for new rows.

use manifest::DatasetName;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::error::Error;
use crate::postgres::Connection;
use crate::postgres::identifiers::qualified;
use crate::staging::Mark;

/// How long another session may keep us from dropping it.
const PATIENCE: &str = "10s";

/// The name of the schema that holds what was live before. At most 57 bytes.
pub fn schema_of(dataset: &DatasetName) -> String {
    format!("freshet_previous_{dataset}")
}

/// Drops the previous generation, if there is one. Takes ACCESS EXCLUSIVE on tables that nobody can name. Does not cascade:
/// what hangs on them was bound to them behind our back and is somebody's.
///
/// # Errors
/// [`Error::GenerationInUse`] when something does, or the database's own.
pub async fn drop_previous(connection: &Connection, dataset: &DatasetName) -> Result<(), Error> {
    let schema = schema_of(dataset);
    let what = "drop the previous generation";
    let Some(found) = connection
        .maybe(
            what,
            "SELECT n.oid, coalesce(obj_description(n.oid, 'pg_namespace'), '') FROM pg_namespace n WHERE n.nspname = $1",
            &[&schema],
        )
        .await?
    else {
        return Ok(());
    };
    if Mark::read(found.get(1)).is_none() {
        return Err(Error::Staging(crate::staging::Error::Foreign { schema }));
    }
    let relations = connection.rows(what, include_str!("generation.sql"), &[&found.get::<_, u32>(0)]).await?;
    let is_table = |row: &&Row| row.get::<_, &str>(1) == "TABLE";
    let place = |row: &Row| qualified(&schema, row.get(0));
    let mut sql = format!("BEGIN; SET LOCAL lock_timeout = '{PATIENCE}'");
    let views = relations.iter().filter(|row| !is_table(row));
    sql.extend(views.map(|row| format!("; DROP {} {}", row.get::<_, &str>(1), place(row))));
    // At once, as their foreign keys may name each other.
    let tables: Vec<String> = relations.iter().filter(is_table).map(place).collect();
    if !tables.is_empty() {
        sql.push_str("; DROP TABLE ");
        sql.push_str(&tables.join(", "));
    }
    sql.push_str("; DROP SCHEMA ");
    sql.push_str(&crate::postgres::identifiers::quote_ident(&schema));
    sql.push_str("; COMMIT");
    match connection.batch(what, &sql).await {
        Ok(()) => Ok(()),
        Err(error) => {
            connection.rollback().await;
            match error {
                crate::postgres::Error::Statement(refusal)
                    if refusal.state == SqlState::DEPENDENT_OBJECTS_STILL_EXIST =>
                {
                    let detail = refusal.detail.unwrap_or(refusal.message);
                    Err(Error::GenerationInUse { dataset: dataset.to_string(), detail })
                }
                error => Err(error.into()),
            }
        }
    }
}
