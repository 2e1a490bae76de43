//! Check constraints. Carried: name, words, `NOT VALID`, `NO INHERIT`, comment. They are tried on the rows in staging; rows
//! that do not hold are refused with the constraint's name.

use super::{Attached, Place};
use crate::postgres::identifiers::quote_ident;

pub(super) const QUERY: &str = "SELECT k.conrelid AS table_oid, k.conname::text AS name,
    pg_get_constraintdef(k.oid) AS definition, '' AS state, obj_description(k.oid, 'pg_constraint') AS comment
    FROM path, pg_constraint k WHERE k.conrelid = ANY ($1) AND k.contype = 'c'";

pub(super) fn make(check: &Attached, place: &Place<'_>) -> Vec<String> {
    let add = place.alter(&format!("ADD CONSTRAINT {} {}", quote_ident(&check.name), check.definition));
    [Some(add), check.comment_on_constraint(place)].into_iter().flatten().collect()
}
