//! Column defaults. Carried: all, for whoever inserts by hand; loaded rows bring every column with them. The default of a
//! generated column is its expression, and no default.

use super::{Attached, Place};
use crate::postgres::identifiers::quote_ident;

pub(super) const QUERY: &str = "SELECT d.adrelid AS table_oid, a.attname::text AS name,
    pg_get_expr(d.adbin, d.adrelid) AS definition, '' AS state, NULL::text AS comment
    FROM path, pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE d.adrelid = ANY ($1) AND a.attgenerated = ''";

pub(super) fn make(default: &Attached, place: &Place<'_>) -> Vec<String> {
    vec![place.alter(&format!("ALTER COLUMN {} SET DEFAULT {}", quote_ident(&default.name), default.definition))]
}

pub(super) fn unmake(default: &Attached, place: &Place<'_>) -> String {
    place.alter(&format!("ALTER COLUMN {} DROP DEFAULT", quote_ident(&default.name)))
}
