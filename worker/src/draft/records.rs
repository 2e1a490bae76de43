//! What records tell of their table: its header, how many there are, the narrowest type of each column, and some of them as a sample.

use std::collections::BTreeMap;

use manifest::dataset::header_key;

use super::guess::{Guess, Guesser, Hint, decoded};
use super::origin::Hints;
use crate::format::{FormatError, ReadRecords, Record, SourceColumn};

/// Rows of the sample, before those that show a column's first value.
const SAMPLE: usize = 5;
/// Rows of the sample at most.
pub(super) const SAMPLE_MAX: usize = 12;
/// First rows among which the header is looked for.
const HEADER_ROWS: usize = 30;

/// One row as it stands in the source.
pub(super) type Row = Vec<Vec<u8>>;

/// What was read so far.
#[derive(Default)]
pub(super) struct Table {
    pub(super) headers: Vec<String>,
    /// The same as they stand in the source.
    pub(super) header: Row,
    columns: Vec<Guesser>,
    /// Columns that some record lacks.
    lacking: Vec<bool>,
    pub(super) rows: u64,
    /// Rows above the header.
    pub(super) above: Vec<Row>,
    pub(super) sample: Vec<Row>,
    pub(super) is_latin: bool,
    scratch: Vec<u8>,
}

/// How the records of a format are to be taken.
#[derive(Clone, Copy)]
pub(super) struct Manner<'m> {
    /// What a portal tells of the columns.
    pub(super) hints: &'m Hints,
    /// What the format itself tells of them.
    pub(super) described: &'m [SourceColumn],
    /// The reference system of shapes.
    pub(super) srid: Option<u32>,
    /// Whether text is text, whatever it looks like.
    pub(super) is_typed: bool,
    /// Whether each record has as many fields as the header.
    pub(super) is_even: bool,
    /// Whether all rows at the beginning are the sample, rather than those that show something new.
    pub(super) takes_first: bool,
}

impl Table {
    /// Reads records to their end; those of a further file must have the same header. The error says what about them is wrong.
    pub(super) fn read(&mut self, records: &mut impl ReadRecords, manner: Manner<'_>) -> Result<(), Wrong> {
        if let Some(names) = records.names() {
            let names = names.to_vec();
            self.begin(names, manner)?;
        } else {
            let mut first = Vec::new();
            while first.len() < HEADER_ROWS
                && let Some(record) = records.read()?
            {
                if !record.is_blank_line() {
                    first.push((record.fields().map(<[u8]>::to_vec).collect::<Row>(), record.place().line));
                }
            }
            let at = header_row(&first);
            let mut first = first.into_iter();
            let above: Vec<Row> = first.by_ref().take(at).map(|(row, _)| row).collect();
            let Some((row, _)) = first.next() else { return Err(Wrong::Unfit("it has no header".to_owned())) };
            let header: Vec<String> = row.iter().map(|header| decoded(header).into_owned()).collect();
            if self.headers.is_empty() {
                self.above = above;
                self.header.clone_from(&row);
            }
            self.begin(header, manner)?;
            for (row, line) in first {
                self.row(|index| row.get(index).map(Vec::as_slice), row.len(), line, manner)?;
            }
        }
        while let Some(record) = records.read()? {
            if record.is_blank_line() {
                continue;
            }
            let field = |index: usize| present(&record, index);
            self.row(field, record.len(), record.place().line, manner)?;
        }
        Ok(())
    }

    fn begin(&mut self, headers: Vec<String>, manner: Manner<'_>) -> Result<(), Wrong> {
        if !self.headers.is_empty() {
            let same = self.headers == headers;
            return same.then_some(()).ok_or_else(|| {
                Wrong::Unfit("its files have different headers; say with `--member` which of them it is".to_owned())
            });
        }
        if headers.iter().all(|header| header_key(header).is_empty()) {
            return Err(Wrong::Unfit("it has no header".to_owned()));
        }
        one_name_each(&headers)?;
        self.columns = headers.iter().map(|header| Guesser::new(header, hint(header, manner))).collect();
        self.lacking = vec![false; headers.len()];
        self.headers = headers;
        Ok(())
    }

    fn row<'f>(
        &mut self,
        field: impl Fn(usize) -> Option<&'f [u8]>,
        fields: usize,
        line: u64,
        manner: Manner<'_>,
    ) -> Result<(), Wrong> {
        if manner.is_even && fields != self.headers.len() {
            let header = self.headers.len();
            return Err(Wrong::Unfit(format!("line {line} has {fields} fields where the header has {header}")));
        }
        let mut shows = self.sample.len() < if manner.takes_first { SAMPLE_MAX } else { SAMPLE };
        for (at, column) in self.columns.iter_mut().enumerate() {
            let Some(text) = field(at) else {
                self.lacking[at] = true;
                continue;
            };
            if text.trim_ascii().is_empty() {
                continue;
            }
            shows |= !manner.takes_first && !column.has_value() && self.sample.len() < SAMPLE_MAX;
            column.see(text, &mut self.scratch);
            self.is_latin |= std::str::from_utf8(text).is_err();
        }
        if shows {
            self.sample.push((0..fields).map(|at| field(at).unwrap_or_default().to_vec()).collect());
        }
        self.rows += 1;
        Ok(())
    }

    /// What each column is.
    pub(super) fn guesses(&self) -> Vec<Guess> {
        self.columns.iter().map(Guesser::guess).collect()
    }

    /// Whether some record lacks a column.
    pub(super) fn is_lacking(&self, column: usize) -> bool {
        self.lacking.get(column).copied().unwrap_or_default()
    }
}

/// What keeps records from being a table.
pub(super) enum Wrong {
    /// What about them, and what to do.
    Unfit(String),
    /// They cannot be read.
    Format(FormatError),
}

impl From<FormatError> for Wrong {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

fn present<'r>(record: &Record<'r>, index: usize) -> Option<&'r [u8]> {
    (index < record.len() && !record.is_absent(index)).then(|| record.field(index))
}

fn hint(header: &str, manner: Manner<'_>) -> Hint {
    if let Some(hint) = manner.hints.get(&header_key(header)) {
        return *hint;
    }
    if manner.described.is_empty() || header.is_empty() {
        return Hint::Any;
    }
    let Some(described) = manner.described.iter().find(|column| column.name == header) else {
        // What is not among the attributes is the shape.
        return Hint::Shape(manner.srid);
    };
    match described.type_name {
        "smallint" | "integer" | "bigint" | "numeric" | "double precision" => Hint::Number,
        "text" if manner.is_typed => Hint::Text,
        "text" => Hint::Any,
        other => Hint::Is(other),
    }
}

/// The header among the first rows: the first that has nearly as many names as any of them has values, and no title or note.
fn header_row(rows: &[(Row, u64)]) -> usize {
    // What a program wrote where there was no name is none.
    let is_name = |field: &&Vec<u8>| !field.trim_ascii().is_empty() && !field.starts_with(b"Unnamed: ");
    let filled = |row: &Row| row.iter().filter(is_name).count();
    let most = rows.iter().map(|(row, _)| filled(row)).max().unwrap_or_default();
    rows.iter().position(|(row, _)| filled(row) * 5 >= most * 4).unwrap_or_default()
}

/// Manifests tell headers apart by letters and digits alone.
fn one_name_each(headers: &[String]) -> Result<(), Wrong> {
    let mut seen = BTreeMap::new();
    for header in headers {
        let key = header_key(header);
        if !key.is_empty()
            && let Some(first) = seen.insert(key, header)
        {
            return Err(Wrong::Unfit(format!(
                "its headers {first:?} and {header:?} are one name to a manifest; write it by hand and `skip:` one of them"
            )));
        }
    }
    Ok(())
}
