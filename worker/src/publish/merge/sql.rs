//! The statements of a merge. Names are quoted, and the one operator in statements that may fire somebody's triggers is
//! PostgreSQL's own by name, as these run under the triggers' search path.

use manifest::Identifier;
use manifest::dataset::{Deletes, Table};

use super::compare::comparable;
use super::standing::{Standing, loaded};
use crate::postgres::identifiers::{fitting, qualified, quote_ident};

/// What a merge's statements are made of.
#[derive(Debug)]
pub(super) struct Statements<'a> {
    table: &'a Table,
    standing: &'a Standing,
    /// The live table.
    live: String,
    /// The rows that have come.
    staged: String,
    /// The rows among them that change something.
    changes: String,
}

/// The column of the changes that tells new rows from changed ones. No column of a manifest has a blank in its name.
const IS_NEW: &str = "\"is new\"";

impl<'a> Statements<'a> {
    pub(super) fn new(table: &'a Table, standing: &'a Standing, schema: &str, staging: &str) -> Self {
        let name = table.name.as_str();
        Self {
            table,
            standing,
            live: qualified(schema, name),
            staged: qualified(staging, name),
            changes: qualified(staging, &fitting(&format!("{name} changes"))),
        }
    }

    /// Rows that are live, and those of them that the source does not hold.
    pub(super) fn count_live(&self, key: &[Identifier], deletes: Deletes) -> String {
        match deletes {
            Deletes::Keep => format!("SELECT count(*), 0::int8 FROM {}", self.live),
            Deletes::Apply => format!(
                "SELECT count(*), count(*) FILTER (WHERE s.tableoid IS NULL) FROM {} l LEFT JOIN {} s ON {}",
                self.live,
                self.staged,
                self.same_key(key, "l", "s")
            ),
        }
    }

    /// Makes the table of changes: rows whose key is not live, and rows that differ from the live one and may replace it.
    pub(super) fn find_changes(&self, key: &[Identifier], newer: Option<&Identifier>) -> String {
        let columns: Vec<String> = loaded(self.table).map(|column| format!("s.{}", name(&column.name))).collect();
        format!(
            "CREATE UNLOGGED TABLE {} AS SELECT l.tableoid IS NULL AS {IS_NEW}, {} FROM {} s LEFT JOIN {} l ON {} \
             WHERE l.tableoid IS NULL OR ({}{}) ORDER BY s.ctid; ANALYZE {0}",
            self.changes,
            columns.join(", "),
            self.staged,
            self.live,
            self.same_key(key, "l", "s"),
            self.differs(key),
            newer.map(|newer| format!(" AND {}", may_replace(newer))).unwrap_or_default(),
        )
    }

    /// How many rows of the changes are new and how many are not.
    pub(super) fn count_changes(&self) -> String {
        format!("SELECT count(*) FILTER (WHERE {IS_NEW}), count(*) FILTER (WHERE NOT {IS_NEW}) FROM {}", self.changes)
    }

    pub(super) fn count_staged(&self) -> String {
        format!("SELECT count(*) FROM {}", self.staged)
    }

    pub(super) fn delete(&self, key: &[Identifier]) -> String {
        format!(
            "DELETE FROM {} l WHERE NOT EXISTS (SELECT FROM {} s WHERE {})",
            self.live,
            self.staged,
            self.same_key(key, "l", "s")
        )
    }

    /// Columns of the key are the same already. Nothing when there are no others.
    pub(super) fn update(&self, key: &[Identifier]) -> Option<String> {
        let set: Vec<String> = self.beside(key).map(|column| format!("{0} = d.{0}", name(column))).collect();
        (!set.is_empty()).then(|| {
            format!(
                "UPDATE {} l SET {} FROM {} d WHERE NOT d.{IS_NEW} AND {}",
                self.live,
                set.join(", "),
                self.changes,
                self.same_key(key, "l", "d")
            )
        })
    }

    /// In the order of the source, so that identities follow it.
    pub(super) fn insert_changes(&self) -> String {
        self.insert(&format!("{} d WHERE d.{IS_NEW} ORDER BY d.ctid", self.changes))
    }

    /// Every row that has come, in the order of the source.
    pub(super) fn insert_all(&self) -> String {
        self.insert(&format!("{} d ORDER BY d.ctid", self.staged))
    }

    pub(super) fn drop_changes(&self) -> String {
        format!("DROP TABLE {}", self.changes)
    }

    fn insert(&self, from: &str) -> String {
        let columns: Vec<String> = loaded(self.table).map(|column| name(&column.name)).collect();
        let values: Vec<String> = columns.iter().map(|column| format!("d.{column}")).collect();
        format!("INSERT INTO {} ({}) SELECT {} FROM {from}", self.live, columns.join(", "), values.join(", "))
    }

    fn beside<'k>(&'k self, key: &'k [Identifier]) -> impl Iterator<Item = &'k Identifier> {
        loaded(self.table).map(|column| &column.name).filter(|column| !key.contains(column))
    }

    fn same_key(&self, key: &[Identifier], live: &str, other: &str) -> String {
        let same = key.iter().map(|column| {
            let collate = self.standing.collation(column).map(|c| format!(" COLLATE {c}")).unwrap_or_default();
            format!("{live}.{0} OPERATOR(pg_catalog.=) {other}.{0}{collate}", name(column))
        });
        same.collect::<Vec<_>>().join(" AND ")
    }

    fn differs(&self, key: &[Identifier]) -> String {
        let differs = loaded(self.table).filter(|column| !key.contains(&column.name)).map(|column| {
            let of = |side: &str| comparable(&format!("{side}.{}", name(&column.name)), &column.type_name);
            format!("{} IS DISTINCT FROM {}", of("l"), of("s"))
        });
        let differs: Vec<String> = differs.collect();
        if differs.is_empty() { "false".to_owned() } else { format!("({})", differs.join(" OR ")) }
    }
}

/// Whether a row of the source may replace the live one: a later one may, one of unknown age only where the live one's is
/// unknown too. Rows of the same age stay as they are.
fn may_replace(newer: &Identifier) -> String {
    let newer = name(newer);
    format!("(l.{newer} IS NULL OR s.{newer} > l.{newer})")
}

fn name(column: &Identifier) -> String {
    quote_ident(column.as_str())
}
