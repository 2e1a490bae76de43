//! Foreign keys of a table. Carried: name, words, `NOT VALID`, comment; also those between two tables of a dataset and those
//! to the table itself, whose new rows are matched with each other's. Proving them locks nobody out: only adding one takes
//! SHARE ROW EXCLUSIVE on the table that it names, for a moment. Those of other tables are in `foreign_keys`.

use super::{Attached, Place};
use crate::postgres::identifiers::quote_ident;

pub(super) const QUERY: &str = "SELECT k.conrelid AS table_oid, k.conname::text AS name,
    regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS definition,
    CASE WHEN k.convalidated THEN '' ELSE 'NOT VALID' END AS state, obj_description(k.oid, 'pg_constraint') AS comment
    FROM path, pg_constraint k WHERE k.conrelid = ANY ($1) AND k.contype = 'f'";

pub(super) fn make(key: &Attached, place: &Place<'_>) -> Vec<String> {
    let name = quote_ident(&key.name);
    let add = place.alter(&format!("ADD CONSTRAINT {name} {} NOT VALID", key.definition));
    let prove = key.state.is_empty().then(|| place.alter(&format!("VALIDATE CONSTRAINT {name}")));
    [Some(add), prove, key.comment_on_constraint(place)].into_iter().flatten().collect()
}
