//! Workbooks: the cells of one sheet come in, a record for each row that holds anything goes out, at the row's own number. A cell's text
//! is what PostgreSQL would print for its value, whatever number format it is shown in. Merged cells have their value in the first of
//! them, as the file does; a formula is the value that was last computed for it.

mod biff;
mod cell;
mod compound;
mod number_format;
mod xls;
mod xlsx;

use calamine::DataRef;

pub use xls::{FILE_MAX as XLS_MAX, Xls};
pub use xlsx::{PARTS_MAX as XLSX_PARTS_MAX, Xlsx};

use super::FormatError;
use super::record::{Draft, Place, ReadRecords, Record};

/// Columns of a sheet that are taken for granted beforehand; some programs say that a sheet has all that there can be.
const WIDTH_MAX: u32 = 2_000;

/// Most bytes of the texts of one row. A text that cells share may be in any number of them.
const ROW_MAX: u64 = 64 << 20;

/// A cell: row and column from 0, and its value.
type Cell<'w> = ((u32, u32), DataRef<'w>);

/// Reads the rows of a sheet from its cells, which come row by row.
pub struct Rows<'w, C> {
    cells: C,
    /// The first cell of the next row.
    next: Option<Cell<'w>>,
    /// As many fields as the widest row so far, so that what a row lacks at its end is absent.
    width: usize,
    nulls: &'w [String],
    draft: Draft,
    bytes: u64,
}

impl<'w, C: Iterator<Item = Result<Cell<'w>, FormatError>>> Rows<'w, C> {
    /// Rows of a sheet that says to be so wide. Errors that are named among `nulls` are no errors.
    fn new(cells: C, width: u32, nulls: &'w [String]) -> Self {
        let width = if width > WIDTH_MAX { 0 } else { width as usize };
        Self { cells, next: None, width, nulls, draft: Draft::default(), bytes: 0 }
    }

    /// The next cell that holds anything.
    fn cell(&mut self) -> Result<Option<Cell<'w>>, FormatError> {
        for cell in self.cells.by_ref() {
            let (place, value) = cell?;
            if !cell::is_empty(&value) {
                return Ok(Some((place, value)));
            }
        }
        Ok(None)
    }
}

impl<'w, C: Iterator<Item = Result<Cell<'w>, FormatError>>> ReadRecords for Rows<'w, C> {
    fn read(&mut self) -> Result<Option<Record<'_>>, FormatError> {
        let first = match self.next.take() {
            Some(cell) => Some(cell),
            None => self.cell()?,
        };
        let Some(((row, column), value)) = first else { return Ok(None) };
        self.draft.begin(self.width);
        cell::put(&mut self.draft, column as usize, &value, self.nulls);
        while let Some(((next, column), value)) = self.cell()? {
            if next != row {
                self.next = Some(((next, column), value));
                break;
            }
            cell::put(&mut self.draft, column as usize, &value, self.nulls);
            if self.draft.bytes() as u64 > ROW_MAX {
                return Err(FormatError::TooLarge { what: "one row", limit: ROW_MAX });
            }
        }
        self.width = self.width.max(self.draft.len());
        self.bytes += self.draft.bytes() as u64;
        Ok(Some(self.draft.record(Place { line: u64::from(row) + 1, offset: 0 })))
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The sheet of that number, from 1, or of that name; the first when none is given.
fn sheet(sheets: Vec<String>, wanted: Option<&str>) -> Result<String, FormatError> {
    let wanted = wanted.unwrap_or("1");
    // A name may well be a number, such as a year.
    if let Some(named) = sheets.iter().find(|name| name.trim().eq_ignore_ascii_case(wanted.trim())) {
        return Ok(named.clone());
    }
    let numbered = wanted.parse().ok().and_then(|number: usize| sheets.get(number.checked_sub(1)?));
    let numbered = numbered.cloned();
    numbered.ok_or_else(|| FormatError::NoSheet { sheet: wanted.to_owned(), sheets })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_named_or_counted() {
        let sheets = || ["Notes", "2019", "Sales "].map(str::to_owned).to_vec();
        for (wanted, found) in
            [(None, "Notes"), (Some("3"), "Sales "), (Some("2019"), "2019"), (Some("sales"), "Sales ")]
        {
            assert_eq!(sheet(sheets(), wanted).unwrap(), found);
        }
        let error = sheet(sheets(), Some("4")).unwrap_err();
        assert_eq!(error.to_string(), "the workbook has no sheet `4`; it has Notes, 2019, Sales ");
    }

    #[test]
    fn a_text_that_is_in_every_cell_of_a_row_does_not_fill_the_memory() {
        let text = "x".repeat(32_767);
        let cells = (0..16_384).map(|column| Ok(((0, column), DataRef::SharedString(&text))));
        let mut rows = Rows::new(cells, 1, &[]);
        assert!(matches!(rows.read(), Err(FormatError::TooLarge { what: "one row", .. })));
    }

    #[test]
    fn rows_keep_their_numbers_and_have_the_width_of_the_sheet() {
        let text = |text: &'static str| DataRef::SharedString(text);
        let cells = [
            ((2, 1), text("b")),
            ((2, 0), text("a")),
            ((3, 0), DataRef::Empty),
            ((3, 2), text(" ")),
            ((6, 0), DataRef::Float(1.0)),
            ((6, 3), text("beyond")),
            ((7, 0), DataRef::Float(2.5)),
        ];
        let mut rows = Rows::new(cells.into_iter().map(Ok), 3, &[]);
        let mut read = Vec::new();
        while let Some(record) = rows.read().unwrap() {
            let fields: Vec<_> = record.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
            read.push((record.place().line, fields.join("|")));
        }
        let expected = [(3, "a|b|"), (7, "1|||beyond"), (8, "2.5|||")];
        assert_eq!(read, expected.map(|(line, row)| (line, row.to_owned())));
    }
}
