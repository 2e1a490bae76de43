//! Excel 97–2003, and 95. The stream of the workbook and the texts that its cells share are held in memory, within a limit on the file; what
//! a workbook says of its own size is not believed. A sheet of it has at most 65,536 rows and 256 columns.

mod cells;
mod globals;

use std::io::{Read as _, Seek as _, SeekFrom};

use super::biff::damaged;
use super::compound::Compound;
use super::{Rows, sheet};
use crate::format::record::ReadRecords;
use crate::format::{FormatError, Impostor};
use crate::spool::SharedFile;
use cells::Cells;
use globals::Globals;

/// Most bytes of a file that is read into memory, where it takes up to six times as many.
pub const FILE_MAX: u64 = 64 << 20;

/// An open workbook, all of it in memory.
pub struct Xls {
    stream: Vec<u8>,
    globals: Globals,
}

impl Xls {
    /// Reads a workbook.
    pub fn open(mut file: SharedFile) -> Result<Self, FormatError> {
        let length = file.seek(SeekFrom::End(0))?;
        if length > FILE_MAX {
            return Err(FormatError::TooLarge { what: "workbook of Excel 97–2003", limit: FILE_MAX });
        }
        file.rewind()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        match Impostor::of(&bytes[..bytes.len().min(512)]) {
            None | Some(Impostor::Xls) => {}
            Some(what) => return Err(FormatError::Impostor(what)),
        }
        let compound = Compound::open(&bytes).map_err(damaged)?;
        let stream = match compound.stream("Workbook").map_err(damaged)? {
            Some(stream) => stream,
            None => compound.stream("Book").map_err(damaged)?.ok_or_else(|| damaged("there is no workbook in it"))?,
        };
        Self::of(stream)
    }

    /// A workbook whose records are in these bytes.
    pub fn of(stream: Vec<u8>) -> Result<Self, FormatError> {
        let globals = Globals::read(&stream)?;
        Ok(Self { stream, globals })
    }

    /// The name of a sheet that is counted from 1 or named; the first when neither.
    pub fn sheet(&self, wanted: Option<&str>) -> Result<String, FormatError> {
        sheet(self.globals.sheets.iter().map(|(name, _)| name.clone()).collect(), wanted)
    }

    /// The rows of the sheet of that name.
    pub fn rows<'w>(&'w mut self, sheet: &str, nulls: &'w [String]) -> Result<impl ReadRecords + 'w, FormatError> {
        let found = self.globals.sheets.iter().find(|(name, _)| name == sheet);
        let (_, at) = found.ok_or_else(|| damaged(format!("it has no sheet {sheet}")))?;
        let cells = Cells::read(&self.stream, &self.globals, *at)?;
        let width = cells.width;
        Ok(Rows::new(cells.values(), width, nulls))
    }
}
