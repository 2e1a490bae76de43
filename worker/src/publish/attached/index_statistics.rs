//! Statistics targets of index expressions; those of columns are the columns'. Carried: all.

use super::{Attached, Place};
use crate::postgres::identifiers::qualified;

/// PostgreSQL knows such a column by its number only.
pub(super) const QUERY: &str = "SELECT i.indrelid AS table_oid, x.relname::text AS name,
    a.attstattarget::text AS definition, a.attnum::text AS state, NULL::text AS comment
    FROM path, pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_attribute a ON a.attrelid = x.oid
    WHERE i.indrelid = ANY ($1) AND a.attstattarget::int4 >= 0";

pub(super) fn make(target: &Attached, place: &Place<'_>) -> Vec<String> {
    vec![set(target, place, &target.definition)]
}

pub(super) fn unmake(target: &Attached, place: &Place<'_>) -> String {
    set(target, place, "-1")
}

fn set(target: &Attached, place: &Place<'_>, value: &str) -> String {
    let index = qualified(place.schema, &target.name);
    format!("ALTER INDEX {index} ALTER COLUMN {} SET STATISTICS {value}", target.state)
}
