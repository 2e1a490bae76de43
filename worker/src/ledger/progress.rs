//! How far a table has come: which files were appended to it, and up to where its source was read. Both are written with the
//! rows that they speak of, or not at all, and both are asked before the next rows are read.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use manifest::quantity::Span;
use manifest::{DatasetName, Identifier};
use serde::{Deserialize, Serialize};

use crate::postgres::{self, Connection};

use super::Ledger;
use super::publication::PublishedTable;
use super::run::{RunId, bigint};

/// Seconds of a day.
const DAY: u64 = 86_400;

const WHAT: &str = "write into the ledger how far the tables have come";

/// A file whose rows were added to a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppendedFile {
    /// Its name.
    pub file: String,
    /// SHA-256 of its bytes as they arrived, in lower-case hexadecimal.
    pub sha256: String,
}

/// The largest value of a column that is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// The column.
    pub column: Identifier,
    /// Its type, as the manifest spells it.
    pub type_name: String,
    /// The value as PostgreSQL writes it with `DateStyle` ISO and `TimeZone` UTC.
    pub value: String,
}

impl Watermark {
    /// From where the source is to be read again: so much before the watermark, or the watermark itself where it is no
    /// moment. In the watermark's own form.
    pub fn since(&self, overlap: Span) -> String {
        let whole = |seconds: u64| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        let before = whole(overlap.seconds());
        let earlier = match self.type_name.split('(').next().unwrap_or_default() {
            // A day is the least that a date can go back by.
            "date" => {
                let days = whole(overlap.seconds().div_ceil(DAY).saturating_mul(DAY));
                let date = self.value.parse::<Date>().ok().and_then(|date| date.checked_sub(days).ok());
                date.map(|date| date.to_string())
            }
            "timestamp" => {
                let moment = self.value.parse::<DateTime>().ok().and_then(|at| at.checked_sub(before).ok());
                moment.map(|at| at.to_string().replace('T', " "))
            }
            "timestamptz" => {
                let moment = self.value.parse::<Timestamp>().ok().and_then(|at| at.checked_sub(before).ok());
                moment.map(|at| at.to_string().replace('T', " ").replace('Z', "+00"))
            }
            _ => None,
        };
        earlier.unwrap_or_else(|| self.value.clone())
    }
}

/// Writes what the tables of a dataset have come to, in the transaction that is open.
pub(super) async fn write(
    connection: &Connection,
    dataset: &DatasetName,
    run: RunId,
    tables: &[PublishedTable],
) -> Result<(), postgres::Error> {
    let name = dataset.as_str();
    for table in tables {
        let table_name = table.name.as_str();
        if let Some(changes) = &table.changes {
            let counts = [changes.inserted, changes.updated, changes.deleted, changes.unchanged].map(bigint);
            let sql = "UPDATE freshet.run_tables SET (inserted, updated, deleted, unchanged) = ($3, $4, $5, $6)
                       WHERE run = $1 AND table_name = $2";
            let [inserted, updated, deleted, unchanged] = &counts;
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [run.uuid(), &table_name, inserted, updated, deleted, unchanged];
            connection.execute(WHAT, sql, &parameters).await?;
        } else {
            // Nothing of what was said about the old table holds for the new one.
            let sql = "DELETE FROM freshet.appended WHERE dataset = $1 AND table_name = $2";
            connection.execute(WHAT, sql, &[&name, &table_name]).await?;
        }
        write_watermark(connection, name, run, table).await?;
        for file in &table.appended {
            let sql =
                "INSERT INTO freshet.appended (dataset, table_name, sha256, file, run) VALUES ($1, $2, $3, $4, $5)";
            connection.execute(WHAT, sql, &[&name, &table_name, &file.sha256, &file.file, run.uuid()]).await?;
        }
    }
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    for of_others in ["watermarks", "appended"] {
        let sql = format!("DELETE FROM freshet.{of_others} WHERE dataset = $1 AND table_name <> ALL ($2)");
        connection.execute(WHAT, &sql, &[&name, &names]).await?;
    }
    Ok(())
}

async fn write_watermark(
    connection: &Connection,
    dataset: &str,
    run: RunId,
    table: &PublishedTable,
) -> Result<(), postgres::Error> {
    let (name, oid) = (table.name.as_str(), table.oid);
    let Some(watermark) = &table.watermark else {
        // No row has come that tells: what is known of the same table still holds.
        let sql = "DELETE FROM freshet.watermarks WHERE dataset = $1 AND table_name = $2 AND table_oid <> $3";
        connection.execute(WHAT, sql, &[&dataset, &name, &oid]).await?;
        return Ok(());
    };
    let Watermark { column, type_name, value } = watermark;
    let sql = format!(
        "INSERT INTO freshet.watermarks AS w (dataset, table_name, table_oid, column_name, column_type, value, run)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (dataset, table_name) DO UPDATE
         SET (table_oid, column_name, column_type, run, value) = (excluded.table_oid, excluded.column_name,
             excluded.column_type, excluded.run, CASE
                 WHEN (w.table_oid, w.column_name, w.column_type)
                      = (excluded.table_oid, excluded.column_name, excluded.column_type)
                 THEN CASE WHEN w.value::{type_name} > excluded.value::{type_name} THEN w.value ELSE excluded.value END
                 ELSE excluded.value END)"
    );
    connection.execute(WHAT, &sql, &[&dataset, &name, &oid, &column.as_str(), type_name, value, run.uuid()]).await?;
    Ok(())
}

impl Ledger {
    /// SHA-256 of the files whose rows were added to a table.
    pub async fn appended(
        &self,
        dataset: &DatasetName,
        table: &Identifier,
    ) -> Result<BTreeSet<String>, postgres::Error> {
        let sql = "SELECT sha256 FROM freshet.appended WHERE dataset = $1 AND table_name = $2";
        let connection = self.connection().await?;
        let rows =
            connection.rows("read which files were appended", sql, &[&dataset.as_str(), &table.as_str()]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Up to where a table's source was read by this column; `None` when nobody knows of the table that is live, whose
    /// PostgreSQL's id this is.
    pub async fn watermark(
        &self,
        dataset: &DatasetName,
        table: &Identifier,
        live: u32,
        column: &Identifier,
    ) -> Result<Option<Watermark>, postgres::Error> {
        let connection = self.connection().await?;
        let found = connection
            .maybe(
                "read how far the source was read",
                "SELECT column_type, value FROM freshet.watermarks
                 WHERE dataset = $1 AND table_name = $2 AND table_oid = $3 AND column_name = $4",
                &[&dataset.as_str(), &table.as_str(), &live, &column.as_str()],
            )
            .await?;
        Ok(found.map(|row| Watermark { column: column.clone(), type_name: row.get(0), value: row.get(1) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(type_name: &str, value: &str, overlap: &str) -> String {
        let column = "at".parse().unwrap();
        let watermark = Watermark { column, type_name: type_name.to_owned(), value: value.to_owned() };
        watermark.since(overlap.parse().unwrap())
    }

    #[test]
    fn a_source_is_read_again_from_a_little_before_its_watermark() {
        assert_eq!(since("timestamp", "2026-03-01 00:30:00.5", "1h"), "2026-02-28 23:30:00.5");
        assert_eq!(since("timestamp(3)", "2026-03-01 00:30:00", "1 day"), "2026-02-28 00:30:00");
        assert_eq!(since("timestamptz", "2026-03-01 00:30:00+00", "2 days"), "2026-02-27 00:30:00+00");
        assert_eq!(since("date", "2026-03-01", "36h"), "2026-02-27", "a part of a day is a day");
        assert_eq!(since("bigint", "4711", "1 day"), "4711");
    }
}
