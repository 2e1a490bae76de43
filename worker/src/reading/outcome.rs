//! What a table's sources held, told when all of them are read.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Identifier;

use super::drift::Drift;
use super::places::RowPlaces;
use super::tally::ColumnTally;
use crate::source::SourceFingerprint;

/// What was read for one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableReading {
    /// Rows of the `COPY` stream.
    pub rows: u64,
    /// Records that were kept out, because they had too few or too many fields or no value where one must be.
    pub rejected_rows: u64,
    /// Records that `keep` did not want.
    pub filtered_rows: u64,
    /// Records that were wrong as a whole, by code; they are among the rejected.
    pub bad_records: BTreeMap<&'static str, u64>,
    /// Unpacked, decoded bytes.
    pub bytes: u64,
    /// Counts per column, in the order of the `COPY`.
    pub columns: Vec<(Identifier, ColumnTally)>,
    /// Rejects that were counted and not sent.
    pub rejects_not_kept: u64,
    /// What text that is not UTF-8 most likely is, by the name that `encoding:` takes.
    pub charset: Option<&'static str>,
    /// What the files had beyond or short of the manifest.
    pub drift: Vec<Drift>,
    /// The lines that the rows came from.
    pub places: RowPlaces,
    /// Fingerprints of the sources, by the name of their file.
    pub fingerprints: BTreeMap<String, SourceFingerprint>,
    /// Files whose rows were added before, by their names now.
    pub left_out: BTreeSet<String>,
}

impl TableReading {
    /// Records that the table wanted: loaded or kept out.
    pub fn records(&self) -> u64 {
        self.rows + self.rejected_rows
    }

    /// Values that could not be read, all columns together.
    pub fn bad_values(&self) -> u64 {
        self.columns.iter().map(|(_, tally)| tally.bad_values()).sum()
    }
}
