//! Extended statistics. Carried: name, kinds, columns and expressions, target, comment. They are gathered in staging. Moving
//! a table to another schema leaves them behind: at the swap those of the old table are dropped, and the new ones follow
//! their table. Refused elsewhere: those of another schema or another owner than their table's.

use super::{Attached, Place};
use crate::postgres::identifiers::{qualified, quote_ident};

pub(super) const QUERY: &str = include_str!("statistics.sql");

pub(super) fn make(statistics: &Attached, place: &Place<'_>) -> Vec<String> {
    let name = qualified(place.schema, &statistics.name);
    let create = format!("CREATE STATISTICS {name} {} FROM {}", statistics.definition, place.relation());
    let target = format!("ALTER STATISTICS {name} SET STATISTICS {}", statistics.state);
    let target = (!statistics.state.is_empty()).then_some(target);
    let comment = statistics.comment_on(&format!("STATISTICS {name}"));
    [Some(create), target, comment].into_iter().flatten().collect()
}

pub(super) fn unmake(statistics: &Attached, place: &Place<'_>) -> String {
    format!("DROP STATISTICS {}", qualified(place.schema, &statistics.name))
}

/// The statement that brings them to where their table has gone.
pub(super) fn follow(statistics: &Attached, place: &Place<'_>, to: &str) -> String {
    format!("ALTER STATISTICS {} SET SCHEMA {}", qualified(place.schema, &statistics.name), quote_ident(to))
}
