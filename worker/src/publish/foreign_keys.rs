//! Foreign keys between live tables and others. Those of other tables that name a live one are carried: dropped and added
//! again in the swap, and proven afterwards. A swap deletes nothing, so nothing cascades: rows of other tables whose key the
//! new rows do not have are found in staging and refuse the load, whatever ON DELETE says. A live table's own keys are made
//! in staging; those of the generation that goes are dropped, so that it holds nobody's rows. Refused: keys of partitioned
//! tables, which cannot be added without a scan, and referenced columns of another type than before.

use std::collections::BTreeSet;

use manifest::dataset::Table;
use tokio_postgres::Row;

use super::columns::{LiveColumn, Types};
use super::error::Violation;
use super::refusal::Refusal;
use super::rights::{Missing, Owner};
use crate::ledger::UnprovenKey;
use crate::postgres::identifiers::{qualified, quote_ident, quote_literal};
use crate::postgres::{self, Acting, Connection};

pub(super) const QUERY: &str = include_str!("foreign_keys.sql");

/// How many keys without a row are told as examples.
const EXAMPLES: usize = 5;

/// A foreign key between a live table and one that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ForeignKey {
    pub(super) name: String,
    /// The table of ours at one end.
    pub(super) live: u32,
    direction: Direction,
    /// The table at the other end.
    pub(super) schema: String,
    pub(super) table: String,
    owner: Owner,
    may_lock: bool,
    definition: String,
    proof: Proof,
    comment: Option<String>,
    columns: Vec<String>,
    /// The columns that they are compared with, and by what.
    keys: Vec<String>,
    operators: Vec<String>,
}

/// Which end is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// The other table's rows name rows of ours.
    Incoming,
    /// Our rows name rows of the other table.
    Outgoing,
}

/// Whether all rows are known to hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Valid,
    NotValid,
}

impl ForeignKey {
    pub(super) fn read(row: &Row) -> Self {
        let (direction, live) = if row.get("is_ours") {
            (Direction::Outgoing, row.get("referencing"))
        } else {
            (Direction::Incoming, row.get("referenced"))
        };
        Self {
            name: row.get("name"),
            live,
            direction,
            schema: row.get("schema_name"),
            table: row.get("table_name"),
            owner: Owner {
                name: row.get("owner"),
                inherited: row.get("inherits"),
                reachable: row.get("can_set"),
                creates: row.get("owner_creates"),
            },
            may_lock: row.get("may_lock"),
            definition: row.get("definition"),
            proof: if row.get("is_valid") { Proof::Valid } else { Proof::NotValid },
            comment: row.get("comment"),
            columns: row.get("columns"),
            keys: row.get("keys"),
            operators: row.get("operators"),
        }
    }

    fn other(&self) -> String {
        qualified(&self.schema, &self.table)
    }

    fn describe(&self) -> String {
        format!("foreign key {} of {}.{}", self.name, self.schema, self.table)
    }

    /// As whom the other table is changed.
    fn acting(&self) -> Acting {
        if self.owner.inherited { Acting::Login } else { Acting::Role(self.owner.name.clone()) }
    }

    /// What is missing to drop it and add it again.
    pub(super) fn refuse_rights(&self, login: &str, missing: &mut BTreeSet<Missing>) {
        if self.direction == Direction::Incoming && !self.owner.inherited && !self.owner.reachable {
            let why = format!("which owns {}.{}, whose rows name those of a live table", self.schema, self.table);
            missing.insert(Missing::membership(&self.owner.name, login, &why));
        }
    }

    /// The table at the other end, if it is ours to lock, and as whom. Else it is locked when the key is dropped.
    pub(super) fn lock(&self) -> Option<(Acting, (&str, &str))> {
        let acting = match self.direction {
            Direction::Incoming => self.acting(),
            Direction::Outgoing if self.may_lock => Acting::Login,
            Direction::Outgoing => return None,
        };
        Some((acting, (&self.schema, &self.table)))
    }

    /// The statement that drops it from the table that goes. Takes ACCESS EXCLUSIVE on both tables. `table` is ours where it
    /// stands, `mover` whoever moves it.
    pub(super) fn drop(&self, table: &str, mover: Acting) -> (Acting, String) {
        let (acting, table) = match self.direction {
            Direction::Incoming => (self.acting(), self.other()),
            Direction::Outgoing => (mover, table.to_owned()),
        };
        (acting, format!("ALTER TABLE {table} DROP CONSTRAINT {}", quote_ident(&self.name)))
    }

    /// The statements that add it again, to the table that has come. They take SHARE ROW EXCLUSIVE on both.
    pub(super) fn add(&self) -> Vec<(Acting, String)> {
        if self.direction == Direction::Outgoing {
            return Vec::new();
        }
        let (name, other) = (quote_ident(&self.name), self.other());
        let add = format!("ALTER TABLE {other} ADD CONSTRAINT {name} {} NOT VALID", self.definition);
        let comment = self.comment.as_deref().map(quote_literal);
        let comment = comment.map(|text| format!("COMMENT ON CONSTRAINT {name} ON {other} IS {text}"));
        [Some(add), comment].into_iter().flatten().map(|sql| (self.acting(), sql)).collect()
    }

    /// Its name, for the ledger.
    pub(super) fn unproven(&self) -> UnprovenKey {
        let (schema, table, constraint) = (self.schema.clone(), self.table.clone(), self.name.clone());
        UnprovenKey { schema, table, constraint }
    }

    /// Whether all rows of another table are known to have a row of ours.
    pub(super) fn must_hold(&self) -> bool {
        self.direction == Direction::Incoming && self.proof == Proof::Valid
    }

    /// Looks for rows of the other table whose key the new rows do not have. Reads both under ACCESS SHARE.
    pub(super) async fn find_orphans(
        &self,
        connection: &Connection,
        table: &str,
        staged: &str,
    ) -> Result<Option<Violation>, postgres::Error> {
        if !self.must_hold() {
            return Ok(None);
        }
        let what = format!("look for rows of {}.{} that the new rows leave alone", self.schema, self.table);
        connection.batch(&what, &format!("BEGIN; {}", self.acting().set_local())).await?;
        let found = connection.row(&what, &self.orphans(staged), &[]).await;
        connection.rollback().await;
        let found = found?;
        let (rows, examples): (i64, Option<String>) = (found.get(0), found.get(1));
        Ok((rows > 0).then(|| Violation {
            table: table.to_owned(),
            object: self.describe(),
            detail: format!(
                "{rows} rows name {} ({}) that the new rows do not have: {}",
                table,
                self.keys.join(", "),
                examples.unwrap_or_default()
            ),
        }))
    }

    fn orphans(&self, staged: &str) -> String {
        let present = self.columns.iter().map(|column| format!("f.{} IS NOT NULL", quote_ident(column)));
        let same =
            self.keys.iter().zip(&self.operators).zip(&self.columns).map(|((key, operator), column)| {
                format!("p.{} {operator} f.{}", quote_ident(key), quote_ident(column))
            });
        let values = self.columns.iter().map(|column| format!("f.{}::text", quote_ident(column)));
        format!(
            "SELECT count(*), array_to_string((array_agg(DISTINCT x.named))[1:{EXAMPLES}], '; ')
             FROM (SELECT concat_ws(', ', {}) AS named FROM {} f
                   WHERE {} AND NOT EXISTS (SELECT FROM {staged} p WHERE {})) x",
            values.collect::<Vec<_>>().join(", "),
            self.other(),
            present.collect::<Vec<_>>().join(" AND "),
            same.collect::<Vec<_>>().join(" AND "),
        )
    }

    /// Proves it again, now that the rows are live: under SHARE UPDATE EXCLUSIVE on the other table, which neither readers
    /// nor writers notice. What came in between the search in staging and the swap is found now.
    pub(super) async fn prove(&self, connection: &Connection) -> Result<(), postgres::Error> {
        let sql = format!(
            "BEGIN; SET LOCAL lock_timeout = '5s'; {}; ALTER TABLE {} VALIDATE CONSTRAINT {}; COMMIT",
            self.acting().set_local(),
            self.other(),
            quote_ident(&self.name)
        );
        let proven = connection.batch(&format!("prove {}", self.describe()), &sql).await;
        if proven.is_err() {
            connection.rollback().await;
        }
        proven
    }

    /// That it holds for new rows only, and what to do.
    pub(super) fn left_unproven(&self, reason: &str) -> String {
        format!(
            "{} could not be proven after the load and is NOT VALID: {reason}; correct its rows, then ALTER TABLE … VALIDATE CONSTRAINT",
            self.describe()
        )
    }
}

/// Keys of other tables that could not be added again, as a column that they name becomes another.
pub(super) fn refuse(table: &Table, oid: u32, live: &[LiveColumn], types: &Types, keys: &[ForeignKey]) -> Vec<Refusal> {
    let incoming = keys.iter().filter(|key| key.live == oid && key.direction == Direction::Incoming);
    let named = incoming.flat_map(|key| key.keys.iter().map(move |column| (key, column)));
    let refused = named.filter_map(|(key, column)| {
        let declared = table.columns.iter().find(|declared| declared.name.as_str() == column)?;
        let (new, old) = (types.of(declared)?, live.iter().find(|old| old.name == *column)?);
        (new.oid != old.column_type.oid).then(|| {
            Refusal::new(
                table.name.as_str(),
                key.describe(),
                format!(
                    "it names column {column}, which is {} and would become {}: drop it and add it again afterwards",
                    old.column_type.name, new.name
                ),
            )
        })
    });
    refused.collect()
}
