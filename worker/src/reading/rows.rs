//! The inner loop: records come in, binary `COPY` rows go out at the end of one buffer, and every value is counted.

use std::collections::BTreeMap;

use manifest::Identifier;
use tokio::sync::mpsc;
use value::{Encoded, wire};

use super::charset::Charset;
use super::layout::Layout;
use super::outcome::TableReading;
use super::places::RowPlaces;
use super::plan::{Plan, Text};
use super::reject::{Fresh, Reject, Rejects};
use super::tally::ColumnTally;
use crate::format::Record;

/// Code of a blank where a value must be.
pub(super) const NO_VALUE: &str = "no_value";

/// Code of bytes that are not text.
const NOT_UTF8: &str = "not_utf8";

/// Where records come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) member: Option<&'a str>,
}

/// Writes rows and counts.
pub(super) struct Rows {
    /// The `COPY` stream since it was last taken away.
    pub(super) out: Vec<u8>,
    names: Vec<Identifier>,
    columns: Vec<ColumnTally>,
    row_start: [u8; 2],
    written: u64,
    rejected: u64,
    filtered: u64,
    bad_records: BTreeMap<&'static str, u64>,
    rejects: Rejects,
    places: RowPlaces,
    charset: Charset,
    /// Bad values of the current row: column and code.
    bad: Vec<(usize, &'static str)>,
    scratch: Vec<u8>,
}

impl Rows {
    /// Rows of a table's columns, beginning with the stream's header.
    pub(super) fn new(table: Identifier, layout: &Layout, rejects: mpsc::UnboundedSender<Reject>) -> Self {
        let names: Vec<_> = layout.columns.iter().map(|column| column.name.clone()).collect();
        // Validation keeps a table within PostgreSQL's 1,600 columns.
        let width = u16::try_from(names.len()).unwrap_or(u16::MAX);
        Self {
            out: wire::HEADER.to_vec(),
            columns: vec![ColumnTally::default(); names.len()],
            row_start: wire::row(width),
            written: 0,
            rejected: 0,
            filtered: 0,
            bad_records: BTreeMap::new(),
            rejects: Rejects::new(rejects, table, names.len()),
            places: RowPlaces::default(),
            charset: Charset::default(),
            bad: Vec::new(),
            scratch: Vec::new(),
            names,
        }
    }

    /// Records come from another file, or member of an archive, from now on.
    pub(super) fn begin(&mut self, label: String) {
        self.places.begin(label);
    }

    /// Writes the row of a record, or counts why there is none.
    #[inline]
    pub(super) fn push(&mut self, plan: &Plan, place: Place<'_>, record: &Record<'_>) {
        if let Err(code) = plan.fits(record) {
            self.bad_record(plan, place, record, code);
            return;
        }
        if !plan.keeps(record, &mut self.scratch) {
            self.filtered += 1;
            return;
        }
        let start = self.out.len();
        self.out.extend_from_slice(&self.row_start);
        for (index, slot) in plan.slots.iter().enumerate() {
            let encoded = match slot.text.of(record, &mut self.scratch) {
                Ok(text) => slot.encoder.encode(text, &mut self.out).map_err(value::Bad::code),
                Err(code) => Err(code),
            };
            match encoded {
                Ok(Encoded::Value) => {}
                Ok(Encoded::Trimmed) => self.columns[index].trimmed += 1,
                Ok(Encoded::Null) if !slot.is_required => self.columns[index].nulls += 1,
                Ok(Encoded::Null) => return self.keep_out(plan, place, record, start, index, NO_VALUE),
                Err(code) if slot.is_required => return self.keep_out(plan, place, record, start, index, code),
                Err(code) => {
                    self.bad.push((index, code));
                    self.out.extend_from_slice(&wire::NULL);
                }
            }
        }
        self.written += 1;
        self.places.push(record.place().line);
        if !self.bad.is_empty() {
            self.bad_values(plan, place, record);
        }
    }

    /// Ends the stream and tells what was counted.
    pub(super) fn finish(mut self) -> (Vec<u8>, TableReading) {
        self.out.extend_from_slice(&wire::TRAILER);
        let reading = TableReading {
            rows: self.written,
            rejected_rows: self.rejected,
            filtered_rows: self.filtered,
            bad_records: self.bad_records,
            columns: self.names.into_iter().zip(self.columns).collect(),
            rejects_not_kept: self.rejects.not_kept,
            places: self.places,
            charset: self.charset.guess(),
            ..TableReading::default()
        };
        (self.out, reading)
    }

    /// A record with too few or too many fields. Blank lines are no records.
    #[cold]
    fn bad_record(&mut self, plan: &Plan, place: Place<'_>, record: &Record<'_>, code: &'static str) {
        if record.is_blank_line() {
            return;
        }
        self.rejected += 1;
        *self.bad_records.entry(code).or_default() += 1;
        let Place { file, member } = place;
        self.rejects.row(Fresh { file, member, record, names: &plan.names, column: None, code }, plan.delimiter);
    }

    /// Counts and keeps the values that are NULL in a row because they could not be read.
    #[cold]
    fn bad_values(&mut self, plan: &Plan, place: Place<'_>, record: &Record<'_>) {
        let Place { file, member } = place;
        if self.bad.iter().any(|(_, code)| *code == NOT_UTF8) {
            self.charset.look(record.fields());
        }
        for (index, code) in self.bad.drain(..) {
            self.columns[index].count_bad(code);
            let fresh =
                Fresh { file, member, record, names: &plan.names, column: Some((index, &self.names[index])), code };
            match &plan.slots[index].text {
                Text::Call(call) => self.rejects.value(fresh, &call.parts(record)),
                Text::Field(field) => self.rejects.value(fresh, record.field(*field)),
                text => self.rejects.value(fresh, text.of(record, &mut self.scratch).unwrap_or_default()),
            }
        }
    }

    /// Takes back a row that lacks a value at `index`, and counts as if each of its values had been looked at once.
    #[cold]
    fn keep_out(
        &mut self,
        plan: &Plan,
        place: Place<'_>,
        record: &Record<'_>,
        start: usize,
        index: usize,
        code: &'static str,
    ) {
        for (other, slot) in plan.slots.iter().enumerate() {
            let encoded = match slot.text.of(record, &mut self.scratch) {
                Ok(text) => slot.encoder.encode(text, &mut self.out).map_err(value::Bad::code),
                Err(code) => Err(code),
            };
            let tally = &mut self.columns[other];
            match encoded {
                // Blanks of rows that are not loaded are nobody's NULLs.
                Ok(Encoded::Null) if other < index => tally.nulls -= 1,
                Ok(Encoded::Trimmed) if other < index => tally.trimmed -= 1,
                Ok(Encoded::Null) if slot.is_required => tally.count_bad(NO_VALUE),
                Err(code) => tally.count_bad(code),
                Ok(_) => {}
            }
        }
        if code == NOT_UTF8 || self.bad.iter().any(|(_, code)| *code == NOT_UTF8) {
            self.charset.look(record.fields());
        }
        self.bad.clear();
        self.out.truncate(start);
        self.rejected += 1;
        let Place { file, member } = place;
        let column = Some((index, &self.names[index]));
        self.rejects.row(Fresh { file, member, record, names: &plan.names, column, code }, plan.delimiter);
    }
}

#[cfg(test)]
mod exact;

#[cfg(test)]
mod tests;
