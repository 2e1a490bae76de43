//! Excel 97–2003. Its cells stand in any order and lean on each other, so that the whole workbook is held in memory, within a limit
//! on the file. A sheet of it has at most 65,536 rows and 256 columns.

use std::io::{Read as _, Seek as _, SeekFrom};

use calamine::{Data, DataRef, Range, Reader as _, SheetType, XlsError};
use manifest::dataset::Format;

use super::{Rows, sheet};
use crate::format::record::ReadRecords;
use crate::format::{FormatError, Impostor};
use crate::spool::SharedFile;

/// Most bytes of a file that is read into memory, where it takes up to ten times as many.
pub const FILE_MAX: u64 = 64 << 20;

/// An open workbook, all of it in memory.
pub struct Xls {
    book: calamine::Xls<SharedFile>,
    cells: Range<Data>,
}

impl Xls {
    /// Reads a workbook.
    pub fn open(mut file: SharedFile) -> Result<Self, FormatError> {
        if file.seek(SeekFrom::End(0))? > FILE_MAX {
            return Err(FormatError::TooLarge { what: "workbook of Excel 97–2003", limit: FILE_MAX });
        }
        file.rewind()?;
        let mut head = Vec::new();
        file.by_ref().take(512).read_to_end(&mut head)?;
        match Impostor::of(&head) {
            None | Some(Impostor::Xls) => {}
            Some(what) => return Err(FormatError::Impostor(what)),
        }
        file.rewind()?;
        Ok(Self { book: calamine::Xls::new(file).map_err(damage)?, cells: Range::empty() })
    }

    /// The name of a sheet that is counted from 1 or named; the first when neither.
    pub fn sheet(&self, wanted: Option<&str>) -> Result<String, FormatError> {
        let sheets = self.book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        sheet(sheets.map(|sheet| sheet.name.clone()).collect(), wanted)
    }

    /// The rows of the sheet of that name.
    pub fn rows<'w>(&'w mut self, sheet: &str, nulls: &'w [String]) -> Result<impl ReadRecords + 'w, FormatError> {
        self.cells = self.book.worksheet_range(sheet).map_err(damage)?;
        let (top, left) = self.cells.start().unwrap_or_default();
        let width = self.cells.end().map_or(0, |(_, right)| right + 1);
        let cells = self.cells.used_cells().map(move |(row, column, value)| {
            // A sheet has no more than 65,536 rows.
            let place = |from: u32, at: usize| from + u32::try_from(at).unwrap_or(u32::MAX - from);
            Ok(((place(top, row), place(left, column)), borrowed(value)))
        });
        Ok(Rows::new(cells, width, nulls))
    }
}

fn borrowed(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(truth) => DataRef::Bool(*truth),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

fn damage(error: XlsError) -> FormatError {
    match error {
        XlsError::Io(error) => error.into(),
        XlsError::Password => FormatError::Encrypted,
        error => FormatError::Corrupt(Format::Xls, error.to_string()),
    }
}
