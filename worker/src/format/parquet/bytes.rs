//! The bytes of a file wherever they are asked for.

use std::io::{BufReader, Read as _, Seek as _, SeekFrom};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::format::FormatError;
use crate::spool::SharedFile;

/// Most bytes that are read in one piece: a page, or what the file says of itself.
pub const PAGE_MAX: u64 = 64 << 20;

/// A file whose every place is read on its own.
pub(super) struct Sought {
    file: SharedFile,
    length: u64,
}

impl Sought {
    pub(super) fn new(mut file: SharedFile) -> Self {
        // A file whose length is not to be had is none at all, and its parser says so.
        let length = file.seek(SeekFrom::End(0)).unwrap_or_default();
        Self { file, length }
    }

    fn at(&self, start: u64) -> Result<SharedFile> {
        let mut file = self.file.clone();
        file.seek(SeekFrom::Start(start))?;
        Ok(file)
    }
}

impl Length for Sought {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Sought {
    type T = BufReader<SharedFile>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::new(self.at(start)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if length as u64 > PAGE_MAX {
            let error = FormatError::TooLarge { what: "one page of a column", limit: PAGE_MAX };
            return Err(ParquetError::External(Box::new(std::io::Error::from(error))));
        }
        let mut bytes = Vec::new();
        self.at(start)?.take(length as u64).read_to_end(&mut bytes)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF("it ends too early".to_owned()));
        }
        Ok(bytes.into())
    }
}
