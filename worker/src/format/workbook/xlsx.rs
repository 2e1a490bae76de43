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

/// Most bytes between two tags: a cell has at most 32,767 characters.
const TEXT_MAX: u64 = 1 << 20;

/// Bytes at the start of a part in which the tag of a table of texts is found.
const HEAD: usize = 64 << 10;

/// As many columns as a sheet can have.
const COLUMNS_MAX: u32 = 1 << 14;

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
            let cell = cell.map(|cell| (cell.get_position(), cell.get_value().clone())).map_err(damage);
            Some(cell.and_then(|cell| match cell {
                ((row, column), _) if column >= COLUMNS_MAX => {
                    let detail = format!("a cell of row {} is in a column that no sheet has", u64::from(row) + 1);
                    Err(FormatError::Corrupt(Format::Xlsx, detail))
                }
                cell => Ok(cell),
            }))
        });
        // Behind its last cell the sheet is over, and asking again would be an error.
        Ok(Rows::new(cells.fuse(), width, nulls))
    }
}

/// Reads all parts once before anything is kept of them, to know how much that is whatever the archive says, and that it is whole.
fn weigh(mut archive: Archive<SharedFile>) -> Result<(), FormatError> {
    let mut held = 0;
    for name in archive.files()? {
        // Pictures and the like are never read.
        if !matches!(name.rsplit('.').next(), Some("xml" | "rels")) {
            continue;
        }
        let is_held = !name.contains("worksheets/sheet");
        let mut texts = Texts::default();
        let mut part = archive.read(&name)?;
        loop {
            part.advance()?;
            let block = part.block();
            if block.is_empty() {
                break;
            }
            held += if is_held { block.len() as u64 } else { 0 };
            if held > PARTS_MAX {
                return Err(FormatError::TooLarge { what: "texts and styles of the workbook", limit: PARTS_MAX });
            }
            texts.look(block)?;
        }
        texts.check()?;
    }
    Ok(())
}

/// What is looked at in a part of the workbook: how long its longest text is, and whether it promises more than it has.
#[derive(Default)]
struct Texts {
    /// Bytes of the part.
    bytes: u64,
    /// Bytes since the last tag began.
    since: u64,
    /// The start of the part.
    head: Vec<u8>,
}

impl Texts {
    fn look(&mut self, block: &[u8]) -> Result<(), FormatError> {
        self.bytes += block.len() as u64;
        let kept = HEAD.saturating_sub(self.head.len()).min(block.len());
        self.head.extend_from_slice(&block[..kept]);
        let mut at = 0;
        for tag in memchr::memchr_iter(b'<', block) {
            self.since += (tag - at) as u64;
            if self.since > TEXT_MAX {
                break;
            }
            (at, self.since) = (tag, 0);
        }
        self.since += (block.len() - at) as u64;
        if self.since > TEXT_MAX { Err(FormatError::TooLarge { what: "one cell", limit: TEXT_MAX }) } else { Ok(()) }
    }

    /// Refuses a table of texts that says that it has more of them than bytes: room would be made for all of them.
    fn check(&self) -> Result<(), FormatError> {
        let promised = memchr::memmem::find(&self.head, b"uniqueCount").map(|at| &self.head[at..]);
        let digits = promised.and_then(|rest| Some(&rest[rest.iter().position(u8::is_ascii_digit)?..]));
        let digits = digits.map(|digits| digits.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default());
        let count = digits.and_then(|digits| std::str::from_utf8(digits).ok()).map(str::parse);
        // More digits than a number has are as good as one that is too large.
        let is_more = count.is_some_and(|count| count.map_or(true, |count: u64| count > self.bytes));
        if is_more {
            let detail = "it says to have more texts than it has bytes".to_owned();
            return Err(FormatError::Corrupt(Format::Xlsx, detail));
        }
        Ok(())
    }
}

fn damage(error: XlsxError) -> FormatError {
    match error {
        XlsxError::Io(error) => error.into(),
        XlsxError::Password => FormatError::Encrypted,
        error => FormatError::Corrupt(Format::Xlsx, error.to_string()),
    }
}
