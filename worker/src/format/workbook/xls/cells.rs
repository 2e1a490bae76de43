//! The cells of a sheet, row by row. They stand in any order and each has its value somewhere in the stream, so that all are looked up first.

use calamine::{CellErrorType, DataRef};

use super::globals::{BEGIN, END, Globals};
use crate::format::FormatError;
use crate::format::workbook::Cell;
use crate::format::workbook::biff::{Record, Records, Stretch, damaged};

const NUMBER: u16 = 0x0203;
const LABEL: u16 = 0x0204;
const RICH_LABEL: u16 = 0x00d6;
const TRUTH: u16 = 0x0205;
const RESULT: u16 = 0x0207;
const SHORT_NUMBER: u16 = 0x027e;
const SHORT_NUMBERS: u16 = 0x00bd;
const SHARED_LABEL: u16 = 0x00fd;
const FORMULA: u16 = 0x0006;

/// The cells of one sheet.
pub(super) struct Cells<'s> {
    stream: &'s [u8],
    globals: &'s Globals,
    found: Vec<Found>,
    /// As many columns as the widest row has.
    pub(super) width: u32,
}

/// A cell whose value is yet to be read.
#[derive(Clone, Copy)]
struct Found {
    row: u16,
    column: u16,
    /// Where the value is in the stream: the format of a cell before it, or the record of a text.
    at: u32,
    value: Value,
}

#[derive(Clone, Copy)]
enum Value {
    /// Eight bytes of a floating-point number.
    Number,
    /// Four bytes of one that needs no more.
    Short,
    /// A truth or an error.
    Truth,
    /// The number of a text that cells share.
    Shared,
    /// A text, in a record that has so many bytes before it.
    Text(u8),
    /// Of a formula: a number, a truth or an error.
    Computed,
}

impl<'s> Cells<'s> {
    /// Looks for the cells of the sheet that begins here.
    pub(super) fn read(stream: &'s [u8], globals: &'s Globals, at: usize) -> Result<Self, FormatError> {
        let mut records = Records::from(stream, at);
        if records.next()?.kind != BEGIN {
            return Err(damaged("a sheet is not where it should be"));
        }
        let mut cells = Self { stream, globals, found: Vec::new(), width: 0 };
        // Charts lie in a sheet as sheets of their own.
        let mut within = 0_usize;
        let mut formula = None;
        loop {
            let record = records.next()?;
            match record.kind {
                BEGIN => within += 1,
                END if within == 0 => break,
                END => within -= 1,
                _ if within > 0 => {}
                RESULT => {
                    let (row, column) = formula.take().ok_or_else(|| damaged("a text is the result of no formula"))?;
                    cells.add(row, column, record.at, Value::Text(0))?;
                }
                _ => formula = cells.cell(&record)?.or(formula),
            }
        }
        let place = |found: &Found| (found.row, found.column);
        if !cells.found.is_sorted_by_key(place) {
            cells.found.sort_by_key(place);
        }
        cells.width = cells.found.iter().map(|found| u32::from(found.column) + 1).max().unwrap_or(0);
        Ok(cells)
    }

    fn add(&mut self, row: u16, column: u16, at: usize, value: Value) -> Result<(), FormatError> {
        let at = u32::try_from(at).map_err(|_| damaged("it is too long"))?;
        self.found.push(Found { row, column, at, value });
        Ok(())
    }

    /// Notes what a record holds; the place of a formula whose result is a text that is yet to come.
    fn cell(&mut self, record: &Record<'s>) -> Result<Option<(u16, u16)>, FormatError> {
        let place = || {
            let [row_low, row_high, low, high, ..] = *record.head::<6>()?;
            Ok::<_, FormatError>((u16::from_le_bytes([row_low, row_high]), u16::from_le_bytes([low, high])))
        };
        // Behind the head of the record, its row and its column.
        let format = record.at + 8;
        match record.kind {
            NUMBER | SHORT_NUMBER | TRUTH | SHARED_LABEL => {
                let (row, column) = place()?;
                let value = match record.kind {
                    NUMBER => record.head::<14>().map(|_| Value::Number)?,
                    TRUTH => record.head::<8>().map(|_| Value::Truth)?,
                    SHARED_LABEL => record.head::<10>().map(|_| Value::Shared)?,
                    _ => record.head::<10>().map(|_| Value::Short)?,
                };
                self.add(row, column, format, value)?;
            }
            SHORT_NUMBERS => {
                let (row, first) = place()?;
                // Its last two bytes say how many there are, which the length says too.
                let many = record.data.len().saturating_sub(6) / 6;
                for index in 0..many {
                    let column = u16::try_from(index).ok().and_then(|index| first.checked_add(index));
                    let column = column.ok_or_else(|| damaged("a row of it has too many cells"))?;
                    self.add(row, column, format + index * 6, Value::Short)?;
                }
            }
            LABEL | RICH_LABEL => {
                let (row, column) = place()?;
                self.add(row, column, record.at, Value::Text(6))?;
            }
            FORMULA => {
                let (row, column) = place()?;
                let head: &[u8; 14] = record.head()?;
                match head {
                    [.., 0, _, _, _, _, _, 0xff, 0xff] => return Ok(Some((row, column))),
                    // A text without characters.
                    [.., 3, _, _, _, _, _, 0xff, 0xff] => {}
                    _ => self.add(row, column, format, Value::Computed)?,
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// The value of each cell, row by row.
    pub(super) fn values(self) -> impl Iterator<Item = Result<Cell<'s>, FormatError>> {
        let Self { stream, globals, found, .. } = self;
        found.into_iter().map(move |found| {
            let place = (u32::from(found.row), u32::from(found.column));
            Ok((place, value(stream, globals, found)?))
        })
    }
}

fn value<'s>(stream: &[u8], globals: &'s Globals, found: Found) -> Result<DataRef<'s>, FormatError> {
    let at = found.at as usize;
    // The lengths of all records were looked at.
    let bytes = |from: usize| stream.get(at + from..).unwrap_or_default();
    let format = || bytes(0).first_chunk().map_or(0, |format| u16::from_le_bytes(*format));
    let eight = || bytes(2).first_chunk::<8>().copied().unwrap_or_default();
    let four = || bytes(2).first_chunk::<4>().copied().unwrap_or_default();
    Ok(match found.value {
        Value::Number => globals.number(f64::from_le_bytes(eight()), format()),
        Value::Short => globals.number(short(u32::from_le_bytes(four())), format()),
        Value::Truth => {
            let [value, is_error, ..] = four();
            truth(value, is_error)?
        }
        Value::Shared => {
            let text = globals.text(u32::from_le_bytes(four()));
            DataRef::SharedString(text.ok_or_else(|| damaged("a cell has a text that is not there"))?)
        }
        Value::Text(skip) => {
            let mut text = String::new();
            Stretch::at(stream, at, usize::from(skip))?.long_text(globals.letters, &mut text)?;
            DataRef::String(text)
        }
        Value::Computed => match eight() {
            [1, _, value, .., 0xff, 0xff] => truth(value, 0)?,
            [2, _, value, .., 0xff, 0xff] => truth(value, 1)?,
            number => globals.number(f64::from_le_bytes(number), format()),
        },
    })
}

/// A number in thirty bits: the upper ones of a floating-point number or a whole one, and maybe a hundredth of it.
fn short(bits: u32) -> f64 {
    let number =
        if bits & 2 == 0 { f64::from_bits(u64::from(bits & !3) << 32) } else { f64::from(bits.cast_signed() >> 2) };
    if bits & 1 == 0 { number } else { number / 100.0 }
}

fn truth(value: u8, is_error: u8) -> Result<DataRef<'static>, FormatError> {
    if is_error == 0 {
        return Ok(DataRef::Bool(value != 0));
    }
    Ok(DataRef::Error(match value {
        0x00 => CellErrorType::Null,
        0x07 => CellErrorType::Div0,
        0x0f => CellErrorType::Value,
        0x17 => CellErrorType::Ref,
        0x1d => CellErrorType::Name,
        0x24 => CellErrorType::Num,
        0x2a => CellErrorType::NA,
        other => return Err(damaged(format!("a cell has the unknown error {other:#04x}"))),
    }))
}
