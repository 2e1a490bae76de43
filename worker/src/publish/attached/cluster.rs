//! The mark that `CLUSTER` leaves on an index. Carried: the mark. The order of rows is the publisher's, as it is after every
//! load; `CLUSTER` may be run again.

use super::{Attached, Place};
use crate::postgres::identifiers::quote_ident;

pub(super) const QUERY: &str = "SELECT i.indrelid AS table_oid, x.relname::text AS name, '' AS definition, '' AS state,
    NULL::text AS comment
    FROM path, pg_index i, pg_class x WHERE i.indrelid = ANY ($1) AND i.indisclustered AND x.oid = i.indexrelid";

pub(super) fn make(mark: &Attached, place: &Place<'_>) -> Vec<String> {
    vec![place.alter(&format!("CLUSTER ON {}", quote_ident(&mark.name)))]
}

pub(super) fn unmake(place: &Place<'_>) -> String {
    place.alter("SET WITHOUT CLUSTER")
}
