//! Making a table or materialized view in staging look like the live one, but for its rows: names of sequences, privileges, comments. All of it
//! happens before any lock is taken, and again when somebody changed the live table meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use super::comments::{self, Commented};
use super::grants::{self, Grants, On};
use super::indexes;
use super::inventory::Dress;
use super::sequences::{self, Sequence};
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Acting, Connection};

/// What a table in staging looks like now.
#[derive(Debug, Default)]
struct Look {
    grants: Grants,
    comments: BTreeMap<String, String>,
    /// By identity column.
    sequences: BTreeMap<String, String>,
    owned: Vec<Sequence>,
    not_null: BTreeSet<String>,
}

impl Dress {
    /// Puts it on a table in staging. Runs in a transaction of its own.
    pub(super) async fn put_on(
        &self,
        connection: &Connection,
        schema: &str,
        table: &str,
        oid: u32,
    ) -> Result<(), postgres::Error> {
        let what = format!("make {table} in staging like the live table");
        let sql = self.statements(connection, schema, table, oid).await?;
        if sql.is_empty() {
            return Ok(());
        }
        let done = connection.batch(&what, &format!("BEGIN; {sql}COMMIT")).await;
        if done.is_err() {
            connection.rollback().await;
        }
        done
    }

    /// The statements that put it on, each with a semicolon behind it, for a transaction that is open.
    pub(super) async fn statements(
        &self,
        connection: &Connection,
        schema: &str,
        table: &str,
        oid: u32,
    ) -> Result<String, postgres::Error> {
        let look = Look::read(connection, &format!("look at {table} in staging"), oid).await?;
        let steps = self.steps(&look, schema, table);
        let spelled = steps.iter().map(|(acting, statement)| format!("{}; {statement}; ", acting.set_local()));
        Ok(spelled.collect())
    }

    fn steps(&self, look: &Look, schema: &str, table: &str) -> Vec<(Acting, String)> {
        let mut steps = Vec::new();
        let mut as_owner = |statement: String| steps.push((self.owner.clone(), statement));
        for (column, (name, _)) in &self.sequences {
            match look.sequences.get(column) {
                Some(found) if found != name => {
                    as_owner(format!("ALTER SEQUENCE {} RENAME TO {}", qualified(schema, found), quote_ident(name)));
                }
                _ => {}
            }
        }
        let changed = |columns: &BTreeSet<String>, others: &BTreeSet<String>, verb: &str| -> Vec<String> {
            let alter = |column: &String| {
                format!("ALTER TABLE {} ALTER COLUMN {} {verb} NOT NULL", qualified(schema, table), quote_ident(column))
            };
            columns.difference(others).map(alter).collect()
        };
        changed(&self.not_null, &look.not_null, "SET").into_iter().for_each(&mut as_owner);
        changed(&look.not_null, &self.not_null, "DROP").into_iter().for_each(&mut as_owner);
        let is_there = |all: &[Sequence], one: &Sequence| all.iter().any(|other| other.is_like(one));
        for sequence in look.owned.iter().filter(|sequence| !is_there(&self.owned, sequence)) {
            // With the default that calls it, which is made again later.
            as_owner(format!("DROP SEQUENCE {} CASCADE", qualified(schema, &sequence.name)));
        }
        for sequence in self.owned.iter().filter(|sequence| !is_there(&look.owned, sequence)) {
            sequence.make(schema, table).into_iter().for_each(&mut as_owner);
        }
        for (on, text) in self.comments() {
            let statement = comments::rebuild(schema, table, &on, Some(text));
            if look.comments.get(&key(&on)).map(String::as_str) != Some(text) {
                as_owner(statement);
            }
        }
        let place = |on: &On| match on {
            On::Table | On::Column(_) => format!("TABLE {}", qualified(schema, table)),
            On::Sequence(column) => {
                let name = self.sequences.get(column).map_or("", |(name, _)| name);
                format!("SEQUENCE {}", qualified(schema, name))
            }
            On::Owned(name) => format!("SEQUENCE {}", qualified(schema, name)),
        };
        steps.extend(self.grants.rebuild(&look.grants, &self.owner, place));
        steps
    }

    fn comments(&self) -> Vec<(Commented<'_>, &str)> {
        let table = self.comment.iter().map(|text| (Commented::Relation(self.kind), text.as_str()));
        let columns = self.column_comments.iter().map(|(name, text)| (Commented::Column(name), text.as_str()));
        let indexes = self.index_comments.iter().map(|(name, on, text)| {
            let on = match on {
                indexes::Commented::Index => Commented::Index(name),
                indexes::Commented::Constraint => Commented::Constraint(name),
            };
            (on, text.as_str())
        });
        let sequences =
            self.sequences.values().filter_map(|(name, text)| Some((Commented::Sequence(name), text.as_deref()?)));
        let owned = self.owned.iter().filter_map(|one| Some((Commented::Sequence(&one.name), one.comment.as_deref()?)));
        table.chain(columns).chain(indexes).chain(sequences).chain(owned).collect()
    }
}

fn key(on: &Commented<'_>) -> String {
    match on {
        Commented::Relation(_) => "table".to_owned(),
        Commented::Column(name) => format!("column {name}"),
        Commented::Index(name) => format!("index {name}"),
        Commented::Constraint(name) => format!("constraint {name}"),
        Commented::Sequence(name) => format!("sequence {name}"),
    }
}

impl Look {
    async fn read(connection: &Connection, what: &str, oid: u32) -> Result<Self, postgres::Error> {
        let mut look = Self::default();
        for row in &connection.rows(what, grants::QUERY, &[&vec![oid], &"MEMBER"]).await? {
            look.grants.add(row);
        }
        for row in &connection.rows(what, include_str!("look.sql"), &[&oid]).await? {
            let (kind, name, comment): (&str, &str, Option<String>) = (row.get(0), row.get(1), row.get(2));
            let on = if kind == "table" { kind.to_owned() } else { format!("{kind} {name}") };
            if let Some(comment) = comment {
                look.comments.insert(on, comment);
            }
            if row.get(3) {
                look.not_null.insert(name.to_owned());
            }
        }
        for sequence in connection.rows(what, sequences::QUERY, &[&vec![oid]]).await?.iter().map(Sequence::read) {
            if let Some(comment) = &sequence.comment {
                look.comments.insert(format!("sequence {}", sequence.name), comment.clone());
            }
            match sequence.kind {
                sequences::Kind::Identity => drop(look.sequences.insert(sequence.column, sequence.name)),
                sequences::Kind::Owned => look.owned.push(sequence),
            }
        }
        Ok(look)
    }
}
