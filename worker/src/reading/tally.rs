//! Counts per column, kept while rows are encoded.

use std::collections::BTreeMap;

/// What was met in one column, over all sources of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnTally {
    /// Loaded rows whose text was blank or a null marker. The column's NULLs are these and the bad values of loaded rows.
    pub nulls: u64,
    /// Loaded texts whose outer blanks were dropped.
    pub trimmed: u64,
    /// Texts that could not be read, by code, also in rows that were kept out.
    pub bad: BTreeMap<&'static str, u64>,
}

impl ColumnTally {
    /// Texts that could not be read.
    pub fn bad_values(&self) -> u64 {
        self.bad.values().sum()
    }

    /// Counts texts that only the server could judge.
    pub(crate) fn judged_bad(&mut self, code: &'static str, count: u64) {
        *self.bad.entry(code).or_default() += count;
    }

    pub(super) fn count_bad(&mut self, code: &'static str) {
        *self.bad.entry(code).or_default() += 1;
    }
}
