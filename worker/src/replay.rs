//! Kept records become rows of live tables, once: what the manifest of now reads of them comes in, and in one transaction rows that were
//! kept out are inserted, values that are NULL because they could not be read are put right by key, and the ledger is told.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use manifest::Identifier;
use manifest::dataset::{Duplicates, Load, Table};
use manifest::run::Changes;
use value::wire;

use crate::ledger::ReplayedTable;
use crate::postgres::copy::{Failed, copy_in};
use crate::postgres::identifiers::{qualified, quote_ident};
use crate::postgres::{self, Acting, Connection};
use crate::reading::Reread;
use crate::staging::Distinct;

/// A live table that records are replayed into.
#[derive(Debug)]
pub struct Replay<'t> {
    /// The table.
    pub table: &'t Table,
    /// As whom its rows are written.
    pub acting: Acting,
    /// The columns of a row, each with its type as PostgreSQL spells it.
    pub columns: Vec<(Identifier, String)>,
    /// The records that could be read.
    pub records: Vec<ReadAgain>,
}

/// A kept record that is a row now.
#[derive(Debug, Clone)]
pub struct ReadAgain {
    /// Where it came from, in words.
    pub place: String,
    /// What each column came to.
    pub fields: Vec<Reread>,
    /// What it is for.
    pub task: Task,
}

/// What a record that was read again is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Its row was kept out, by this reject.
    Insert(i64),
    /// Its row is live; these columns of it, by their place, are NULL for a reject each.
    Fill(Vec<(usize, i64)>),
}

/// What came of a table.
#[derive(Debug)]
pub struct Outcome {
    /// For the ledger.
    pub replayed: ReplayedTable,
    /// Records that stay as they are: place and reason.
    pub left: Vec<(String, String)>,
}

/// Rows are brought here first. It is gone with the transaction.
const RELATION: &str = "freshet replay";

/// The number of a record there, which no column of a table can be called.
const NUMBER: &str = "\"freshet record\"";

impl Replay<'_> {
    /// Writes its rows in the transaction that is open. Leaves the login role acting.
    ///
    /// # Errors
    /// The database's own, such as a constraint that a row does not hold; the transaction can then only be rolled back.
    pub async fn run(self, connection: &Connection, schema: &str) -> Result<Outcome, postgres::Error> {
        let name = self.table.name.as_str();
        let what = format!("load kept records into {name}");
        connection.batch(&what, &self.acting.set_local()).await?;
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|(name, type_name)| format!("{} {type_name}", quote_ident(name.as_str())))
            .collect();
        let temporary = quote_ident(RELATION);
        let create =
            format!("CREATE TEMPORARY TABLE {temporary} ({NUMBER} bigint, {}) ON COMMIT DROP", columns.join(", "));
        connection.batch(&what, &create).await?;
        let copy = format!("COPY {temporary} FROM STDIN (FORMAT binary)");
        let rows = stream::iter([Ok::<Bytes, Infallible>(self.rows())]);
        match copy_in(connection, &what, &copy, rows).await {
            Ok(_) => {}
            Err(Failed::Database(error)) => return Err(error),
            Err(Failed::Reading(never)) => match never {},
        }
        let live = qualified(schema, name);
        let mut outcome =
            Work { replay: &self, connection, what: &what, live: &live, temporary: &temporary }.all().await?;
        outcome.left.sort();
        connection.batch(&what, &format!("DROP TABLE {temporary}; SET LOCAL ROLE NONE")).await?;
        Ok(outcome)
    }

    /// The records as a binary `COPY` stream, each with its number before it.
    fn rows(&self) -> Bytes {
        let mut rows = wire::HEADER.to_vec();
        let width = u16::try_from(self.columns.len() + 1).unwrap_or(u16::MAX);
        for (number, record) in self.records.iter().enumerate() {
            rows.extend(wire::row(width));
            rows.extend(8_i32.to_be_bytes());
            rows.extend(place(number).to_be_bytes());
            for field in &record.fields {
                match field {
                    Reread::Value(field) => rows.extend_from_slice(field),
                    Reread::Null | Reread::Bad(_) => rows.extend(wire::NULL),
                }
            }
        }
        rows.extend(wire::TRAILER);
        rows.into()
    }

    /// The columns that tell rows apart; none where nothing does.
    fn key(&self) -> Vec<&Identifier> {
        let key = self.table.key();
        let is_read = |name: &&Identifier| self.columns.iter().any(|(column, _)| column == *name);
        if key.iter().all(|name| is_read(&name)) { key.iter().collect() } else { Vec::new() }
    }

    /// Why the row with a record's key need not be the record's own, so that no value of the one belongs into the other.
    fn may_be_anothers(&self) -> Option<&'static str> {
        if self.key().is_empty() {
            return Some("nothing tells its row apart");
        }
        let is_newer = matches!(&self.table.load, Load::Upsert { newer: Some(_), .. });
        let is_one_of_several = self.table.duplicates != Duplicates::Refuse || is_newer;
        is_one_of_several.then_some("the row with its key may be a newer one")
    }
}

fn place(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The statements of one table, with what they share.
struct Work<'a> {
    replay: &'a Replay<'a>,
    connection: &'a Connection,
    what: &'a str,
    live: &'a str,
    temporary: &'a str,
}

impl Work<'_> {
    async fn all(&self) -> Result<Outcome, postgres::Error> {
        let (mut inserts, mut fills) = (BTreeMap::new(), BTreeMap::<usize, Vec<(i64, i64)>>::new());
        let (mut left, mut settled) = (Vec::new(), Vec::new());
        let (key, anothers) = (self.replay.key(), self.replay.may_be_anothers());
        for (number, record) in self.replay.records.iter().enumerate() {
            let mut leave = |reason: String| left.push((record.place.clone(), reason));
            match &record.task {
                Task::Insert(reject) => match bad(&record.fields) {
                    Some((column, code)) => leave(format!("{}: {code}", self.replay.columns[column].0)),
                    None => {
                        inserts.insert(place(number), *reject);
                    }
                },
                Task::Fill(columns) => {
                    for (column, reject) in columns {
                        let name = &self.replay.columns[*column].0;
                        match &record.fields[*column] {
                            Reread::Bad(code) => leave(format!("{name}: {code}")),
                            // It means nothing now, as it does in the row.
                            Reread::Null => settled.push(*reject),
                            Reread::Value(_) => match anothers {
                                Some(why) => leave(format!("{name}: {why}; load the dataset again")),
                                None => fills.entry(*column).or_default().push((place(number), *reject)),
                            },
                        }
                    }
                }
            }
        }
        let settled_before = settled.len();
        let (inserted, kept_out) = self.insert(&key, &inserts).await?;
        settled.extend(inserts.iter().filter(|(number, _)| !kept_out.contains_key(number)).map(|(_, reject)| *reject));
        left.extend(kept_out.into_iter().map(|(number, reason)| (self.place(number), reason.to_owned())));
        let mut updated = BTreeSet::new();
        for (column, records) in fills {
            let filled = self.fill(&key, column, &records).await?;
            for (number, reject) in records {
                if filled.contains(&number) {
                    settled.push(reject);
                    updated.insert(number);
                } else {
                    let name = &self.replay.columns[column].0;
                    left.push((self.place(number), format!("{name}: its row is gone, or has a value there")));
                }
            }
        }
        let unchanged = settled_before as u64;
        let changes = Changes { inserted, updated: updated.len() as u64, deleted: 0, unchanged };
        let table = self.replay.table.name.to_string();
        Ok(Outcome { replayed: ReplayedTable { table, changes, rejects: settled }, left })
    }

    fn place(&self, number: i64) -> String {
        let record = usize::try_from(number).ok().and_then(|number| self.replay.records.get(number));
        record.map(|record| record.place.clone()).unwrap_or_default()
    }

    /// Inserts rows. Those whose key is live, or that share one of which the manifest wants another row or none, stay out and are told
    /// with the reason.
    async fn insert(
        &self,
        key: &[&Identifier],
        inserts: &BTreeMap<i64, i64>,
    ) -> Result<(u64, BTreeMap<i64, &'static str>), postgres::Error> {
        let Self { connection, what, live, temporary, .. } = self;
        let numbers: Vec<i64> = inserts.keys().copied().collect();
        let mut kept_out = BTreeMap::new();
        if numbers.is_empty() {
            return Ok((0, kept_out));
        }
        if !key.is_empty() {
            let distinct = Distinct::of(self.replay.table);
            let newer = distinct.as_ref().and_then(|distinct| distinct.newer.as_ref());
            let newer = newer.map(|column| format!("{} DESC NULLS LAST, ", quote_ident(column.as_str())));
            let sql = format!(
                "SELECT {NUMBER}, is_live FROM (
                     SELECT {NUMBER}, count(*) OVER (PARTITION BY {names}) AS many,
                         row_number() OVER (PARTITION BY {names} ORDER BY {newer}{NUMBER}) AS nth,
                         EXISTS (SELECT FROM {live} AS l WHERE {same}) AS is_live
                     FROM {temporary} AS r WHERE {NUMBER} = ANY ($1) AND {present}) AS one
                 WHERE is_live OR {surplus}",
                names = list(key.iter().map(|name| quote_ident(name.as_str())), ", "),
                newer = newer.unwrap_or_default(),
                same = same(key),
                // Rows without a value in their key are no duplicates of each other.
                present = list(key.iter().map(|name| format!("{} IS NOT NULL", quote_ident(name.as_str()))), " AND "),
                surplus = if distinct.is_some() { "nth > 1" } else { "many > 1" },
            );
            let reason = |row: &tokio_postgres::Row| match (row.get(1), &distinct) {
                (true, _) => "a row with its key is live already",
                (false, Some(_)) => "another kept record with its key is the one that the manifest wants",
                (false, None) => "another kept record has its key, and the manifest does not say which one to load",
            };
            let rows = connection.rows(what, &sql, &[&numbers]).await?;
            kept_out.extend(rows.iter().map(|row| (row.get::<_, i64>(0), reason(row))));
        }
        let wanted: Vec<i64> = numbers.into_iter().filter(|number| !kept_out.contains_key(number)).collect();
        let columns = list(self.replay.columns.iter().map(|(name, _)| quote_ident(name.as_str())), ", ");
        let sql = format!(
            "INSERT INTO {live} ({columns}) SELECT {columns} FROM {temporary} WHERE {NUMBER} = ANY ($1) ORDER BY {NUMBER}"
        );
        let inserted = connection.execute(what, &sql, &[&wanted]).await?;
        Ok((inserted, kept_out))
    }

    /// Puts values into rows that are NULL there; tells which.
    async fn fill(
        &self,
        key: &[&Identifier],
        column: usize,
        records: &[(i64, i64)],
    ) -> Result<BTreeSet<i64>, postgres::Error> {
        let Self { connection, what, live, temporary, .. } = self;
        let numbers: Vec<i64> = records.iter().map(|(number, _)| *number).collect();
        let name = quote_ident(self.replay.columns[column].0.as_str());
        let sql = format!(
            "UPDATE {live} AS l SET {name} = r.{name} FROM {temporary} AS r
             WHERE {} AND l.{name} IS NULL AND r.{NUMBER} = ANY ($1) RETURNING r.{NUMBER}",
            same(key)
        );
        let rows = connection.rows(what, &sql, &[&numbers]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

fn bad(fields: &[Reread]) -> Option<(usize, &'static str)> {
    fields.iter().enumerate().find_map(|(place, field)| match field {
        Reread::Bad(code) => Some((place, *code)),
        Reread::Value(_) | Reread::Null => None,
    })
}

fn list(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}

fn same(key: &[&Identifier]) -> String {
    let equal = |name: &&Identifier| {
        let name = quote_ident(name.as_str());
        format!("l.{name} = r.{name}")
    };
    list(key.iter().map(equal), " AND ")
}
