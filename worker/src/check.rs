//! Whether a dataset's sources are what its manifest says, without a database: every source is read and every value parsed as a load would,
//! and what came of it is told. Nothing is kept.

mod decode;
mod report;

use std::collections::BTreeSet;
use std::sync::Arc;

use manifest::Dataset;
use manifest::dataset::Table;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::fault::Fault as _;
use crate::reading::{
    Consequence, Drift, Patch, ReadError, Reject, TableReading, copied_columns, describe, fitting, over_budget, spawn,
    unserved,
};
use crate::run::{CHANGED, RunError};
use crate::source::{Access, STARTS};
use crate::trouble::Trouble;

pub use report::{ColumnCheck, Loss, Refusal, Report, TableCheck};

/// Bytes of a table's rows that are kept for the first of them to be shown.
const HEAD: usize = 1 << 20;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// First rows of each table.
    pub rows: usize,
    /// Values and rows that could not be read, of each table.
    pub losses: usize,
}

/// Reads all tables that have sources, one after the other.
///
/// # Errors
/// What this worker does not serve. All that is wrong with sources is in the report.
pub async fn check(
    dataset: &Dataset,
    access: &Arc<Access>,
    question: Question,
    stop: &CancellationToken,
) -> Result<Report, Trouble> {
    let all = unserved(dataset, access.from());
    if !all.is_empty() {
        return Err(RunError::Unserved { all }.into());
    }
    let mut tables = Vec::new();
    for table in dataset.tables.iter().filter(|table| !table.sources().is_empty()) {
        let described = match table.source_columns_at {
            Some(_) => describe(access, table, stop).await,
            None => Ok(table.clone()),
        };
        tables.push(match described {
            Ok(table) => Read::of(access, &table, stop).await.report(&table, question),
            Err(error) => Read { head: Vec::new(), reading: Err(error), rejects: Vec::new() }.report(table, question),
        });
        if stop.is_cancelled() {
            return Err(RunError::Stopped.into());
        }
    }
    let queries = dataset.tables.iter().filter(|table| table.sources().is_empty());
    let queries = queries.map(|table| table.name.to_string()).collect();
    Ok(Report { dataset: dataset.dataset.to_string(), tables, queries })
}

/// What reading a table came to.
struct Read {
    /// The start of its binary stream.
    head: Vec<u8>,
    reading: Result<TableReading, ReadError>,
    rejects: Vec<Reject>,
}

impl Read {
    async fn of(access: &Arc<Access>, table: &Table, stop: &CancellationToken) -> Self {
        let mut started = 1;
        loop {
            let read = Self::once(access, table, stop).await;
            match &read.reading {
                // Of a file that changed while it was read nothing is told.
                Err(error) if error.code() == CHANGED && started < STARTS => {
                    access.start_over(table);
                    started += 1;
                }
                _ => return read,
            }
        }
    }

    async fn once(access: &Arc<Access>, table: &Table, stop: &CancellationToken) -> Self {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let mut stream = spawn(Arc::clone(access), table.clone(), BTreeSet::new(), sender, stop);
        let mut head = Vec::new();
        let mut failed = None;
        while let Some(chunk) = stream.chunk().await {
            match chunk {
                Ok(chunk) if head.len() < HEAD => head.extend_from_slice(&chunk),
                Ok(_) => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let reading = failed.map_or_else(|| stream.finish(), Err);
        let mut rejects = Vec::new();
        while let Some(reject) = receiver.recv().await {
            rejects.push(reject);
        }
        Self { head, reading, rejects }
    }

    fn report(self, table: &Table, question: Question) -> TableCheck {
        let types: Vec<_> = copied_columns(table).map(|column| column.type_name.as_str().parse().ok()).collect();
        let names: Vec<_> = copied_columns(table).map(|column| column.name.to_string()).collect();
        let first = decode::rows(&self.head, &types, question.rows).into_iter();
        let first = first.map(|row| names.iter().cloned().zip(row.into_iter().map(Into::into)).collect()).collect();
        let (reading, error) = match self.reading {
            Ok(reading) => (reading, None),
            Err(error) => (TableReading::default(), Some(error)),
        };
        let drift: Vec<Drift> = reading.drift.iter().cloned().chain(retyped(table, &reading, &self.rejects)).collect();
        let fix = match &error {
            Some(error) => error.patch(table),
            None => Patch::of_drift(table, &drift),
        };
        let over = over_budget(table, &reading);
        let refused = error.as_ref().map(Refusal::of).or_else(|| over.as_ref().map(Refusal::of));
        let kept = self.rejects.len();
        TableCheck {
            table: table.name.to_string(),
            files: reading.fingerprints.keys().cloned().collect(),
            rows: reading.rows,
            rejected_rows: reading.rejected_rows,
            filtered_rows: reading.filtered_rows,
            bytes: reading.bytes,
            columns: ColumnCheck::all(table, &reading),
            losses: self.rejects.into_iter().take(question.losses).map(Loss::from).collect(),
            losses_not_shown: reading.rejects_not_kept + kept.saturating_sub(question.losses) as u64,
            drift,
            fix: fix.lines(table),
            first,
            refused,
        }
    }
}

/// Columns whose values are of another type than they are declared with.
fn retyped(table: &Table, reading: &TableReading, rejects: &[Reject]) -> Vec<Drift> {
    let with_losses = reading.columns.iter().filter(|(_, tally)| tally.bad_values() > 0);
    let fits = with_losses.filter_map(|(name, tally)| {
        let column = table.columns.iter().find(|column| column.name == *name)?;
        let is_of_it =
            |reject: &&Reject| reject.column.as_ref() == Some(name) && reject.consequence == Consequence::Null;
        let texts: Vec<&str> = rejects.iter().filter(is_of_it).map(|reject| reject.raw.as_str()).collect();
        let is_all = tally.bad_values() + tally.nulls >= reading.rows;
        // What a function refuses, no other type of its column would take.
        let is_made = table.derive.contains_key(name);
        let is_text = tally.bad.keys().all(|code| ["not_utf8", "nul_byte"].contains(code));
        let fits = (!is_made && !is_text).then(|| fitting(column, &texts, is_all)).flatten()?;
        let declared = column.type_name.to_string();
        Some(Drift::Retyped { column: name.clone(), declared, fits, bad: tally.bad_values() })
    });
    fits.collect()
}
