//! Triggers. Carried: all of their words, constraint triggers and transition tables too, whether they are enabled (`O`, `D`,
//! `R`, `A`), comment. They are made after the rows have come, so that a load sets none off. Internal triggers are their
//! foreign keys'.

use super::{Attached, Place};
use crate::postgres::identifiers::quote_ident;

/// The pretty form is the one that does not qualify the table's own name.
pub(super) const QUERY: &str = "SELECT t.tgrelid AS table_oid, t.tgname::text AS name,
    pg_get_triggerdef(t.oid, true) AS definition, t.tgenabled::text AS state, obj_description(t.oid, 'pg_trigger') AS comment
    FROM path, pg_trigger t WHERE t.tgrelid = ANY ($1) AND NOT t.tgisinternal";

pub(super) fn make(trigger: &Attached, place: &Place<'_>) -> Vec<String> {
    let name = quote_ident(&trigger.name);
    let state = trigger.enabling().map(|verb| place.alter(&format!("{verb} TRIGGER {name}")));
    let comment = trigger.comment_on(&format!("TRIGGER {name} ON {}", place.relation()));
    [Some(trigger.definition.clone()), state, comment].into_iter().flatten().collect()
}

pub(super) fn unmake(trigger: &Attached, place: &Place<'_>) -> String {
    format!("DROP TRIGGER {} ON {}", quote_ident(&trigger.name), place.relation())
}
