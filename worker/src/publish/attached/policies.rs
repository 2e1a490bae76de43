//! Row security policies. Carried: command, roles, `USING` and `WITH CHECK`, restrictive ones, comment. A table never goes
//! live with fewer than it had: what cannot be made again stops the load.

use super::{Attached, Place};
use crate::postgres::identifiers::quote_ident;

pub(super) const QUERY: &str = include_str!("policies.sql");

pub(super) fn make(policy: &Attached, place: &Place<'_>) -> Vec<String> {
    let on = format!("{} ON {}", quote_ident(&policy.name), place.relation());
    let create = format!("CREATE POLICY {on} {}", policy.definition);
    [Some(create), policy.comment_on(&format!("POLICY {on}"))].into_iter().flatten().collect()
}

pub(super) fn unmake(policy: &Attached, place: &Place<'_>) -> String {
    format!("DROP POLICY {} ON {}", quote_ident(&policy.name), place.relation())
}
