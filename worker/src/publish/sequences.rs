//! Sequences that belong to columns: those of identities and those that somebody made `OWNED BY` one, as `serial` does.
//! Carried: name, how they count, comment, and with the other privileges theirs. An identity starts anew with the rows that
//! it numbers. Any other goes on where it stood, beyond the largest number that was loaded, so that it gives none twice.
//! Refused: those that something else uses too.

use tokio_postgres::Row;

use crate::postgres::identifiers::{qualified, quote_ident, quote_literal};

pub(super) const QUERY: &str = include_str!("sequences.sql");

/// A sequence of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sequence {
    /// PostgreSQL's id of the table.
    pub(super) table: u32,
    pub(super) column: String,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// How it counts, where that is not what PostgreSQL does by itself: `START WITH 100`.
    pub(super) options: String,
    pub(super) comment: Option<String>,
    type_name: String,
    increment: i64,
    column_counts: Counts,
}

/// How a sequence belongs to its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is made with the column.
    Identity,
    /// `OWNED BY`.
    Owned,
}

/// Whether the column holds numbers that the sequence could give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Numbers,
    Other,
}

impl Sequence {
    pub(super) fn read(row: &Row) -> Self {
        Self {
            table: row.get("table_oid"),
            column: row.get("column_name"),
            kind: if row.get("is_identity") { Kind::Identity } else { Kind::Owned },
            name: row.get("name"),
            options: row.get("options"),
            comment: row.get("comment"),
            type_name: row.get("type_name"),
            increment: row.get("increment"),
            column_counts: if row.get("counts") { Counts::Numbers } else { Counts::Other },
        }
    }

    /// Whether both count alike for the same column, whatever is said about them.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let parts = |one: &Self| (one.column.clone(), one.name.clone(), one.type_name.clone(), one.options.clone());
        parts(self) == parts(other)
    }

    /// The statements that make it for a table in staging, beyond what was loaded there.
    pub(super) fn make(&self, schema: &str, table: &str) -> Vec<String> {
        let (name, table) = (qualified(schema, &self.name), qualified(schema, table));
        let column = quote_ident(&self.column);
        let options = [format!("AS {}", self.type_name), self.options.clone()].join(" ");
        let create = format!("CREATE SEQUENCE {name} {} OWNED BY {table}.{column}", options.trim_end());
        let last = if self.increment > 0 { "max" } else { "min" };
        let literal = quote_literal(&name);
        let advance = format!(
            "SELECT setval({literal}, m.value::int8) FROM (SELECT {last}({column})::numeric AS value FROM {table}) m, pg_sequence q
             WHERE q.seqrelid = {literal}::regclass AND m.value BETWEEN q.seqmin AND q.seqmax"
        );
        let advance = (self.column_counts == Counts::Numbers).then_some(advance);
        [Some(create), advance].into_iter().flatten().collect()
    }

    /// The statement that lets it go on where the one of the old table stands, if that has come further. Both are locked.
    pub(super) fn go_on(&self, live: &str, previous: &str) -> String {
        let (new, old) = (qualified(live, &self.name), qualified(previous, &self.name));
        let further = if self.increment > 0 { ">" } else { "<" };
        format!(
            "SELECT setval({}, o.last_value, o.is_called) FROM {old} o, {new} n
             WHERE o.last_value {further} n.last_value OR o.last_value = n.last_value AND o.is_called",
            quote_literal(&new)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(increment: i64) -> Sequence {
        Sequence {
            table: 1,
            column: "id".into(),
            kind: Kind::Owned,
            name: "t_id_seq".into(),
            options: String::new(),
            comment: None,
            type_name: "integer".into(),
            increment,
            column_counts: Counts::Numbers,
        }
    }

    #[test]
    fn a_sequence_is_made_beyond_the_last_loaded_number_in_its_own_direction() {
        let up = sequence(1).make("s", "t");
        assert_eq!(up[0], r#"CREATE SEQUENCE "s"."t_id_seq" AS integer OWNED BY "s"."t"."id""#);
        assert!(up[1].contains(r#"SELECT max("id")"#), "{}", up[1]);
        assert!(sequence(-1).make("s", "t")[1].contains(r#"SELECT min("id")"#));
        assert!(sequence(-1).go_on("a", "b").contains("o.last_value < n.last_value"));
    }
}
