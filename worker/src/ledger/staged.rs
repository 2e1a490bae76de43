//! What a run has complete in staging: counts of each table and the sources that it was made from. It is all that another run
//! needs to know besides the rows themselves.

use std::collections::BTreeMap;

use manifest::Identifier;
use manifest::run::TableRecord;

use super::Ledger;
use super::run::{RunId, bigint};
use super::source::{SourceColumns, SourceState};
use crate::postgres;

/// What was read into one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableCounts {
    /// Rows in staging.
    pub rows: u64,
    /// Unpacked bytes of its sources.
    pub bytes: u64,
    /// Values that could not be read.
    pub bad_values: u64,
    /// Rows that were kept out.
    pub rejected_rows: u64,
    /// Rows that went because another has the same key.
    pub duplicates: u64,
}

impl TableCounts {
    /// The same in a run's record.
    pub fn record(&self) -> TableRecord {
        let Self { rows, bytes, bad_values, rejected_rows, duplicates } = *self;
        TableRecord { rows, bytes, bad_values, rejected_rows, duplicates, changes: None }
    }
}

impl Ledger {
    /// Notes that a table is complete in staging. Noted again, it replaces what was noted before.
    pub async fn table_loaded(
        &self,
        run: RunId,
        table: &Identifier,
        counts: &TableCounts,
    ) -> Result<(), postgres::Error> {
        let TableCounts { rows, bytes, bad_values, rejected_rows, duplicates } = *counts;
        self.connection()
            .await?
            .execute(
                "write into the ledger what was loaded",
                "INSERT INTO freshet.run_tables
                     (run, table_name, rows, bytes, bad_values, rejected_rows, duplicates)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (run, table_name) DO UPDATE
                 SET (rows, bytes, bad_values, rejected_rows, duplicates, loaded) = (excluded.rows, excluded.bytes,
                     excluded.bad_values, excluded.rejected_rows, excluded.duplicates, excluded.loaded)",
                &[
                    run.uuid(),
                    &table.as_str(),
                    &bigint(rows),
                    &bigint(bytes),
                    &bigint(bad_values),
                    &bigint(rejected_rows),
                    &bigint(duplicates),
                ],
            )
            .await?;
        Ok(())
    }

    /// What a run had loaded, by table: what another need not load again.
    pub async fn tables_of(&self, run: RunId) -> Result<BTreeMap<String, TableCounts>, postgres::Error> {
        let rows = self
            .connection()
            .await?
            .rows(
                "read what was loaded",
                "SELECT table_name, rows, bytes, bad_values, rejected_rows, duplicates FROM freshet.run_tables
                 WHERE run = $1",
                &[run.uuid()],
            )
            .await?;
        let count = |row: &tokio_postgres::Row, i| u64::try_from(row.get::<_, i64>(i)).unwrap_or_default();
        let counts = |row: &tokio_postgres::Row| TableCounts {
            rows: count(row, 1),
            bytes: count(row, 2),
            bad_values: count(row, 3),
            rejected_rows: count(row, 4),
            duplicates: count(row, 5),
        };
        Ok(rows.iter().map(|row| (row.get(0), counts(row))).collect())
    }

    /// Notes from what a run's tables were made, before staging is marked as complete.
    pub async fn sources_loaded(&self, run: RunId, sources: &[SourceState]) -> Result<(), postgres::Error> {
        let columns = SourceColumns::of(sources);
        self.connection()
            .await?
            .execute(
                "write into the ledger what was read",
                "INSERT INTO freshet.run_sources (run, file, address, etag, last_modified, bytes, sha256)
                 SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::text[])
                 ON CONFLICT (run, file) DO NOTHING",
                &columns.behind(run.uuid()),
            )
            .await?;
        Ok(())
    }

    /// From what a run's tables were made, in the order of their files' names.
    pub async fn sources_of(&self, run: RunId) -> Result<Vec<SourceState>, postgres::Error> {
        let rows = self
            .connection()
            .await?
            .rows(
                "read what was read",
                "SELECT file, address, etag, last_modified, bytes, sha256 FROM freshet.run_sources
                 WHERE run = $1 ORDER BY file",
                &[run.uuid()],
            )
            .await?;
        Ok(rows.iter().map(SourceState::read).collect())
    }

    /// Makes what one run has loaded another's: its counts and sources are copied, what it could not load moves on, so that it
    /// is found with the run that published the rest.
    pub async fn inherit(&self, from: RunId, to: RunId) -> Result<(), postgres::Error> {
        let (from, to) = (from.uuid(), to.uuid());
        self.connection()
            .await?
            .batch(
                "take over what was loaded",
                &format!(
                    "BEGIN;
                     INSERT INTO freshet.run_tables
                         (run, table_name, rows, bytes, bad_values, rejected_rows, duplicates, loaded)
                     SELECT '{to}', table_name, rows, bytes, bad_values, rejected_rows, duplicates, loaded
                     FROM freshet.run_tables WHERE run = '{from}' ON CONFLICT DO NOTHING;
                     INSERT INTO freshet.run_sources (run, file, address, etag, last_modified, bytes, sha256, archived)
                     SELECT '{to}', file, address, etag, last_modified, bytes, sha256, archived FROM freshet.run_sources
                     WHERE run = '{from}' ON CONFLICT DO NOTHING;
                     UPDATE freshet.rejects SET run = '{to}' WHERE run = '{from}';
                     UPDATE freshet.reject_files SET run = '{to}' WHERE run = '{from}';
                     COMMIT"
                ),
            )
            .await
    }
}
