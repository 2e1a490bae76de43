//! Everything that hangs on a live table and has no file here that carries it over: found by kind and name, and refused
//! before anything is loaded. A kind that gets a file of its own leaves this list.

use tokio_postgres::Row;

use super::refusal::Refusal;

pub(super) const QUERY: &str = include_str!("others.sql");

/// Something that hangs on a live table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) table: u32,
    kind: String,
    name: String,
}

impl Other {
    pub(super) fn read(row: &Row) -> Self {
        Self { table: row.get("table_oid"), kind: row.get("kind"), name: row.get("name") }
    }

    pub(super) fn refuse(&self, table: &str) -> Refusal {
        Refusal::new(table, self.name.clone(), remedy(&self.kind))
    }
}

fn remedy(kind: &str) -> &'static str {
    match kind {
        "relation_kind" => {
            "a load replaces ordinary tables: give the table another name in the manifest, or move this away"
        }
        "unlogged" => "a load publishes logged tables: ALTER TABLE … SET LOGGED, or drop it",
        "row_security" => "policies are not carried over, and rows would show that should not: load into another table",
        "policy" => "policies are not carried over: drop it, or load into another table",
        "row_type" => "it depends on the row type of the table: use columns, or TABLE of a view, instead",
        "extension" => "the table belongs to an extension: load into another table",
        "security_label" => "security labels are not carried over: remove it",
        "access_method" => "ALTER TABLE … SET ACCESS METHOD heap, or drop the table",
        "tablespace" => "move it to the database's own tablespace",
        "index_statistics" => "ALTER INDEX … ALTER COLUMN … SET STATISTICS -1",
        "collation" => "make the column anew without COLLATE",
        "publication" => "subscribers would not see the new rows: take the table out of the publication",
        "subscription" => "the table is filled by logical replication: load into another table",
        "sequence" => "declare the column as identity in the manifest, and drop the sequence",
        "inheritance" => "partitions and inheritance are not carried over: detach it",
        "foreign_key" => "foreign keys are not carried over: drop it",
        "referenced_by" => "foreign keys to a table that is replaced are not carried over: drop it",
        "trigger" => "triggers are not carried over: drop it, as loads would not fire it either",
        "generated_column" => "generated columns are not carried over: derive the column in the manifest",
        "default" => "defaults are not carried over, as every row is loaded: ALTER TABLE … ALTER COLUMN … DROP DEFAULT",
        "rule" => "rules of tables are not carried over: drop it",
        "statistics" => "extended statistics are not carried over: drop it",
        "function" => "aggregates that name a table are not carried over: drop it",
        _ => "it is not carried over: drop it, or make it depend on a view of the table",
    }
}
