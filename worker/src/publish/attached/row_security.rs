//! Whether policies are in force, and for the owner too. Carried: both. Last of all, so that nothing that is done in staging
//! is done to a part of the rows.

use super::{Attached, Place};

pub(super) const QUERY: &str = "SELECT c.oid AS table_oid, '' AS name,
    concat_ws(', ', CASE WHEN c.relrowsecurity THEN 'ENABLE ROW LEVEL SECURITY' END,
                    CASE WHEN c.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END) AS definition,
    '' AS state, NULL::text AS comment
    FROM path, pg_class c WHERE c.oid = ANY ($1) AND (c.relrowsecurity OR c.relforcerowsecurity)";

pub(super) fn make(security: &Attached, place: &Place<'_>) -> Vec<String> {
    vec![place.alter(&security.definition)]
}

pub(super) fn unmake(place: &Place<'_>) -> String {
    place.alter("DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")
}
