//! What a workbook says of all of its sheets: their names and places, the texts that cells share, what numbers are shown as.

use std::collections::HashMap;

use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType};
use encoding_rs::Encoding;

use crate::format::FormatError;
use crate::format::workbook::biff::{Letters, Records, Stretch, damaged};
use crate::format::workbook::number_format::Shown;

/// Beginning of a workbook or a sheet, and its end.
pub(super) const BEGIN: u16 = 0x0809;
pub(super) const END: u16 = 0x000a;

const FILE_PASS: u16 = 0x002f;
const CODE_PAGE: u16 = 0x0042;
const DATE_MODE: u16 = 0x0022;
const FORMAT: u16 = 0x041e;
const CELL_FORMAT: u16 = 0x00e0;
const SHEET: u16 = 0x0085;
const SHARED_TEXTS: u16 = 0x00fc;

/// The version of Excel 97 and later.
const VERSION_8: u16 = 0x0600;

/// The globals of a workbook.
#[derive(Debug)]
pub(super) struct Globals {
    /// Worksheets, each with the place of its first record.
    pub(super) sheets: Vec<(String, usize)>,
    pub(super) letters: Letters,
    texts: String,
    /// Where each of the texts ends.
    ends: Vec<u32>,
    /// What the numbers of cells of each format are shown as.
    shown: Vec<Shown>,
    is_1904: bool,
}

impl Globals {
    pub(super) fn read(stream: &[u8]) -> Result<Self, FormatError> {
        let mut records = Records::from(stream, 0);
        let first = records.next()?;
        if first.kind != BEGIN {
            return Err(damaged("it does not begin as a workbook"));
        }
        let is_unicode = u16::from_le_bytes(*first.head()?) == VERSION_8;
        let letters = if is_unicode { Letters::Unicode } else { Letters::Page(Some(encoding_rs::WINDOWS_1252)) };
        let (mut codes, mut formats) = (HashMap::new(), Vec::new());
        let (sheets, shown, ends) = (Vec::new(), Vec::new(), Vec::new());
        let mut globals = Self { sheets, letters, texts: String::new(), ends, shown, is_1904: false };
        loop {
            let record = records.next()?;
            let text = |skip| Stretch::at(stream, record.at, skip);
            match record.kind {
                END => break,
                FILE_PASS => return Err(FormatError::Encrypted),
                CODE_PAGE if !is_unicode => globals.letters = Letters::Page(page(u16::from_le_bytes(*record.head()?))),
                DATE_MODE => globals.is_1904 = *record.head()? == [1, 0],
                FORMAT => {
                    let mut code = String::new();
                    let mut text = text(2)?;
                    match globals.letters {
                        Letters::Unicode => text.long_text(globals.letters, &mut code)?,
                        Letters::Page(_) => text.short_text(globals.letters, &mut code)?,
                    }
                    codes.insert(u16::from_le_bytes(*record.head()?), Shown::of(&code));
                }
                CELL_FORMAT => {
                    let [_, _, low, high] = *record.head()?;
                    formats.push(u16::from_le_bytes([low, high]));
                }
                SHEET => {
                    let [a, b, c, d, _, kind] = *record.head()?;
                    let mut name = String::new();
                    text(6)?.short_text(globals.letters, &mut name)?;
                    if kind == 0 {
                        name.retain(|c| c != '\0');
                        globals.sheets.push((name, u32::from_le_bytes([a, b, c, d]) as usize));
                    }
                }
                SHARED_TEXTS => {
                    // How many there are, twice, is not believed.
                    let mut texts = text(8)?;
                    while texts.has_more() {
                        texts.rich_text(&mut globals.texts)?;
                        globals
                            .ends
                            .push(u32::try_from(globals.texts.len()).map_err(|_| damaged("its texts are too long"))?);
                    }
                }
                _ => {}
            }
        }
        let shown = |format: &u16| codes.get(format).copied().unwrap_or_else(|| Shown::built_in(*format));
        globals.shown = formats.iter().map(shown).collect();
        Ok(globals)
    }

    /// The shared text of this number.
    pub(super) fn text(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        let start = if number == 0 { 0 } else { *self.ends.get(number - 1)? };
        self.texts.get(start as usize..*self.ends.get(number)? as usize)
    }

    /// A number as a cell of this format shows it.
    pub(super) fn number(&self, number: f64, format: u16) -> DataRef<'static> {
        let kind = match self.shown.get(usize::from(format)) {
            Some(Shown::Moment) => ExcelDateTimeType::DateTime,
            Some(Shown::Span) => ExcelDateTimeType::TimeDelta,
            Some(Shown::Number) | None => return DataRef::Float(number),
        };
        DataRef::DateTime(ExcelDateTime::new(number, kind, self.is_1904))
    }
}

/// The encoding of a code page; `None` where it is none of the web's.
fn page(number: u16) -> Option<&'static Encoding> {
    match number {
        866 => Some(encoding_rs::IBM866),
        874 => Some(encoding_rs::WINDOWS_874),
        932 => Some(encoding_rs::SHIFT_JIS),
        936 => Some(encoding_rs::GBK),
        949 => Some(encoding_rs::EUC_KR),
        950 => Some(encoding_rs::BIG5),
        10_000 | 0x8000 => Some(encoding_rs::MACINTOSH),
        10_007 => Some(encoding_rs::X_MAC_CYRILLIC),
        367 | 0x8001 => Some(encoding_rs::WINDOWS_1252),
        page => Encoding::for_label(format!("windows-{page}").as_bytes()),
    }
}
