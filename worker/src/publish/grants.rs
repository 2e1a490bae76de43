//! Privileges on tables, their columns and their sequences. Carried: all of them, with their grant options and
//! grantors, in their order; replaced and not added to, as default privileges may have given a table in staging others. A
//! table that is published for the first time gets the default privileges of its schema. Refused: a grantor that the login
//! role cannot become.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row;

use super::rights::Missing;
use crate::postgres::Acting;
use crate::postgres::identifiers::quote_ident;

pub(super) const QUERY: &str = include_str!("grants.sql");
pub(super) const DEFAULTS: &str = include_str!("default_grants.sql");

/// What privileges are on, within one table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum On {
    /// The table.
    Table,
    /// One of its columns.
    Column(String),
    /// The sequence of this identity column.
    Sequence(String),
    /// A sequence of this name that is owned by a column.
    Owned(String),
}

impl On {
    fn is_sequence(&self) -> bool {
        matches!(self, Self::Sequence(_) | Self::Owned(_))
    }
}

/// One entry of an access control list: what one role was granted by one other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    /// `None` for everybody.
    grantee: Option<String>,
    grantor: String,
    by_owner: bool,
    grantor_reachable: bool,
    /// In PostgreSQL's order.
    plain: Vec<String>,
    /// Those that may be passed on.
    with_option: Vec<String>,
}

/// All privileges on one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Grants(BTreeMap<On, Vec<Grant>>);

impl Grants {
    /// Takes one row of [`QUERY`].
    pub(super) fn add(&mut self, row: &Row) {
        let part = |name| row.get::<_, Option<String>>(name);
        let on = match (part("column_name"), part("sequence_for"), part("owned_sequence")) {
            (Some(column), _, _) => On::Column(column),
            (_, Some(column), _) => On::Sequence(column),
            (_, _, Some(name)) => On::Owned(name),
            (None, None, None) => On::Table,
        };
        self.push(on, row);
    }

    fn push(&mut self, on: On, row: &Row) {
        let grantee: Option<String> = if row.get("to_public") { None } else { Some(row.get("grantee")) };
        let grantor: String = row.get("grantor");
        let entries = self.0.entry(on).or_default();
        // One entry is several rows; default privileges may add to an entry that stands further up.
        let known = entries.iter().position(|entry| entry.grantee == grantee && entry.grantor == grantor);
        let entry = match known {
            Some(i) => &mut entries[i],
            None => entries.push_mut(Grant {
                grantee,
                grantor,
                by_owner: row.get("by_owner"),
                grantor_reachable: row.get("can_set_grantor"),
                plain: Vec::new(),
                with_option: Vec::new(),
            }),
        };
        let privilege: String = row.get("privilege");
        if row.get("grantable") {
            entry.plain.retain(|other| *other != privilege);
            if !entry.with_option.contains(&privilege) {
                entry.with_option.push(privilege);
            }
        } else if !entry.plain.contains(&privilege) && !entry.with_option.contains(&privilege) {
            entry.plain.push(privilege);
        }
    }

    /// What a table of the login role begins with in the target schema; rows of [`DEFAULTS`]. `identities` are its
    /// identity columns.
    pub(super) fn defaults<'a>(rows: &[Row], identities: impl Iterator<Item = &'a str>) -> Self {
        let mut grants = Self::default();
        let identities: Vec<&str> = identities.collect();
        for row in rows {
            if row.get::<_, &str>("kind") == "r" {
                grants.push(On::Table, row);
            } else {
                for column in &identities {
                    grants.push(On::Sequence((*column).to_owned()), row);
                }
            }
        }
        grants
    }

    /// Without what is said of columns that are not there.
    pub(super) fn only(&self, columns: &BTreeSet<&str>) -> Self {
        let kept = self.0.iter().filter(|(on, _)| match on {
            On::Table | On::Owned(_) => true,
            On::Column(column) | On::Sequence(column) => columns.contains(column.as_str()),
        });
        Self(kept.map(|(on, entries)| (on.clone(), entries.clone())).collect())
    }

    /// What we would have to become, but cannot.
    pub(super) fn refuse(&self, login: &str, missing: &mut BTreeSet<Missing>) {
        for grant in self.0.values().flatten().filter(|grant| !grant.by_owner && !grant.grantor_reachable) {
            missing.insert(Missing::membership(&grant.grantor, login, "which granted rights on a live table"));
        }
    }

    /// The roles besides the owner that granted something.
    pub(super) fn grantors(&self) -> impl Iterator<Item = &str> {
        self.0.values().flatten().filter(|grant| !grant.by_owner).map(|grant| grant.grantor.as_str())
    }

    /// The statements that make `found` become `self`, each with the role that must run it. `place` gives the SQL name of
    /// what is granted on: `TABLE s.t`, or `SEQUENCE s.t_id_seq` for the column's sequence.
    pub(super) fn rebuild(&self, found: &Self, owner: &Acting, place: impl Fn(&On) -> String) -> Vec<(Acting, String)> {
        let mut steps = Vec::new();
        let empty = Vec::new();
        let same = |on: &On| self.0.get(on).unwrap_or(&empty) == found.0.get(on).unwrap_or(&empty);
        let all: BTreeSet<&On> = self.0.keys().chain(found.0.keys()).collect();
        // Revoking on a table revokes on its columns too, so these are one.
        let table_differs = all.iter().any(|on| !on.is_sequence() && !same(on));
        for on in all {
            let differs = if on.is_sequence() { !same(on) } else { table_differs };
            if !differs {
                continue;
            }
            if !matches!(on, On::Column(_)) {
                for grant in found.0.get(on).unwrap_or(&empty) {
                    // A grant by somebody else goes with the option of whoever granted it.
                    let statement = format!("REVOKE ALL ON {} FROM {} CASCADE", place(on), grant.to());
                    steps.push((owner.clone(), statement));
                }
            }
            for grant in self.0.get(on).unwrap_or(&empty) {
                let by = if grant.by_owner { owner.clone() } else { Acting::Role(grant.grantor.clone()) };
                for (privileges, option) in [(&grant.plain, ""), (&grant.with_option, " WITH GRANT OPTION")] {
                    if privileges.is_empty() {
                        continue;
                    }
                    let privileges = match on {
                        On::Column(column) => {
                            let column = quote_ident(column);
                            privileges.iter().map(|p| format!("{p} ({column})")).collect::<Vec<_>>().join(", ")
                        }
                        _ => privileges.join(", "),
                    };
                    steps.push((by.clone(), format!("GRANT {privileges} ON {} TO {}{option}", place(on), grant.to())));
                }
            }
        }
        steps
    }
}

impl Grant {
    fn to(&self) -> String {
        self.grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), quote_ident)
    }
}
