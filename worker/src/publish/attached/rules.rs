//! Rewrite rules on a table. Carried: name, words, whether they are enabled, comment. A load does not set them off: COPY
//! knows no rules.

use super::{Attached, Place};
use crate::postgres::identifiers::quote_ident;

/// The pretty form is the one that does not qualify the table's own name.
pub(super) const QUERY: &str = "SELECT r.ev_class AS table_oid, r.rulename::text AS name,
    pg_get_ruledef(r.oid, true) AS definition, r.ev_enabled::text AS state, obj_description(r.oid, 'pg_rewrite') AS comment
    FROM path, pg_rewrite r WHERE r.ev_class = ANY ($1) AND r.rulename <> '_RETURN'";

pub(super) fn make(rule: &Attached, place: &Place<'_>) -> Vec<String> {
    let name = quote_ident(&rule.name);
    let create = rule.definition.trim_end().trim_end_matches(';').to_owned();
    let state = rule.enabling().map(|verb| place.alter(&format!("{verb} RULE {name}")));
    let comment = rule.comment_on(&format!("RULE {name} ON {}", place.relation()));
    [Some(create), state, comment].into_iter().flatten().collect()
}

pub(super) fn unmake(rule: &Attached, place: &Place<'_>) -> String {
    format!("DROP RULE {} ON {}", quote_ident(&rule.name), place.relation())
}
