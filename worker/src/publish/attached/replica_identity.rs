//! What logical replication tells old rows apart by. Carried: `FULL`, `NOTHING`, or an index.

use super::{Attached, Place};

pub(super) const QUERY: &str = "SELECT c.oid AS table_oid, '' AS name,
    CASE c.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
         -- Whose index is gone identifies nothing.
         ELSE coalesce((SELECT format('USING INDEX %I', x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                        WHERE i.indrelid = c.oid AND i.indisreplident), 'NOTHING') END AS definition,
    '' AS state, NULL::text AS comment
    FROM path, pg_class c WHERE c.oid = ANY ($1) AND c.relkind = 'r' AND c.relreplident <> 'd'";

pub(super) fn make(identity: &Attached, place: &Place<'_>) -> Vec<String> {
    vec![place.alter(&format!("REPLICA IDENTITY {}", identity.definition))]
}

pub(super) fn unmake(place: &Place<'_>) -> String {
    place.alter("REPLICA IDENTITY DEFAULT")
}
