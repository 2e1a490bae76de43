//! A record of any format: its fields as bytes that it borrows, and its place. This is all that the rest of the worker knows of
//! formats. A reader that cannot borrow from what it reads puts each record together in a [`Draft`].

use super::FormatError;

/// First byte of a field in the record's text, and the one behind its last. A field that is absent begins behind its end.
pub(super) type Bounds = (u32, u32);

/// A field that the record does not have.
const ABSENT: Bounds = (1, 0);

/// Marks the beginning of a field that holds an error in the place of a value. No text is so long.
const ERROR: u32 = 1 << 31;

/// The code of such a field.
const CELL_ERROR: &str = "cell_error";

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From 1: the physical line of a text, where each LF, CRLF and CR ends one, also within quotes; the row of a sheet; the
    /// number of the record where a format has no lines.
    pub line: u64,
    /// Bytes before it: in a text as it is after unpacking and decoding and without its byte order mark; 0 where a format has no
    /// such place.
    pub offset: u64,
}

/// Records of one file, or of one member of an archive, in their order.
pub trait ReadRecords {
    /// The next record; `None` at the end.
    fn read(&mut self) -> Result<Option<Record<'_>>, FormatError>;

    /// Unpacked bytes read so far.
    fn bytes(&self) -> u64;

    /// The names of the fields, where the format has them apart from its records. Without them they stand in a record.
    fn names(&self) -> Option<&[String]> {
        None
    }

    /// Makes room for a field that may come although [`names`](Self::names) lacks it, where records differ in what they have.
    fn admit(&mut self, _name: &str) {}

    /// Names of fields that came and are neither among [`names`](Self::names) nor [`admit`](Self::admit)ted, once all is read.
    fn late_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One record. It borrows from the block it was read from where it can.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r> {
    text: &'r [u8],
    fields: &'r [Bounds],
    place: Place,
}

impl<'r> Record<'r> {
    /// A record of fields that lie in `text`.
    #[inline]
    pub(super) fn new(text: &'r [u8], fields: &'r [Bounds], place: Place) -> Self {
        Self { text, fields, place }
    }

    /// How many fields it has; at least one.
    #[inline]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Always `false`: a line without anything is not a record.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// A field without its quotes; nothing where it is absent. The index is below [`len`](Self::len).
    #[inline]
    pub fn field(&self, index: usize) -> &'r [u8] {
        self.value(index).unwrap_or_else(|_| self.error(index))
    }

    /// The same as a value, which a spreadsheet's error such as `#N/A` is not: that is a code.
    #[inline]
    pub fn value(&self, index: usize) -> Result<&'r [u8], &'static str> {
        let (start, end) = self.fields[index];
        match self.text.get(start as usize..end as usize) {
            Some(field) => Ok(field),
            None => self.lacking(index),
        }
    }

    #[cold]
    fn lacking(&self, index: usize) -> Result<&'r [u8], &'static str> {
        if self.is_absent(index) { Ok(&[]) } else { Err(CELL_ERROR) }
    }

    #[cold]
    fn error(&self, index: usize) -> &'r [u8] {
        let (start, end) = self.fields[index];
        self.text.get((start ^ ERROR) as usize..end as usize).unwrap_or_default()
    }

    /// Whether a record does not have a field at all, as a JSON object without the key, or with null. Text formats cannot tell
    /// that from a field without text.
    pub fn is_absent(&self, index: usize) -> bool {
        self.fields[index] == ABSENT
    }

    /// All fields in order.
    pub fn fields(&self) -> impl Iterator<Item = &'r [u8]> + '_ {
        (0..self.len()).map(|index| self.field(index))
    }

    /// Whether it is a line of nothing but blanks.
    pub fn is_blank_line(&self) -> bool {
        self.len() == 1 && self.field(0).trim_ascii().is_empty()
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        self.place
    }
}

/// Room for one record that is put together field by field, used for all of them.
#[derive(Debug, Default)]
pub struct Draft {
    text: Vec<u8>,
    fields: Vec<Bounds>,
}

impl Draft {
    /// A record of so many fields, all absent.
    pub fn begin(&mut self, fields: usize) {
        self.text.clear();
        self.fields.clear();
        self.fields.resize(fields, ABSENT);
    }

    /// How many fields it has.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Gives a field what `write` appends. One that was given before is given anew; one behind the last widens the record.
    pub fn set<T>(&mut self, field: usize, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let start = self.text.len();
        let written = write(&mut self.text);
        if field >= self.fields.len() {
            self.fields.resize(field + 1, ABSENT);
        }
        self.fields[field] = bounds(start, self.text.len());
        written
    }

    /// Takes a field away.
    pub fn remove(&mut self, field: usize) {
        self.fields[field] = ABSENT;
    }

    /// Says that a field holds an error in the place of a value.
    pub fn spoil(&mut self, field: usize) {
        self.fields[field].0 |= ERROR;
    }

    /// Bytes of all fields. A reader ends long before places among them do not fit 31 bits.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The record.
    pub fn record(&self, place: Place) -> Record<'_> {
        Record::new(&self.text, &self.fields, place)
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "readers limit the length of a record")]
pub(super) fn bounds(start: usize, end: usize) -> Bounds {
    (start as u32, end as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_has_the_fields_that_it_was_given_whatever_their_order() {
        let mut draft = Draft::default();
        let place = Place { line: 3, offset: 0 };
        for _ in 0..2 {
            draft.begin(3);
            draft.set(2, |text| text.extend_from_slice(b"two"));
            draft.set(0, |_| ());
            let record = draft.record(place);
            let fields: Vec<_> = record.fields().collect();
            assert_eq!(fields, [&b""[..], b"", b"two"]);
            assert_eq!([0, 1, 2].map(|field| record.is_absent(field)), [false, true, false]);
        }
        draft.spoil(2);
        let record = draft.record(place);
        assert_eq!((record.value(2), record.field(2), record.is_absent(2)), (Err("cell_error"), &b"two"[..], false));
        draft.set(4, |text| text.extend_from_slice(b"four"));
        draft.remove(2);
        let record = draft.record(place);
        assert_eq!(
            (record.len(), record.field(4), record.is_absent(2), record.is_absent(3)),
            (5, &b"four"[..], true, true)
        );
    }
}
