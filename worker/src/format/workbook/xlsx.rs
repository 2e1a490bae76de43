//! Excel since 2007: a zip archive of XML. The cells of a sheet are read as they come; the texts that cells share and the styles are
//! held in memory, within a limit.

use calamine::{Reader as _, SheetType, XlsxError};
use manifest::dataset::Format;

use super::{Rows, sheet};
use crate::format::blocks::Blocks as _;
use crate::format::record::ReadRecords;
use crate::format::{Archive, FormatError};
use crate::spool::SharedFile;

/// Most unpacked bytes of the parts of a workbook that are held in memory: all but its sheets.
pub const PARTS_MAX: u64 = 128 << 20;

/// An open workbook.
pub struct Xlsx {
    book: calamine::Xlsx<SharedFile>,
}

impl Xlsx {
    /// Reads all of a workbook but its sheets.
    pub fn open(file: SharedFile) -> Result<Self, FormatError> {
        weigh(Archive::open(file.clone())?)?;
        let book = calamine::Xlsx::new(file).map_err(damage)?;
        Ok(Self { book })
    }

    /// The name of a sheet that is counted from 1 or named; the first when neither.
    pub fn sheet(&self, wanted: Option<&str>) -> Result<String, FormatError> {
        let sheets = self.book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        sheet(sheets.map(|sheet| sheet.name.clone()).collect(), wanted)
    }

    /// The rows of the sheet of that name.
    pub fn rows<'w>(&'w mut self, sheet: &str, nulls: &'w [String]) -> Result<impl ReadRecords + 'w, FormatError> {
        let mut cells = self.book.worksheet_cells_reader(sheet).map_err(damage)?;
        let width = cells.dimensions().end.1.saturating_add(1);
        let cells = std::iter::from_fn(move || {
            let cell = cells.next_cell().transpose()?;
            Some(cell.map(|cell| (cell.get_position(), cell.get_value().clone())).map_err(damage))
        });
        // Behind its last cell the sheet is over, and asking again would be an error.
        Ok(Rows::new(cells.fuse(), width, nulls))
    }
}

/// Reads what will be held in memory once, to know how much it is whatever the archive says, and that it is whole.
fn weigh(mut archive: Archive<SharedFile>) -> Result<(), FormatError> {
    let mut bytes = 0;
    for name in archive.files()? {
        // Pictures and the like are never read.
        let is_held = matches!(name.rsplit('.').next(), Some("xml" | "rels"));
        if name.contains("worksheets/sheet") || !is_held {
            continue;
        }
        let mut part = archive.read(&name)?;
        loop {
            part.advance()?;
            match part.block().len() {
                0 => break,
                read => bytes += read as u64,
            }
            if bytes > PARTS_MAX {
                return Err(FormatError::TooLarge { what: "texts and styles of the workbook", limit: PARTS_MAX });
            }
        }
    }
    Ok(())
}

fn damage(error: XlsxError) -> FormatError {
    match error {
        XlsxError::Io(error) => error.into(),
        XlsxError::Password => FormatError::Encrypted,
        error => FormatError::Corrupt(Format::Xlsx, error.to_string()),
    }
}
