//! The rows of one table on both sides, compared by the server. Values are compared as PostgreSQL writes them, so that types
//! without an equality of their own are too, and `1.0` is not `1.00`.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::report::{Changed, Differing, TableDiff, Value};
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Acting, Connection};

const COLUMNS: &str = include_str!("columns.sql");
const COMPARE: &str = include_str!("compare.sql");

/// A table that both sides have.
#[derive(Debug)]
pub(super) struct Both {
    table: String,
    new: String,
    old: String,
    acting: Acting,
    /// Columns that both have and that no load numbers anew, in their order.
    pub(super) compared: Vec<String>,
    new_columns: Vec<String>,
    old_columns: Vec<String>,
}

impl Both {
    /// Looks for a table on both sides; `None` where one has none.
    pub(super) async fn find(
        connection: &Connection,
        table: &str,
        new: &str,
        old: &str,
    ) -> Result<Option<Self>, postgres::Error> {
        let rows = connection.rows(&what(table), COLUMNS, &[&table, &new, &old]).await?;
        let of = |side: &str| rows.iter().filter(|row| row.get::<_, &str>("schema") == side).collect::<Vec<_>>();
        let (new_side, old_side) = (of(new), of(old));
        let (Some(first), Some(second)) = (new_side.first(), old_side.first()) else { return Ok(None) };
        // Whoever may read both reads as it is; else the owner does, whom the login role may be.
        let unreadable = [first, second].into_iter().find(|row| !row.get::<_, bool>("readable"));
        let acting = unreadable.map_or(Acting::Login, |row| Acting::Role(row.get("owner")));
        let name = |row: &&Row| row.get::<_, String>("column");
        let has = |side: &[&Row], column: &str| side.iter().any(|row| row.get::<_, &str>("column") == column);
        let is_compared = |row: &&&Row| !row.get::<_, bool>("identity") && has(&old_side, row.get::<_, &str>("column"));
        Ok(Some(Self {
            table: table.to_owned(),
            new: qualified(new, table),
            old: qualified(old, table),
            acting,
            compared: new_side.iter().filter(is_compared).map(name).collect(),
            new_columns: new_side.iter().map(name).filter(|column| !has(&old_side, column)).collect(),
            old_columns: old_side.iter().map(name).filter(|column| !has(&new_side, column)).collect(),
        }))
    }

    /// Compares by these columns, or by whole rows when there are none.
    pub(super) async fn compare(
        self,
        connection: &Connection,
        key: Vec<String>,
        examples: u32,
    ) -> Result<TableDiff, postgres::Error> {
        let what = what(&self.table);
        connection.batch(&what, &self.acting.set_local()).await?;
        let list = |columns: &[String]| columns.iter().map(|name| quote_ident(name)).collect::<Vec<_>>().join(", ");
        let sql = COMPARE
            .replace("{new}", &self.new)
            .replace("{old}", &self.old)
            .replace("{key}", &list(if key.is_empty() { &self.compared } else { &key }))
            .replace("{columns}", &list(&self.compared));
        let found = connection.rows(&what, &sql, &[&i64::from(examples)]).await?;
        let new_rows = self.count(connection, &self.new).await?;
        let old_rows = self.count(connection, &self.old).await?;
        let places = |side: &str| found.iter().filter_map(|row| row.get::<_, Option<String>>(side)).collect::<Vec<_>>();
        let new = self.rows(connection, &self.new, &places("new_at")).await?;
        let old = self.rows(connection, &self.old, &places("old_at")).await?;
        let mut diff = TableDiff {
            table: self.table,
            key,
            new_rows,
            old_rows,
            new_columns: self.new_columns,
            old_columns: self.old_columns,
            added: Differing::default(),
            removed: Differing::default(),
            changed: Differing::default(),
        };
        for row in &found {
            let rows = u64::try_from(row.get::<_, i64>("rows")).unwrap_or_default();
            let side = |name: &str, of: &BTreeMap<String, BTreeMap<String, Value>>| {
                row.get::<_, Option<&str>>(name).and_then(|at| of.get(at)).cloned().unwrap_or_default()
            };
            let (new, old) = (side("new_at", &new), side("old_at", &old));
            match row.get("kind") {
                "added" => diff.added.push(rows, new),
                "removed" => diff.removed.push(rows, old),
                _ => {
                    let changed = changed(&diff.key, new, &old);
                    diff.changed.push(rows, changed);
                }
            }
        }
        Ok(diff)
    }

    async fn count(&self, connection: &Connection, table: &str) -> Result<u64, postgres::Error> {
        let row = connection.row(&what(&self.table), &format!("SELECT count(*) FROM {table}"), &[]).await?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or_default())
    }

    /// Rows by their place.
    async fn rows(
        &self,
        connection: &Connection,
        table: &str,
        places: &[String],
    ) -> Result<BTreeMap<String, BTreeMap<String, Value>>, postgres::Error> {
        let texts: Vec<String> = self.compared.iter().map(|name| format!("{}::text", quote_ident(name))).collect();
        let sql = format!(
            "SELECT ctid::text, ARRAY[{}]::text[] FROM {table} WHERE ctid = ANY ($1::text[]::tid[])",
            texts.join(", ")
        );
        let rows = connection.rows(&what(&self.table), &sql, &[&places]).await?;
        let values = |row: &Row| self.compared.iter().cloned().zip(row.get::<_, Vec<Value>>(1)).collect();
        Ok(rows.iter().map(|row| (row.get(0), values(row))).collect())
    }
}

impl<T> Differing<T> {
    fn push(&mut self, rows: u64, example: T) {
        self.rows = rows;
        self.examples.push(example);
    }
}

fn changed(key: &[String], new: BTreeMap<String, Value>, old: &BTreeMap<String, Value>) -> Changed {
    let (key, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = new.into_iter().partition(|(column, _)| key.contains(column));
    let columns = rest.into_iter().filter_map(|(column, value)| {
        let before = old.get(&column).cloned().unwrap_or_default();
        (before != value).then_some((column, (before, value)))
    });
    Changed { key, columns: columns.collect() }
}

fn what(table: &str) -> String {
    format!("compare {table}")
}
