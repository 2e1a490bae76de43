//! Publications of logical replication. Rows that were copied into staging are not sent to subscribers, nor is the swap, so
//! that a published table is refused unless the manifest says `publications: carry`. Then carried: membership with its
//! columns and row filter, moved in the swap; that of a schema comes with the schema. Refused all the same: publications of
//! all tables that send inserts, as COPY into staging would stop their subscribers, who have no such table.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Dataset;
use manifest::dataset::Publications;
use tokio_postgres::Row;

use super::refusal::Refusal;
use super::rights::Missing;
use crate::postgres::identifiers::quote_ident;

const QUERY: &str = include_str!("publications.sql");
const QUERY_14: &str = include_str!("publications_14.sql");

/// A publication that a table of the dataset belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Publication {
    name: String,
    scope: Scope,
    inserts: Inserts,
    owner: String,
    inherited: bool,
}

/// What of the dataset is published.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    /// This live table, with the columns and the filter that follow its name.
    Table(u32, String),
    /// Its schema.
    Schema,
    /// Everything.
    All,
}

/// Whether inserts are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inserts {
    Sent,
    NotSent,
}

/// The query behind [`Publication::read`] for a server of this version; its parameters are the live tables and the schema.
pub(super) fn query(version: i32) -> &'static str {
    if version >= 150_000 { QUERY } else { QUERY_14 }
}

impl Publication {
    pub(super) fn read(row: &Row) -> Self {
        Self {
            name: row.get("name"),
            scope: match row.get("scope") {
                "table" => Scope::Table(row.get("table_oid"), row.get("part")),
                "schema" => Scope::Schema,
                _ => Scope::All,
            },
            inserts: if row.get("inserts") { Inserts::Sent } else { Inserts::NotSent },
            owner: row.get("owner"),
            inherited: row.get("inherits"),
        }
    }

    /// What is missing to change it.
    pub(super) fn refuse_rights(&self, mode: Publications, login: &str, missing: &mut BTreeSet<Missing>) {
        let is_moved = mode == Publications::Carry && matches!(self.scope, Scope::Table(..));
        if is_moved && !self.inherited {
            missing.insert(Missing::membership(&self.owner, login, &format!("which owns publication {}", self.name)));
        }
    }

    fn refuse(&self, mode: Publications, table: &str) -> Option<Refusal> {
        let remedy = match (&self.scope, mode) {
            (Scope::All, _) if self.inserts == Inserts::Sent => {
                "it publishes all tables, and loading would stop its subscribers, who have no staging: let it name its tables"
            }
            (Scope::All | Scope::Schema | Scope::Table(..), Publications::Refuse) => {
                "subscribers would not see the new rows: take the table out of it, or set `publications: carry` and refresh them"
            }
            (_, Publications::Carry) => return None,
        };
        Some(Refusal::new(table, format!("publication {}", self.name), remedy))
    }

    /// The statement that takes the old table out. Takes SHARE UPDATE EXCLUSIVE on it.
    pub(super) fn drop(&self, table: impl Fn(u32) -> String) -> Option<String> {
        let Scope::Table(oid, _) = &self.scope else { return None };
        Some(format!("ALTER PUBLICATION {} DROP TABLE {}", quote_ident(&self.name), table(*oid)))
    }

    /// The statement that puts the new table in.
    pub(super) fn add(&self, table: impl Fn(u32) -> String) -> Option<String> {
        let Scope::Table(oid, part) = &self.scope else { return None };
        Some(format!("ALTER PUBLICATION {} ADD TABLE {}{part}", quote_ident(&self.name), table(*oid)))
    }
}

/// What would be lost of a dataset's publications. `live` are the live tables by PostgreSQL's id.
pub(super) fn refuse(dataset: &Dataset, live: &BTreeMap<u32, &str>, publications: &[Publication]) -> Vec<Refusal> {
    let first = dataset.tables.first().map_or("", |table| table.name.as_str());
    let refused = publications.iter().filter_map(|publication| {
        let table = match publication.scope {
            Scope::Table(oid, _) => live.get(&oid).copied().unwrap_or(first),
            Scope::Schema | Scope::All => first,
        };
        publication.refuse(dataset.publications, table)
    });
    refused.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publication(scope: Scope, inserts: Inserts) -> Publication {
        Publication { name: "p".into(), scope, inserts, owner: "o".into(), inherited: true }
    }

    #[test]
    fn carrying_is_asked_for_and_stops_short_of_all_tables() {
        let refused = |scope, inserts, mode| publication(scope, inserts).refuse(mode, "t").is_some();
        for scope in [Scope::Table(1, String::new()), Scope::Schema, Scope::All] {
            assert!(refused(scope.clone(), Inserts::Sent, Publications::Refuse));
            assert_eq!(refused(scope.clone(), Inserts::Sent, Publications::Carry), scope == Scope::All);
            assert!(!refused(scope, Inserts::NotSent, Publications::Carry));
        }
    }

    #[test]
    fn columns_and_filter_follow_the_table() {
        let scope = Scope::Table(1, " (id) WHERE ((id > 3))".into());
        let one = publication(scope, Inserts::Sent);
        let table = |_| "\"public\".\"t\"".to_owned();
        assert_eq!(one.drop(table).unwrap(), "ALTER PUBLICATION \"p\" DROP TABLE \"public\".\"t\"");
        assert_eq!(one.add(table).unwrap(), "ALTER PUBLICATION \"p\" ADD TABLE \"public\".\"t\" (id) WHERE ((id > 3))");
    }
}
