//! Values and rows that could not be loaded, each with its place, for `freshet.rejects`. As many as a person would look at are kept;
//! all are counted.

use std::fmt::Write as _;
use std::sync::Arc;

use manifest::Identifier;
use tokio::sync::mpsc;

use super::kept::pack;
use crate::format::Record;

/// Most rejects of one table that are kept.
pub const TABLE_REJECTS_MAX: u32 = 1_000;

/// Most rejects of one column that are kept, so that one bad column does not hide the others.
pub const COLUMN_REJECTS_MAX: u32 = 100;

/// Most bytes of raw text that are kept of one reject.
pub const RAW_MAX: usize = 1_000;

/// A value that could not be read, or a row that was kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The table.
    pub table: Identifier,
    /// The source's file name.
    pub file: String,
    /// The archive's member.
    pub member: Option<String>,
    /// Physical line on which the record begins, from 1.
    pub line: u64,
    /// Bytes before the record in the unpacked, decoded text.
    pub offset: u64,
    /// The column; `None` when the record as a whole is wrong.
    pub column: Option<Identifier>,
    /// Why, such as `not_an_integer`.
    pub code: &'static str,
    /// The text of the value or, where the row is kept out, of the whole record. At most [`RAW_MAX`] bytes, then `…`. Bytes
    /// that are no text are written `\xE9`.
    pub raw: String,
    /// What became of the row.
    pub consequence: Consequence,
    /// The record, to be read again; `None` where it is too long to be kept.
    pub record: Option<Vec<u8>>,
    /// The names of its fields; none where the file has no header.
    pub names: Arc<[String]>,
}

/// What became of a row with a bad value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// It is loaded with NULL in that column.
    Null,
    /// It is kept out.
    RowRejected,
}

impl Consequence {
    /// The word in `freshet.rejects`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::RowRejected => "row_rejected",
        }
    }
}

/// Where rejects of one table go.
#[derive(Debug)]
pub(super) struct Rejects {
    sender: mpsc::UnboundedSender<Reject>,
    table: Identifier,
    kept: u32,
    /// Kept per column; the last one is for records as a whole.
    kept_of: Vec<u32>,
    /// Counted and not kept.
    pub(super) not_kept: u64,
}

/// A reject whose text is not yet copied.
#[derive(Clone, Copy)]
pub(super) struct Fresh<'a> {
    pub(super) file: &'a str,
    pub(super) member: Option<&'a str>,
    pub(super) record: &'a Record<'a>,
    pub(super) names: &'a Arc<[String]>,
    /// Index and name.
    pub(super) column: Option<(usize, &'a Identifier)>,
    pub(super) code: &'static str,
}

impl Rejects {
    pub(super) fn new(sender: mpsc::UnboundedSender<Reject>, table: Identifier, columns: usize) -> Self {
        Self { sender, table, kept: 0, kept_of: vec![0; columns + 1], not_kept: 0 }
    }

    /// Keeps a bad value of a row that is loaded.
    pub(super) fn value(&mut self, fresh: Fresh<'_>, raw: &[u8]) {
        self.keep(fresh, Consequence::Null, || readable(raw));
    }

    /// Keeps a row that is not.
    pub(super) fn row(&mut self, fresh: Fresh<'_>, delimiter: u8) {
        self.keep(fresh, Consequence::RowRejected, || readable(&joined(fresh.record, delimiter)));
    }

    fn keep(&mut self, fresh: Fresh<'_>, consequence: Consequence, raw: impl FnOnce() -> String) {
        let Fresh { file, member, record, names, column, code } = fresh;
        let place = record.place();
        let whole = self.kept_of.len() - 1;
        let of_column = &mut self.kept_of[column.map_or(whole, |(index, _)| index)];
        if self.kept >= TABLE_REJECTS_MAX || *of_column >= COLUMN_REJECTS_MAX {
            self.not_kept += 1;
            return;
        }
        self.kept += 1;
        *of_column += 1;
        // Nobody listens when the run is over; the counts remain.
        let _ = self.sender.send(Reject {
            table: self.table.clone(),
            file: file.to_owned(),
            member: member.map(str::to_owned),
            line: place.line,
            offset: place.offset,
            column: column.map(|(_, name)| name.clone()),
            code,
            raw: raw(),
            consequence,
            record: pack(record),
            names: Arc::clone(names),
        });
    }
}

/// The record as delimited text again, as far as it will be kept.
fn joined(record: &Record<'_>, delimiter: u8) -> Vec<u8> {
    let mut text = Vec::new();
    for (index, field) in record.fields().enumerate() {
        if index > 0 {
            text.push(delimiter);
        }
        if field.iter().any(|byte| matches!(byte, b'"' | b'\n' | b'\r') || *byte == delimiter) {
            text.push(b'"');
            for byte in field.iter().take(RAW_MAX + 1) {
                text.push(*byte);
                if *byte == b'"' {
                    text.push(b'"');
                }
            }
            text.push(b'"');
        } else {
            text.extend(&field[..field.len().min(RAW_MAX + 1)]);
        }
        if text.len() > RAW_MAX {
            break;
        }
    }
    text
}

/// Text that PostgreSQL's `text` can hold.
pub fn readable(raw: &[u8]) -> String {
    let mut text = String::new();
    'all: for chunk in raw.utf8_chunks() {
        for c in chunk.valid().chars() {
            if text.len() + c.len_utf8() > RAW_MAX {
                text.push('…');
                break 'all;
            }
            if c == '\0' { text.push_str("\\x00") } else { text.push(c) }
        }
        for byte in chunk.invalid() {
            if text.len() + 4 > RAW_MAX {
                text.push('…');
                break 'all;
            }
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Draft, Place};

    #[test]
    fn what_is_kept_can_be_stored_as_text() {
        assert_eq!(readable(b"caf\xe9 \0 \xf0\x9f\x98\x80"), "caf\\xE9 \\x00 😀");
        let long = readable("é".repeat(600).as_bytes());
        assert_eq!(long, format!("{}…", "é".repeat(500)));
        assert_eq!(readable(&[b'x'; RAW_MAX]).len(), RAW_MAX);
    }

    #[test]
    fn one_bad_column_does_not_hide_the_others() {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let mut rejects = Rejects::new(sender, "t".parse().unwrap(), 2);
        let names: [Identifier; 2] = ["a".parse().unwrap(), "b".parse().unwrap()];
        let mut draft = Draft::default();
        draft.begin(1);
        let record = draft.record(Place { line: 2, offset: 10 });
        let header: Arc<[String]> = Arc::default();
        for column in [0, 1] {
            for _ in 0..COLUMN_REJECTS_MAX + 5 {
                let column = Some((column, &names[column]));
                rejects.value(
                    Fresh { file: "t.csv", member: None, record: &record, names: &header, column, code: "not_a_date" },
                    b"x",
                );
            }
        }
        let mut kept = Vec::new();
        while let Ok(reject) = receiver.try_recv() {
            kept.push(reject);
        }
        assert_eq!(kept.len(), 2 * COLUMN_REJECTS_MAX as usize);
        assert_eq!(rejects.not_kept, 10);
        assert_eq!((kept[150].column.as_ref(), kept[150].raw.as_str()), (Some(&names[1]), "x"));
    }
}
