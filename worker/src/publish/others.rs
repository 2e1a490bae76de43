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
        "policy" => "a policy of another table reads this one: drop it, or let it read a view of the table",
        "row_type" => "it depends on the row type of the table: use columns, or TABLE of a view, instead",
        "extension" => "the table belongs to an extension: load into another table",
        "security_label" => "security labels are not carried over: remove it",
        "access_method" => "ALTER TABLE … SET ACCESS METHOD heap, or drop the table",
        "tablespace" => "move it to the database's own tablespace",
        "subscription" => "the table is filled by logical replication: load into another table",
        "sequence" => "it uses a sequence that goes with its table: let it use one of its own",
        "inheritance" => "partitions and inheritance are not carried over: detach it",
        "referenced_by" => "a foreign key of a partitioned table cannot be added again without reading it all: drop it",
        "disabled_foreign_key" => "its triggers are disabled: enable them, or drop it",
        "generated_column" => "generated columns are not carried over: derive the column in the manifest",
        "rule" => "a rule of another table writes or reads this one: drop it",
        "statistics" => "ALTER STATISTICS … SET SCHEMA, and OWNER TO, those of the table",
        "function" => "aggregates that name a table are not carried over: drop it",
        _ => "it is not carried over: drop it, or make it depend on a view of the table",
    }
}
