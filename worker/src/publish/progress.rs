//! How far the tables have come with the rows that are about to go live: read from staging in the transaction that publishes,
//! so that the ledger never says more than readers see.

use manifest::Dataset;
use manifest::dataset::{Column, Family, Table};

use crate::ledger::Watermark;
use crate::postgres::identifiers::{qualified, quote_ident, quote_literal};
use crate::postgres::{self, Acting, Connection};

const WHAT: &str = "see how far the source was read";

/// The largest value of the column that tells how far the source was read, in this staging schema; `None` when the manifest
/// names no such column, or no row has a value in it.
pub(super) async fn watermark(
    connection: &Connection,
    dataset: &Dataset,
    table: &Table,
    staging: &str,
    acting: &Acting,
) -> Result<Option<Watermark>, postgres::Error> {
    let Some(column) = table.load.watermark().and_then(|name| table.column(name)) else { return Ok(None) };
    let zone = dataset.timezone.as_deref().unwrap_or("UTC");
    connection.batch(WHAT, &acting.set_local()).await?;
    let largest = connection.row(WHAT, &largest(column, &qualified(staging, table.name.as_str()), zone), &[]).await?;
    connection.batch(WHAT, &Acting::Login.set_local()).await?;
    let (column, type_name) = (column.name.clone(), column.type_name.to_string());
    Ok(largest.get::<_, Option<String>>(0).map(|value| Watermark { column, type_name, value }))
}

/// Nothing later than now counts, and no number that is none: one date that somebody mistyped into the next century would
/// hide all that comes until then.
fn largest(column: &Column, table: &str, zone: &str) -> String {
    let name = quote_ident(column.name.as_str());
    let local = format!("(now() AT TIME ZONE {})", quote_literal(zone));
    let limit = match (column.type_name.family(), column.type_name.as_str().split('(').next().unwrap_or_default()) {
        (Family::Moment, "date") => format!(" WHERE {name} <= {local}::date"),
        (Family::Moment, "timestamp") => format!(" WHERE {name} <= {local}"),
        (Family::Moment, _) => format!(" WHERE {name} <= now()"),
        (Family::Number, _) => format!(" WHERE {name} < 'Infinity'"),
        _ => String::new(),
    };
    format!("SELECT max({name})::text FROM {table}{limit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(type_name: &str) -> String {
        let column = serde_json::json!({"name": "at", "type": type_name});
        largest(&serde_json::from_value(column).unwrap(), "t", "America/Los_Angeles")
    }

    #[test]
    fn a_moment_that_has_not_come_yet_is_no_watermark() {
        let local = "(now() AT TIME ZONE 'America/Los_Angeles')";
        assert_eq!(sql("date"), format!("SELECT max(\"at\")::text FROM t WHERE \"at\" <= {local}::date"));
        assert_eq!(sql("timestamp(3)"), format!("SELECT max(\"at\")::text FROM t WHERE \"at\" <= {local}"));
        assert_eq!(sql("timestamptz"), "SELECT max(\"at\")::text FROM t WHERE \"at\" <= now()");
        assert_eq!(sql("numeric"), "SELECT max(\"at\")::text FROM t WHERE \"at\" < 'Infinity'");
        assert_eq!(sql("bigint"), "SELECT max(\"at\")::text FROM t");
    }
}
