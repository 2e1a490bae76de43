//! Rejects that were kept, for whoever looks at them.

use jiff::Timestamp;
use manifest::DatasetName;
use serde::Serialize;
use uuid::Uuid;

use super::Ledger;
use super::run::RunId;
use crate::postgres;

/// A run that has kept rejects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectingRun {
    /// The run.
    pub run: RunId,
    /// How it ended, or that it is at work.
    pub state: String,
    /// When it began.
    pub started: Timestamp,
    /// Values that it could not read, all tables together; not all of them need be kept.
    pub bad_values: u64,
    /// Rows that it kept out.
    pub rejected_rows: u64,
}

/// Which rejects of a run are wanted; everything that is not said may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectFilter {
    /// The table.
    pub table: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// Why.
    pub code: Option<String>,
    /// The source's file.
    pub file: Option<String>,
}

/// A reject as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptReject {
    /// The table.
    pub table: String,
    /// The source's file.
    pub file: String,
    /// The member of its archive.
    pub member: Option<String>,
    /// The line that its record begins in.
    pub line: Option<i64>,
    /// Bytes before its record.
    pub byte_offset: Option<i64>,
    /// The column; `None` when it is the record as a whole.
    pub column: Option<String>,
    /// Why.
    pub code: String,
    /// Its text.
    pub raw: Option<String>,
    /// What became of the row: `null` or `row_rejected`.
    pub consequence: String,
}

/// How many rejects of one kind are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectCount {
    /// The table.
    pub table: String,
    /// The column; `None` for records as a whole.
    pub column: Option<String>,
    /// Why.
    pub code: String,
    /// How many are kept.
    pub kept: u64,
}

const WANTED: &str = "run = $1 AND ($2::text IS NULL OR table_name = $2) AND ($3::text IS NULL OR column_name = $3)
    AND ($4::text IS NULL OR code = $4) AND ($5::text IS NULL OR file = $5)";

const WHAT: &str = "read what was rejected";

impl Ledger {
    /// The run of this id, or the newest of a dataset that has kept rejects.
    ///
    /// # Errors
    /// The database's own.
    pub async fn rejecting_run(
        &self,
        dataset: &DatasetName,
        run: Option<Uuid>,
    ) -> Result<Option<RejectingRun>, postgres::Error> {
        let sql = "SELECT r.run, r.state, r.started,
                       (SELECT coalesce(sum(t.bad_values), 0)::int8 FROM freshet.run_tables t WHERE t.run = r.run),
                       (SELECT coalesce(sum(t.rejected_rows), 0)::int8 FROM freshet.run_tables t WHERE t.run = r.run)
                   FROM freshet.runs r
                   WHERE r.dataset = $1 AND CASE WHEN $2::uuid IS NULL
                       THEN EXISTS (SELECT FROM freshet.rejects j WHERE j.run = r.run) ELSE r.run = $2 END
                   ORDER BY r.started DESC LIMIT 1";
        let row = self.connection().await?.maybe(WHAT, sql, &[&dataset.as_str(), &run]).await?;
        Ok(row.map(|row| RejectingRun {
            run: RunId::new(row.get(0)),
            state: row.get(1),
            started: row.get(2),
            bad_values: count(row.get(3)),
            rejected_rows: count(row.get(4)),
        }))
    }

    /// The first rejects that a run has kept, in the order in which they were met.
    ///
    /// # Errors
    /// The database's own.
    pub async fn kept_rejects(
        &self,
        run: RunId,
        filter: &RejectFilter,
        most: u32,
    ) -> Result<Vec<KeptReject>, postgres::Error> {
        let sql = format!(
            "SELECT table_name, file, member, line, byte_offset, column_name, code, raw, consequence
             FROM freshet.rejects WHERE {WANTED} ORDER BY reject LIMIT $6"
        );
        let RejectFilter { table, column, code, file } = filter;
        let parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
            &[run.uuid(), table, column, code, file, &i64::from(most)];
        let rows = self.connection().await?.rows(WHAT, &sql, parameters).await?;
        let reject = |row: &tokio_postgres::Row| KeptReject {
            table: row.get(0),
            file: row.get(1),
            member: row.get(2),
            line: row.get(3),
            byte_offset: row.get(4),
            column: row.get(5),
            code: row.get(6),
            raw: row.get(7),
            consequence: row.get(8),
        };
        Ok(rows.iter().map(reject).collect())
    }

    /// How many rejects a run has kept, by table, column and reason.
    ///
    /// # Errors
    /// The database's own.
    pub async fn reject_counts(&self, run: RunId, filter: &RejectFilter) -> Result<Vec<RejectCount>, postgres::Error> {
        let sql = format!(
            "SELECT table_name, column_name, code, count(*) FROM freshet.rejects WHERE {WANTED}
             GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3"
        );
        let RejectFilter { table, column, code, file } = filter;
        let rows = self.connection().await?.rows(WHAT, &sql, &[run.uuid(), table, column, code, file]).await?;
        let counted = |row: &tokio_postgres::Row| RejectCount {
            table: row.get(0),
            column: row.get(1),
            code: row.get(2),
            kept: count(row.get(3)),
        };
        Ok(rows.iter().map(counted).collect())
    }
}

fn count(of: i64) -> u64 {
    u64::try_from(of).unwrap_or_default()
}
